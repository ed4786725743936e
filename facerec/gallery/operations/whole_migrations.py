"""Migrates a collection in one call: describes all faces, then switches to the other version.

These operations consist of the steps of ``operations.preparations`` and ``operations.migrations``.
Faces that are added in the meantime are described by another pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from facerec.core.batches import batches
from facerec.core.counts import count
from facerec.core.limits import MIGRATION_PAGE, PRUNE_LIMIT_PERCENTAGE
from facerec.core.migrations import MigrationState
from facerec.core.prune_limit import checked_limit_percentage, is_over_limit
from facerec.errors import ConflictError, FacerecError, MigrationError, MigrationRemedy
from facerec.gallery.deferred import migration_results
from facerec.gallery.operations.collections import CollectionOperations
from facerec.gallery.operations.faces import FaceOperations
from facerec.gallery.operations.migrations import MigrationOperations
from facerec.gallery.operations.preparations import LISTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.gallery.migrating.migration_results import (
        MigratedCollection,
        MigrationListener,
        MissingFace,
    )

Result = TypeVar("Result")

MAX_PASSES = 5
"""Maximum number of passes over a collection, since faces may be added during each of them."""


@dataclass(frozen=True)
class _Choices:
    """Options of a migration: what to do with faces that cannot be described, and the listener."""

    drop_missing: bool
    drop_limit_percentage: float
    listener: MigrationListener | None


@dataclass
class _Prepared:
    """The number of faces described, and the faces that could not be, over all passes."""

    described: int = 0
    missing: list[MissingFace] = field(default_factory=list)


class WholeMigrationOperations(MigrationOperations, CollectionOperations, FaceOperations):
    """The operations of a gallery that migrate a collection in one call."""

    def migrate(
        self,
        collection_id: str,
        recipe: str,
        *,
        dry_run: bool = False,
        drop_missing: bool = False,
        drop_limit_percentage: float = PRUNE_LIMIT_PERCENTAGE,
        listener: MigrationListener | None = None,
    ) -> MigratedCollection:
        """Describe all faces with the model version of another recipe, then serve that version.

        After an interruption, the same call continues. The version that was served is kept until
        ``finish_migration``; ``roll_back_migration`` returns to it.

        Args:
            collection_id: Id of the collection.
            recipe: The other recipe.
            dry_run: Whether to only check that the photos exist and are unchanged, and change
                nothing.
            drop_missing: Whether to permanently delete faces that cannot be described, including
                those of people. Faces whose photos may not be read are never deleted.
            drop_limit_percentage: 0 to 100, the share of faces that may be deleted; if more cannot
                be described, none is deleted.
            listener: Receives the progress of the migration.

        Raises:
            InvalidInputError: The id is not valid, or ``drop_limit_percentage`` is not between 0
                and 100.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No recipe has the collection's model version.
            RecipeUnavailableError: No engine of the gallery has this recipe.
            MigrationError: The collection already has this recipe, was switched from it, is
                migrated to another version, cannot be migrated, has faces that cannot be described
                and may not be deleted, or its migration is being finished. Nothing is switched.
            ConflictError: Faces are added faster than they are described, a job imports faces, or
                the deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            StoreUnavailableError: A photo cannot be read for now.
            FacerecError: A job folder or a store fails while faces are deleted;
                ``resume_erasures`` completes the deletion.
        """
        prepared = _Prepared()
        if dry_run:
            self._prepare_pages(collection_id, recipe, listener, prepared, dry_run=True)
            status = self.migration_status(collection_id)
        else:
            choices = _Choices(
                drop_missing, checked_limit_percentage(drop_limit_percentage), listener
            )

            def prepare() -> None:
                status = self.migration_status(collection_id)
                if status.state is MigrationState.SWITCHED:
                    version = self._engine_named(recipe).model_version
                    if version == status.model_version:
                        return
                    if version == status.standby_version:
                        raise MigrationError(
                            f"collection {collection_id!r} was switched from the recipe {recipe!r}",
                            MigrationRemedy.CANCEL,
                        )
                self._prepare_all(collection_id, recipe, choices, prepared)

            status = _repeated(prepare, lambda: self.switch_version(collection_id))
        return migration_results.MigratedCollection(
            status, prepared.described, tuple(prepared.missing)
        )

    def roll_back_migration(
        self,
        collection_id: str,
        *,
        drop_missing: bool = False,
        drop_limit_percentage: float = PRUNE_LIMIT_PERCENTAGE,
        listener: MigrationListener | None = None,
    ) -> MigratedCollection:
        """Serve the earlier model version again, and remove the new one.

        Faces that were indexed after the switch are described with the earlier version first.

        Args:
            collection_id: Id of the collection.
            drop_missing: Whether to permanently delete faces that cannot be described, including
                those of people. Faces whose photos may not be read are never deleted.
            drop_limit_percentage: 0 to 100, the share of faces that may be deleted; if more cannot
                be described, none is deleted.
            listener: Receives the progress.

        Raises:
            InvalidInputError: The id is not valid, or ``drop_limit_percentage`` is not between 0
                and 100.
            CollectionNotFoundError: The collection does not exist.
            MigrationError: The collection cannot be migrated or is not being migrated, its
                migration is being finished, or it has faces that cannot be described and may not be
                deleted.
            ConflictError: Faces are added faster than they are described, a job imports faces, or
                the deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            StoreUnavailableError: A photo cannot be read for now.
            FacerecError: A job folder or a store fails while faces are deleted;
                ``resume_erasures`` completes the deletion.
        """
        prepared = _Prepared()
        choices = _Choices(drop_missing, checked_limit_percentage(drop_limit_percentage), listener)

        def prepare() -> None:
            if self.migration_status(collection_id).state is MigrationState.SWITCHED:
                self._prepare_all(collection_id, None, choices, prepared)

        finished = _repeated(prepare, lambda: self.cancel_migration(collection_id))
        return migration_results.MigratedCollection(
            finished.status, prepared.described, tuple(prepared.missing), finished.removed
        )

    def resume_migrations(self, *, stop: Callable[[], bool] = lambda: False) -> list[str]:
        """Complete the migration steps that killed processes left unfinished, in all collections.

        An interrupted switch is undone, so that photos can be indexed again, and the vectors of
        people who were changed during it are stored. A migration that was being finished is
        finished, and leftovers of ended migrations are erased. Other migrations are not touched. If
        a collection fails, the others are still processed.

        Args:
            stop: Called before each collection; once it returns true, no further collection is
                processed.

        Returns:
            Ids of the collections whose switch was undone or whose migration was finished.

        Raises:
            FacerecError: The first error, after all collections; see ``finish_migration``.
        """
        resumed: list[str] = []
        errors: list[FacerecError] = []
        for collection in self.all_collections():
            if stop():
                break
            try:
                if self._resume_migration(collection.collection_id):
                    resumed.append(collection.collection_id)
            except FacerecError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return resumed

    def _resume_migration(self, collection_id: str) -> bool:
        """Complete unfinished migration steps of a collection.

        Returns:
            Whether a switch was undone or a migration was finished.
        """
        store = self._require_migrations()
        migration, found = store.get_migration(collection_id), False
        if migration is not None:
            found = store.end_old_switch(collection_id, self._clock())
            if migration.state is MigrationState.FINISHING:
                self.finish_migration(collection_id)
                found = True
        collection = self._get(collection_id)
        if not collection.is_switching and (collection.sides > 1 or migration is not None):
            self._refresh_people(collection_id)
            store.erase_leftovers(collection_id)
        return found

    def _prepare_all(
        self, collection_id: str, recipe: str | None, choices: _Choices, done: _Prepared
    ) -> None:
        """Describe all faces with the other version; delete those that cannot be, if allowed.

        Raises:
            MigrationError: Faces cannot be described, and may not be deleted.
        """
        found = _Prepared()
        self._prepare_pages(collection_id, recipe, choices.listener, found, dry_run=False)
        done.described += found.described
        if not found.missing:
            return
        if choices.listener is not None:
            choices.listener.on_missing(found.missing)
        self._require_may_drop(collection_id, found.missing, choices, len(done.missing))
        if choices.listener is not None:
            choices.listener.on_drop(found.missing)
        done.missing += found.missing
        for batch in batches((face.face_id for face in found.missing), MIGRATION_PAGE):
            self.delete_faces(collection_id, batch, disassociate=True)

    def _prepare_pages(
        self,
        collection_id: str,
        recipe: str | None,
        listener: MigrationListener | None,
        done: _Prepared,
        *,
        dry_run: bool,
    ) -> None:
        # Some stores without transactions list all ids of a collection for each page.
        limit = LISTED if self._require_migrations().counts_lag else MIGRATION_PAGE
        faces, looked, token = 0, 0, None
        while True:
            page = self.prepare_migration(
                collection_id, recipe, next_token=token, limit=limit, dry_run=dry_run
            )
            done.described += page.described
            done.missing += page.missing
            faces = faces or self._faces.count_faces(collection_id)
            looked = min(faces, looked + limit)
            if listener is not None:
                listener.on_page(looked, faces)
            token = page.next_token
            if token is None:
                return

    def _require_may_drop(
        self, collection_id: str, missing: list[MissingFace], choices: _Choices, dropped: int
    ) -> None:
        """Check that faces may be deleted, after ``dropped`` faces were deleted in earlier passes.

        Raises:
            MigrationError: The faces may not be deleted.
        """
        refused = _not_described(len(missing), collection_id)
        reasons = {face.reason for face in missing}
        for reason, remedy in (
            (migration_results.MissingReason.ACCESS_DENIED, MigrationRemedy.ALLOW),
            (migration_results.MissingReason.READ_FAILED, MigrationRemedy.READ),
        ):
            if reason in reasons:
                raise MigrationError(f"{refused}; the collection keeps its model version", remedy)
        if not choices.drop_missing:
            raise MigrationError(
                f"{refused}; the collection keeps its model version", MigrationRemedy.DELETE
            )
        total = self._faces.count_faces(collection_id) + dropped
        if is_over_limit(len(missing) + dropped, total, choices.drop_limit_percentage):
            refused = _not_described(len(missing) + dropped, collection_id)
            raise MigrationError(
                f"{refused}, more than the {choices.drop_limit_percentage:g} % of {total:,} that "
                "may be deleted; the collection keeps its model version",
                MigrationRemedy.CHECK,
            )


def _repeated(prepare: Callable[[], None], change: Callable[[], Result]) -> Result:
    """Prepare faces, then change the served version; repeat both if faces were added."""
    for _ in range(MAX_PASSES - 1):
        prepare()
        try:
            return change()
        except ConflictError:
            continue
        except MigrationError as error:
            if error.remedy is not MigrationRemedy.PREPARE:
                raise
    prepare()
    return change()


def _not_described(faces: int, collection_id: str) -> str:
    return f"{count(faces, 'face')} of collection {collection_id!r} cannot be described again"
