"""The operation that erases data whose collection or person no longer exists."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from facerec.core.collecting import collected
from facerec.core.existing import collection_or_none
from facerec.errors import FacerecError
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import erasures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from facerec.core.erasures import Swept
    from facerec.core.records import Collection


class SweepOperations(GalleryBase):
    """The operation of a gallery that erases data that killed processes have left."""

    def sweep(self, *, stop: Callable[[], bool] = lambda: False) -> dict[str, Swept]:
        """Erase data whose collection or person does not exist any more.

        A child of a job may be killed just after it has stored faces of a deleted collection. Then
        it removes neither them nor its additions to the job folder. No collection shows them, since
        every collection has its own namespaces, even if it has the id of a deleted one; but the
        embeddings are still there. Deletions that were interrupted under earlier releases may have
        left records of collections and people in a stack's table.

        Args:
            stop: Called between collections, job folders and requests; once it returns true, the
                rest is left to the next call, which continues there.

        Returns:
            What was erased, by the id of the collection that it belonged to; without faces and
            records if only job folders still had something of it. Empty if nothing was found.

        Raises:
            ConflictError: Too many concurrent changes; call this again.
            FacerecError: The notes of deleted collections, a store or a job folder cannot be read
                or changed; raised after everything else was swept.
        """
        swept, records = Counter[str](), dict[str, int]()
        errors = list[FacerecError]()
        with collected(errors):
            collections = self._erasures.deleted_collections()
            with collected(errors):
                self._sweep_vectors(collections, swept, errors, stop)
            with collected(errors):
                names = {each.collection_id for each in collections}
                for name in self._job_data.sweep(names, self._is_gone(collections), stop=stop):
                    swept[name] += 0
        with collected(errors):
            records = self._records.delete_unowned(stop=stop)
        if errors:
            raise errors[0]
        return {
            name: erasures.Swept(swept[name], records.get(name, 0))
            for name in sorted(swept.keys() | records.keys())
        }

    def _sweep_vectors(
        self,
        collections: Sequence[Collection],
        swept: Counter[str],
        errors: list[FacerecError],
        stop: Callable[[], bool],
    ) -> None:
        """Delete the vectors of deleted collections.

        Args:
            collections: The deleted collections.
            swept: Receives the number of faces by collection.
            errors: Receives the errors of collections that cannot be swept.
            stop: See ``sweep``.

        Raises:
            FacerecError: The store cannot list what it has.
        """
        for deleted in self._faces.left_of(collections):
            if stop():
                break
            with collected(errors):
                if not self._is_in_use(deleted):
                    swept[deleted.collection_id] += self._delete_vectors_of(deleted)

    def _delete_vectors_of(self, deleted: Collection) -> int:
        """Delete the faces and people's vectors of a deleted collection; return how many faces."""
        from facerec.gallery.people.user_vectors import delete_vectors

        own = self._faces.of(deleted)
        faces = own.count_faces(deleted.collection_id)
        delete_vectors(own, deleted.collection_id)
        own.delete_namespace(deleted.collection_id)
        return faces

    def _is_gone(self, deleted: Sequence[Collection]) -> Callable[[str], bool]:
        """Return a function that returns whether every collection with an id was deleted.

        Args:
            deleted: All deleted collections. One that is deleted later is left to the next sweep.
        """
        deletions: dict[str, set[float]] = {}
        for each in deleted:
            deletions.setdefault(each.collection_id, set()).add(each.created_at)

        def is_gone(collection_id: str) -> bool:
            if collection_or_none(collection_id, self._records) is not None:
                return False
            # A collection of which only job folders are left was lost, not deleted.
            return self._job_data.creations(collection_id) <= deletions[collection_id]

        return is_gone

    def _is_in_use(self, deleted: Collection) -> bool:
        """Return whether the namespaces of a deleted collection may be those of an existing one.

        This happens in an older copy of the database, and for collections without a generation.
        """
        current = collection_or_none(deleted.collection_id, self._records)
        return current is not None and (
            not current.generation or current.created_at == deleted.created_at
        )
