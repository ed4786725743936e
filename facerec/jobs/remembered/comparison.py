"""Compares the photos of a source with the remembered ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from facerec.jobs.difference import Difference
from facerec.jobs.manifest.companions import describe_companion
from facerec.jobs.outcomes import FAILURES, NOT_READ, Outcome
from facerec.jobs.remembered.photos import (
    RememberedPhoto,
    photo_of_line,
    repeats_address,
    start_of_line,
)
from facerec.jobs.remembered.stale_photos import StalePhoto
from facerec.jobs.versions import content_of_version, is_pinned

if TYPE_CHECKING:
    from facerec.jobs.manifest.listing import ListedPhoto
    from facerec.jobs.remembered.joining import Group
    from facerec.jobs.remembered.newest import Remembered

MAX_PROBED = 20
"""Maximum number of unreadable photos to try again in order to decide whether to retry all."""

MAX_MOVED = 100_000
"""Maximum number of photos that are gone, and of new ones, to compare in order to find moved
photos: 20 MB. If there are more, only ``prune`` finds all moved photos."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a comparison writes.

    Attributes:
        manifest: JSON lines of the photos to process.
        not_read: JSON lines of photos that could not be read before.
        stale: Lines of ``StalePhoto``.
    """

    manifest: IO[bytes]
    not_read: IO[bytes]
    stale: IO[bytes]


def compare(
    groups: Iterable[Group],
    outputs: Outputs,
    *,
    settings: str,
    in_scope: Callable[[str], bool],
    force: bool = False,
    may_have_changed: Callable[[RememberedPhoto], bool] = lambda photo: False,
    retry_failures: bool = False,
    prune: bool = False,
    is_erased: Callable[[str, str, str], bool] = lambda uri, version, name: False,
    ids_at: Callable[[str], Mapping[str, bool]] = lambda uri: {},
    names_ids: bool = False,
    on_kept: Callable[[ListedPhoto], None] = lambda photo: None,
) -> Difference:
    """Compare the photos of a source with the newest remembered photos; return the counts.

    A photo for which the source has no chosen external image id is compared under the ids that an
    earlier job gave it, if somebody chose one of them.

    Args:
        groups: The photos and the remembered lines, as yielded by ``joined``.
        outputs: Receives the photos to process, and the stale ones.
        settings: Digest of the options of the job.
        in_scope: Returns whether a remembered photo that is not listed counts as gone.
        force: Whether to process all photos.
        may_have_changed: Returns whether to retry a photo that could not be read; called for the
            first ``MAX_PROBED``.
        retry_failures: Whether to try all failed photos again.
        is_erased: Returns whether the photo with an address, a version and an external image id,
            or "", was erased; such photos are not processed.
        prune: Whether photos that are gone count as stale, like replaced ones.
        ids_at: Returns the external image ids, or "", under which unfinished jobs read the photo at
            an address, and whether somebody chose each. If there are others than the source has,
            the photo is processed.
        names_ids: Whether the external image ids of the source, except "", were chosen, even those
            that repeat the address.
        on_kept: Called with each photo that keeps an id of an earlier job.
    """
    return _Merge(
        outputs,
        settings,
        in_scope,
        may_have_changed,
        is_erased,
        ids_at,
        on_kept,
        names_ids=names_ids,
        force=force,
        retry_failures=retry_failures,
        prune=prune,
    ).run(groups)


class _Merge:
    def __init__(
        self,
        outputs: Outputs,
        settings: str,
        in_scope: Callable[[str], bool],
        may_have_changed: Callable[[RememberedPhoto], bool],
        is_erased: Callable[[str, str, str], bool],
        ids_at: Callable[[str], Mapping[str, bool]],
        on_kept: Callable[[ListedPhoto], None],
        *,
        names_ids: bool,
        force: bool,
        retry_failures: bool,
        prune: bool,
    ) -> None:
        self._outputs, self._settings, self._in_scope = outputs, settings, in_scope
        self._may_have_changed, self._probed = may_have_changed, 0
        self._is_erased, self._ids_at = is_erased, ids_at
        self._names_ids, self._on_kept = names_ids, on_kept
        self._force, self._retry_failures, self._prune = force, retry_failures, prune
        self._not_read, self._can_be_read = 0, False
        self._found_gone: dict[str, list[RememberedPhoto]] = {}
        self._found_new = set[str]()
        self._result = Difference()

    def run(self, groups: Iterable[Group]) -> Difference:
        for uri, listed, remembered in groups:
            lines = [line for _, _, _, line in remembered]
            if not listed:
                if self._in_scope(uri):
                    self._gone(lines)
                continue
            planned = self._ids_at(uri)
            kept = self._kept_ids(listed, remembered, planned)
            if kept:
                listed = list(self._under(listed, kept))
            other_ids = planned.keys() - {photo[1] for photo in listed}
            if (
                len(listed) == len(lines) == 1
                and not other_ids
                and self._is_plainly_same(listed[0], lines[0])
            ):
                self._result.photos += 1
                self._unchanged(failed=self._has_failed(listed[0], lines[0]))
                continue
            if lines:
                self._note_replaced(listed, lines)
                is_chosen = bool(kept) or self._choose_ids(listed)
                self._note_renamed(listed, lines, is_chosen=is_chosen)
            if lines and listed[0].is_missing and any(photo_of_line(line).key for line in lines):
                # The photo was there before: its faces stay, like the faces of a photo that is not
                # listed.
                self._gone(lines)
                continue
            requested = [photo for photo in listed if photo[3]]
            together = uri != "" and bool(other_ids or self._is_partly_same(requested, lines))
            for photo in requested:
                self._compare(photo, lines, again=self._force or together)
        self._end()
        self._write_moved()
        return self._result

    def _kept_ids(
        self, listed: list[ListedPhoto], remembered: list[Remembered], planned: Mapping[str, bool]
    ) -> list[str]:
        """Return the external image ids that a photo keeps from an earlier job, in order.

        If an unfinished job chooses others, the photo keeps none: ``jobs.concurrent_ids`` decides
        between the jobs when both are complete.

        Args:
            listed: The photos of the source at one address.
            remembered: The lines of their address.
            planned: Ids under which unfinished jobs read the photo, and whether somebody chose
                each.
        """
        if all(line[1] == listed[0][1] for line in remembered) or self._choose_ids(listed):
            return []
        kept = _last_chosen(remembered)
        is_undecided = any(planned[name] for name in planned.keys() - set(kept))
        return [] if is_undecided else kept

    def _choose_ids(self, listed: list[ListedPhoto]) -> bool:
        """Return whether somebody chose the external image ids of an address in the source."""
        return any(
            requested and name and (self._names_ids or not repeats_address(name, uri))
            for uri, name, _, requested, *_ in listed
        )

    def _under(self, listed: list[ListedPhoto], kept: list[str]) -> Iterator[ListedPhoto]:
        """Yield the photos at an address, with the external image ids that they keep."""
        for photo in listed:
            if not photo[3] or is_pinned(photo[2]):
                yield photo
                continue
            self._result.kept_ids += 1
            for name in kept:
                renamed = photo._replace(external_image_id=name)
                self._on_kept(renamed)
                yield renamed

    def _is_plainly_same(self, photo: ListedPhoto, line: str) -> bool:
        """Return whether a photo is certainly unchanged, so that no further comparison is needed.

        Nearly all photos of most runs are unchanged, so this decides how long a run takes.
        """
        uri, name, version, requested, _, is_missing, _ = photo
        return (
            requested
            and not (self._force or self._retry_failures or is_missing)
            and version != ""
            and line.startswith(start_of_line(uri, name, version, self._settings))
        )

    def _has_failed(self, photo: ListedPhoto, line: str) -> bool:
        """Return whether an unchanged photo failed, by the line that is plainly the same."""
        uri, name, version, *_ = photo
        start = start_of_line(uri, name, version, self._settings)
        return line[len(start) :].partition("\t")[0] in FAILURES

    def _is_partly_same(self, listed: list[ListedPhoto], lines: list[str]) -> bool:
        """Return whether a version is unchanged under some of its ids, but not under all.

        It is then processed under all of them: the newest lines of a photo show all ids that the
        source gives it.
        """
        same: dict[str, set[bool]] = {}
        for photo in listed:
            same.setdefault(photo[2], set()).add(self._line_of(photo, lines) is not None)
        return any(len(found) > 1 for found in same.values())

    def _line_of(self, photo: ListedPhoto, lines: list[str]) -> str | None:
        """Return the line of an unchanged photo; None if the photo may have changed."""
        uri, name, version, *_ = photo
        start = start_of_line(uri, name, version, self._settings)
        return next((line for line in lines if version and line.startswith(start)), None)

    def _compare(self, photo: ListedPhoto, lines: list[str], *, again: bool) -> None:
        result = self._result
        result.photos += 1
        if not self._force and self._is_erased(photo[0], photo[2], photo[1]):
            self._unchanged()
            return
        if not lines:
            self._new(photo)
            return
        if not again:
            line = self._line_of(photo, lines)
            if line is not None:
                self._same(photo, line)
                return
            failed = self._failed_read(photo, lines)
            if failed is not None:
                self._not_read_before(photo, failed)
                return
            if _is_companion(photo[0], lines):
                self._unchanged()
                return
        result.changed += 1
        self._outputs.manifest.write(photo.to_line())

    def _new(self, photo: ListedPhoto) -> None:
        self._result.new += 1
        self._outputs.manifest.write(photo.to_line())
        if len(self._found_new) < MAX_MOVED and not is_pinned(photo[2]):
            self._found_new.add(content_of_version(photo[0], photo[2]))

    def _same(self, photo: ListedPhoto, line: str) -> None:
        failed = self._has_failed(photo, line)
        if failed and self._retry_failures and photo.line is None:
            self._retry(photo)
        else:
            self._unchanged(failed=failed)

    def _unchanged(self, *, failed: bool = False) -> None:
        self._result.unchanged += 1
        self._result.failed += failed

    def _failed_read(self, photo: ListedPhoto, lines: list[str]) -> RememberedPhoto | None:
        """Return what is remembered of a photo that the last attempt could not read, or None."""
        for found in map(photo_of_line, lines):
            if (found.external_image_id, found.settings) != (photo[1], self._settings):
                continue
            # Another reason may have been remembered before it was deleted.
            reasons = {Outcome.NOT_FOUND} if photo.is_missing else NOT_READ
            return found if found.outcome in reasons else None
        return None

    def _not_read_before(self, photo: ListedPhoto, found: RememberedPhoto) -> None:
        is_there_now = found.outcome == Outcome.NOT_FOUND and not photo.is_missing
        if self._retry_failures or is_there_now:
            self._retry(photo)
        elif photo.is_missing:
            self._unchanged(failed=True)
        else:
            if not self._can_be_read and self._probed < MAX_PROBED:
                self._probed += 1
                self._can_be_read = self._may_have_changed(found)
            self._not_read += 1
            self._outputs.not_read.write(photo.to_line())

    def _retry(self, photo: ListedPhoto) -> None:
        self._result.retried += 1
        self._outputs.manifest.write(photo.to_line())

    def _end(self) -> None:
        """Count the photos that could not be read; if some can be read now, retry all of them."""
        if not self._can_be_read:
            self._result.unchanged += self._not_read
            self._result.failed += self._not_read
            return
        self._result.retried += self._not_read
        self._outputs.not_read.seek(0)
        for line in self._outputs.not_read:
            self._outputs.manifest.write(line)

    def _note_replaced(self, listed: list[ListedPhoto], lines: list[str]) -> None:
        """Record lines whose version differs from the listed one; the job checks them again."""
        photo = listed[0]
        if is_pinned(photo[2]):
            found_photo = next((each for each in listed if not is_pinned(each[2])), None)
            if found_photo is None:
                return
            photo = found_photo
        if photo.is_missing or not photo[3]:
            return
        version = photo[2]
        start = start_of_line(photo[0], photo[1], version, self._settings)
        for line in lines:
            if version and line.startswith(start):
                continue
            found = photo_of_line(line)
            if found.key and found.version != version and not is_pinned(found.version):
                self._write_stale(found, is_gone=False)

    def _note_renamed(
        self, listed: list[ListedPhoto], lines: list[str], *, is_chosen: bool
    ) -> None:
        """Record lines of a listed version under external image ids that are no longer listed."""
        names = {photo[1] for photo in listed}
        versions = {photo[2] for photo in listed if photo[3] and not photo.is_missing}
        for found in map(photo_of_line, lines):
            name = found.external_image_id
            if (
                found.key
                and found.version in versions
                and name not in names
                and may_replace_id(found.has_chosen_id, is_chosen)
            ):
                self._write_stale(found, is_gone=False, is_renamed=True)

    def _gone(self, lines: list[str]) -> None:
        for found in map(photo_of_line, lines):
            self._result.gone += 1
            if self._prune:
                self._write_stale(found, is_gone=True)
            if found.key and found.faces and self._result.gone <= MAX_MOVED:
                content = content_of_version(found.uri, found.version)
                self._found_gone.setdefault(content, []).append(found)

    def _write_moved(self) -> None:
        """Write the photos that are gone if a new photo has the same size or ETag."""
        for content in sorted(self._found_gone.keys() & self._found_new - {""}):
            for found in self._found_gone[content]:
                self._write_stale(found, is_gone=True, may_have_moved=True)

    def _write_stale(
        self,
        found: RememberedPhoto,
        *,
        is_gone: bool,
        may_have_moved: bool = False,
        is_renamed: bool = False,
    ) -> None:
        stale = StalePhoto(
            found.uri,
            found.external_image_id,
            found.version,
            found.key,
            found.faces,
            is_gone,
            may_have_moved,
            is_renamed,
            found.has_chosen_id,
        )
        self._outputs.stale.write(stale.to_line().encode())


def may_replace_id(old_is_chosen: bool, new_is_chosen: bool) -> bool:
    """Return whether new external image ids of a photo replace its earlier one.

    An id that somebody chose is replaced only by another one that somebody chose: a run over the
    folder of a photo does not replace the id that a manifest gave it.

    Args:
        old_is_chosen: Whether somebody chose the earlier id.
        new_is_chosen: Whether somebody chose one of the new ids.
    """
    return new_is_chosen or not old_is_chosen


def _last_chosen(remembered: Iterable[Remembered]) -> list[str]:
    """Return the external image ids of a photo in the last job for which somebody chose one.

    All ids of this job are returned, even one that only repeats the address: a manifest may list a
    photo under several ids.

    Args:
        remembered: Lines of the address of the photo.

    Returns:
        The ids in order; empty if nobody has chosen one.
    """
    given: dict[int, set[str]] = {}
    chosen = 0
    for _, name, number, line in remembered:
        found = photo_of_line(line)
        if found.key and not is_pinned(found.version):
            given.setdefault(-number, set()).add(name)
            if found.has_chosen_id:
                chosen = max(chosen, -number)
    return sorted(given[chosen]) if chosen else []


def _is_companion(uri: str, lines: list[str]) -> bool:
    """Return whether a file was skipped because of its name."""
    skipped = (photo_of_line(line).outcome == Outcome.SKIPPED for line in lines)
    return any(skipped) and describe_companion(uri) is not None
