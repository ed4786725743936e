"""The operation that erases data whose collection or person no longer exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
            FacerecError: A store fails; raised after the other collections were swept.
        """
        swept: dict[str, int] = {}
        errors = list[FacerecError]()
        collections = self._erasures.deleted_collections()
        for deleted in self._faces.left_of(collections):
            if stop():
                break
            if self._is_in_use(deleted):
                continue
            collection_id = deleted.collection_id
            try:
                faces = self._delete_vectors_of(deleted)
            except FacerecError as error:
                errors.append(error)
            else:
                swept[collection_id] = swept.get(collection_id, 0) + faces
        names, is_gone = {each.collection_id for each in collections}, self._is_gone(collections)
        records = dict[str, int]()
        try:
            for name in self._job_data.sweep(names, is_gone, stop=stop):
                swept.setdefault(name, 0)
            records = self._records.delete_unowned(stop=stop)
        except FacerecError as error:
            errors.append(error)
        if errors:
            raise errors[0]
        return {
            name: erasures.Swept(swept.get(name, 0), records.get(name, 0))
            for name in sorted(swept.keys() | records.keys())
        }

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
