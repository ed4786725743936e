"""Finds the photos of a source that a job must process, and the remembered ones that are stale."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facerec.core.prune_limit import is_over_limit, too_many_gone
from facerec.errors import (
    AccessDeniedError,
    InvalidInputError,
    ObjectNotFoundError,
    ReadFailedError,
    ReadTimedOutError,
)
from facerec.jobs.manifest.source import SourceKind
from facerec.jobs.planning.children import MAX_READERS, count_children
from facerec.jobs.planning.named_photos import MAX_LINES, with_current_versions
from facerec.jobs.planning.names import require_names
from facerec.jobs.planning.planned_ids import PlannedIds
from facerec.jobs.planning.source import Source, find_source, inspect_listing
from facerec.jobs.remembered.comparison import Outputs, compare
from facerec.jobs.remembered.joining import joined
from facerec.jobs.remembered.newest import with_lost_faces
from facerec.jobs.remembered.stale_photos import StalePhoto, stale_photo_of_line
from facerec.storage.objects.protocol import ObjectStore, scheme_of

if TYPE_CHECKING:
    from facerec.jobs.difference import Difference
    from facerec.jobs.manifest.inspection import Inspection
    from facerec.jobs.planning.request import JobRequest
    from facerec.jobs.remembered.memory import Memory
    from facerec.jobs.remembered.photos import RememberedPhoto


@dataclass(frozen=True, slots=True)
class Changes:
    """The photos of a source that a job must process, and the remembered ones that are stale.

    Attributes:
        identity: Digest that changes whenever the source changes, or the external image ids that
            its photos keep.
        base: The folder of relative paths, or None.
        scope: The folder or bucket in which photos may be gone, or None.
        inspection: The manifest of the photos to process.
        manifest: Path of this manifest if facerec wrote it from the source; otherwise None.
        difference: How the source differs from the remembered photos; None if it was not compared.
        stale: Path of the list of stale photos, None if there are none.
        to_prune: Number of missing photos whose faces will be removed.
        names_ids: Whether the external image ids of the source were chosen.
    """

    identity: str
    base: str | None
    scope: str | None
    inspection: Inspection
    manifest: str | None = None
    difference: Difference | None = None
    stale: str | None = None
    to_prune: int = 0
    names_ids: bool = False

    def check(self, request: JobRequest) -> None:
        """Check that there are photos, and that photos that are gone can and may be pruned.

        Raises:
            InvalidInputError: The message names the reason.
        """
        found = self.difference
        if request.prune and self.scope is None:
            raise InvalidInputError(
                "only a folder, a prefix or the bucket of an S3 Inventory can be pruned: a "
                "manifest does not show which photos are gone",
                "erase the faces of such photos by photo or external image id",
            )
        photos = self.inspection.photos if found is None else found.photos + found.not_pruned
        if found is not None and self.scope is None:
            # Photos that are gone may still be in the manifest.
            photos += found.gone
        if not photos and not self.to_prune:
            raise InvalidInputError(
                f"{request.manifest or 'the input'} contains no photos",
                "check the path or address, and the formats of the files",
            )
        if found is not None and self._is_over_limit(request):
            raise too_many_gone(
                found.gone,
                found.remembered,
                f"photos of {request.manifest}",
                request.prune_limit_percentage,
            )

    def within_limit(self, request: JobRequest) -> Changes:
        """Return the changes, without pruning if the request skips it and too many photos are gone.

        A request skips it if its ``prune_over_limit`` is ``skip``. If too many photos are gone,
        ``check`` refuses all other requests.
        """
        found = self.difference
        if found is None or not (
            request.prune_over_limit == "skip" and self._is_over_limit(request)
        ):
            return self
        return replace(self, to_prune=0, difference=replace(found, not_pruned=found.gone))

    def _is_over_limit(self, request: JobRequest) -> bool:
        found = self.difference
        if found is None or not self.to_prune:
            return False
        return is_over_limit(found.gone, found.remembered, request.prune_limit_percentage)

    def stale_photos(self) -> Iterator[StalePhoto]:
        """Yield the replaced photos, and those that are gone if their faces may be removed."""
        if self.stale is not None:
            with open(self.stale, "rb") as file:  # noqa: PTH123
                for photo in map(stale_photo_of_line, file):
                    if self.to_prune or photo.may_have_moved or not photo.is_gone:
                        yield photo


@contextmanager
def find_changes(
    request: JobRequest,
    source: Source,
    objects: ObjectStore,
    memory: Memory | None,
    lost: Collection[str] = (),
) -> Iterator[Changes]:
    """Find the work of a job, for a block. Its temporary files exist until the end of the block.

    A manifest is not read if there is nothing to compare it with, or if it is too large: then the
    children read the original. A compressed manifest for many children is decompressed, since each
    child would have to read all of it. If ``memory`` is None, all photos count as new.

    Args:
        request: The request.
        source: Its source.
        objects: Contains the source.
        memory: The remembered photos of the collection, or None.
        lost: Image keys of photos that count as changed because their faces are lost.

    Raises:
        InvalidInputError: The manifest must be read to plan the job, but has too many lines for
            that, or it changes or is damaged; or a note of erased photos is damaged.
        ObjectNotFoundError: A file of an inventory does not exist.
    """
    if source.inspection is not None and not _is_read(request, source, source.inspection, memory):
        assert source.identity is not None  # noqa: S101 - a manifest has one
        yield Changes(
            source.identity,
            source.base,
            source.scope,
            source.inspection,
            names_ids=source.listing.is_named,
        )
        return
    with ExitStack() as files:
        manifest, not_read, stale = (
            files.enter_context(tempfile.NamedTemporaryFile(suffix=".jsonl")) for _ in range(3)
        )
        outputs = Outputs(manifest, not_read, stale)
        yield _changes(request, source, memory, objects, outputs, lost)


def _is_read(
    request: JobRequest, source: Source, inspection: Inspection, memory: Memory | None
) -> bool:
    """Return whether to read a manifest in order to plan its job.

    Raises:
        InvalidInputError: The manifest must be read to plan the job, but is too large for that.
    """
    is_remembered = memory is not None and bool(memory.notes)
    is_pruned = request.prune and source.scope is not None
    stripes, _ = count_children(inspection, request.images_per_child, local=False)
    is_streamed = inspection.source.kind is not SourceKind.RANGES and stripes > MAX_READERS
    if inspection.photos <= MAX_LINES:
        return is_remembered or is_pruned or is_streamed
    if is_pruned or inspection.source.kind is SourceKind.STRIPES:
        raise InvalidInputError(
            f"{inspection.source.uri} has about {inspection.photos:,} lines, more than the "
            f"{MAX_LINES:,} that can be read to plan a job",
            "index the prefixes of the bucket one at a time"
            if is_pruned
            else "decompress it, or divide it into several manifests",
        )
    return False


def _changes(
    request: JobRequest,
    source: Source,
    memory: Memory | None,
    objects: ObjectStore,
    outputs: Outputs,
    lost: Collection[str],
) -> Changes:
    listing = source.listing
    remembered = memory.newest() if memory is not None else iter(())
    groups = joined(listing, with_lost_faces(remembered, lost) if lost else remembered)
    if listing.is_named:
        look_up_all = memory is not None and memory.has_erased_photos
        groups = with_current_versions(
            groups, objects, in_scope=listing.contains, look_up_all=look_up_all
        )
    planned = PlannedIds(memory.unfinished() if memory is not None else (), objects)
    kept_ids = hashlib.sha256()
    difference = compare(
        groups,
        outputs,
        settings=request.options.digest(),
        in_scope=listing.contains,
        force=request.force or request.restore_deleted,
        retry_failures=request.retry_failures,
        prune=request.prune,
        is_erased=memory.is_erased() if memory is not None else lambda *photo: False,
        may_have_changed=lambda photo: _may_have_changed(photo, objects),
        ids_at=planned.at,
        names_ids=listing.is_named,
        on_kept=lambda photo: kept_ids.update(photo.to_line()),
    )
    outputs.stale.flush()
    identity = source.identity or listing.identity
    if difference.kept_ids:
        # This is another job: a job that read the photos under derived ids must not be resumed.
        identity = f"{identity} {kept_ids.hexdigest()}"
    return Changes(
        identity,
        # The addresses in the manifest are complete now.
        source.scope if listing.is_named else source.base,
        source.scope,
        inspect_listing(outputs.manifest),
        outputs.manifest.name,
        difference,
        outputs.stale.name if outputs.stale.tell() else None,
        difference.gone if request.prune else 0,
        listing.is_named,
    )


def _may_have_changed(photo: RememberedPhoto, objects: ObjectStore) -> bool:
    """Return whether a listed photo that could not be read before can be read now."""
    try:
        objects.read(photo.uri, end=1)
    except (ObjectNotFoundError, AccessDeniedError, ReadFailedError, ReadTimedOutError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Preview:
    """The outline of a job, as it would be planned.

    Attributes:
        photos: Estimated number of photos to process.
        exact: Whether the photos were counted, not estimated.
        children: Number of children.
        difference: How the source differs from the remembered photos; None if it was not compared.
        gone: The photos that are gone, including those that may have moved.
        problems: Reasons why the job would be refused.
    """

    photos: int
    exact: bool
    children: int
    difference: Difference | None = None
    gone: tuple[StalePhoto, ...] = ()
    problems: tuple[str, ...] = ()


def preview_job(
    request: JobRequest,
    objects: ObjectStore,
    *,
    jobs_root: str,
    memory: Memory | None = None,
    lost: Collection[str] = (),
) -> Preview:
    """Return an outline of the job that ``plan_job`` would plan, without storing anything.

    Args:
        request: The job request.
        objects: Contains the manifest.
        jobs_root: See ``plan_job``; local jobs have smaller children.
        memory: The remembered photos of the collection; None skips the comparison.
        lost: Image keys of photos that are read again because their faces are lost.

    Raises:
        ObjectNotFoundError: The manifest does not exist.
        InvalidInputError: The input is not a manifest, is damaged, has no names for the people to
            create, or has too many lines to be read; or an inventory has more files than a job can
            have children; or a note of erased photos is damaged.
    """
    source = find_source(request, objects, jobs_root)
    if request.person_from is not None:
        require_names(request.person_from, source, memory, objects)
    listing = request
    if source.inspection is None or source.inspection.photos <= MAX_LINES:
        listing = replace(request, prune=True)
    with find_changes(listing, source, objects, memory, lost) as found:
        gone = _gone_of(found)
        changes = found if request.prune else replace(found, to_prune=0)
        changes = changes.within_limit(request)
        problems = _problems_of(changes, request)
    inspection, local = changes.inspection, scheme_of(jobs_root) == "file"
    _, children = count_children(inspection, request.images_per_child, local=local)
    return Preview(
        inspection.photos,
        inspection.exact,
        children,
        changes.difference if memory is not None else None,
        gone,
        problems,
    )


def _gone_of(changes: Changes) -> tuple[StalePhoto, ...]:
    """Return the photos that are gone, once each: the list has those that may have moved twice."""
    photos = [photo for photo in changes.stale_photos() if photo.is_gone]
    moved = {(photo.uri, photo.key) for photo in photos if photo.may_have_moved}
    return tuple(
        replace(photo, may_have_moved=(photo.uri, photo.key) in moved)
        for photo in photos
        if not photo.may_have_moved
    )


def _problems_of(changes: Changes, request: JobRequest) -> tuple[str, ...]:
    """Return why a job with these changes would be refused, if it would."""
    try:
        changes.check(request)
    except InvalidInputError as error:
        return (": ".join(filter(None, (error.message, error.hint))),)
    return ()
