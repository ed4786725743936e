"""The operation that erases what belongs to no collection or person any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.errors import CollectionNotFoundError, FacerecError
from facerec.gallery.deferred import erasures
from facerec.gallery.erasing.stores import StoreEraser

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.core.erasures import Swept
    from facerec.core.records import Collection


class SweepOperations(StoreEraser):
    """The operation of a gallery that erases what killed processes have left."""

    def sweep(self, *, stop: Callable[[], bool] = lambda: False) -> dict[str, Swept]:
        """Erase what belongs to no collection or person any more.

        A child of a job that is killed just after it has stored faces of a deleted collection
        cannot remove them, nor what it has added to the job folder. No collection shows them, since
        every collection has its own namespaces, even if it has the id of a deleted one; but the
        embeddings are still there. Deletions that were interrupted under earlier releases may have
        left records of collections and people in a stack's table.

        Args:
            stop: Called between collections and requests; once it returns true, the rest is left to
                the next call.

        Returns:
            What was erased, by the id of the collection that it belonged to; without faces and
            records if only job folders still had something of it. Empty if nothing was found.

        Raises:
            ConflictError: Too many concurrent changes; call this again.
            FacerecError: A store fails; raised after the other collections were swept.
        """
        from facerec.gallery.people.user_vectors import delete_vectors

        swept: dict[str, int] = {}
        errors = list[FacerecError]()
        collections = self._erasures.deleted_collections()
        for deleted in self._faces.left_of(collections):
            if stop():
                break
            if self._is_in_use(deleted):
                continue
            collection_id, own = deleted.collection_id, self._faces.of(deleted)
            try:
                faces = own.count_faces(collection_id)
                delete_vectors(own, collection_id)
                own.delete_namespace(collection_id)
            except FacerecError as error:
                errors.append(error)
            else:
                swept[collection_id] = swept.get(collection_id, 0) + faces
        gone = [
            name for name in {each.collection_id for each in collections} if self._is_gone(name)
        ]
        records = dict[str, int]()
        try:
            for name in self._job_data.sweep(gone):
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

    def _is_gone(self, collection_id: str) -> bool:
        """Return whether every collection with this id was deleted, and none was lost."""
        if self._exists(collection_id):
            return False
        deleted = self._erasures.deleted_collections(collection_id)
        return self._job_data.creations(collection_id) <= {each.created_at for each in deleted}

    def _is_in_use(self, deleted: Collection) -> bool:
        """Return whether the namespaces of a deleted collection may be those of an existing one.

        This happens in an older copy of the database, and for collections without a generation.
        """
        try:
            current = self._records.get_collection(deleted.collection_id)
        except CollectionNotFoundError:
            return False
        return not current.generation or current.created_at == deleted.created_at
