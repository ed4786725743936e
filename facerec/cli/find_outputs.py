"""Outputs of `facerec find`: folders of photos, a CSV file, a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.cli.csv_rows import decimals, safe_row
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.errors import FacerecError, InvalidInputError

if TYPE_CHECKING:
    from rich.console import Console

    from facerec.cli import new_files
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.search.found_faces import FoundFace, FoundPage
else:
    new_files = DeferredModule("facerec.cli.new_files")

Find = Callable[[bool, str | None], "FoundPage"]
"""Returns a page of faces: the doubtful ones if the first argument is true, otherwise the others.

The second argument is the token of the page; None for the first."""

COLUMNS = (
    "doubt",
    "similarity",
    "distance",
    "person",
    "person_name",
    "external_image_id",
    "photo",
    "face_id",
    "left",
    "top",
    "width",
    "height",
)
"""Columns of the CSV file; ``doubt`` is empty for a face that is not doubtful."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folders and files to write faces to; None for outputs that were not requested."""

    copy_to: Path | None = None
    link_to: Path | None = None
    csv_file: Path | None = None
    html_file: Path | None = None

    def files(self) -> list[Path]:
        """Return the files that were requested."""
        return [path for path in (self.csv_file, self.html_file) if path is not None]

    def check(self) -> None:
        """Check that files can be created, and that no two outputs are the same path.

        Raises:
            InvalidInputError: A file exists, or one path is given twice.
        """
        for path in self.files():
            new_files.require_new(path)
        given = (self.copy_to, self.link_to, *self.files())
        paths = [path.resolve() for path in given if path is not None]
        for path in paths:
            if paths.count(path) > 1:
                raise InvalidInputError(
                    f"{path} is given for two outputs", "name another folder or file for each"
                )

    def write(self, find: Find, whom: str, gallery: Gallery, out: Console) -> list[FacerecError]:
        """Write all outputs, print what was written, and return the errors of photos.

        Raises:
            InvalidInputError: A folder has other files, or a file exists or cannot be created.
            FacerecError: A search failed.
        """
        errors: list[FacerecError] = []
        for folder, link in ((self.copy_to, False), (self.link_to, True)):
            if folder is not None:
                done, failed = _copy(find, folder, link=link)
                out.print(done)
                errors += failed
        if self.csv_file is not None:
            out.print(_write_csv(find, self.csv_file))
        if self.html_file is not None:
            out.print(_write_html(find, self.html_file, whom, gallery))
        return errors


def keeping_first_pages(find: Find) -> Find:
    """Return a ``find`` function that caches the first page of each kind."""
    kept: dict[bool, FoundPage] = {}

    def find_or_recall(doubtful: bool, next_token: str | None) -> FoundPage:
        if next_token is not None:
            return find(doubtful, next_token)
        if doubtful not in kept:
            kept[doubtful] = find(doubtful, None)
        return kept[doubtful]

    return find_or_recall


def found_faces(find: Find, *, doubtful: bool) -> Iterator[FoundFace]:
    """Yield all doubtful faces, or all that are not doubtful, page by page."""
    page = find(doubtful, None)
    yield from page.found
    while page.next_token is not None:
        page = find(doubtful, page.next_token)
        yield from page.found


def _copy(find: Find, folder: Path, *, link: bool) -> tuple[str, list[FacerecError]]:
    from facerec.cli.photo_copies import FoundPhotos, copy_photos
    from facerec.storage.objects.objects import Objects

    certain = FoundPhotos.of(found_faces(find, doubtful=False))
    doubtful = FoundPhotos.of(found_faces(find, doubtful=True), but=certain)
    results = copy_photos(certain, doubtful, folder, Objects(), link=link)
    done = "linked from" if link else "copied to"
    apart = f", and {count(results[1].photos, 'doubtful one')} apart" if results[1].photos else ""
    said = f"{count(results[0].photos, 'photo')} {done} {folder}{apart}"
    return said, [error for result in results for error in result.errors]


def _write_csv(find: Find, path: Path) -> str:
    import csv

    lines = 0
    with new_files.new_text(path) as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for doubtful in (False, True):
            for each in found_faces(find, doubtful=doubtful):
                writer.writerow(safe_row(_csv_row(each)))
                lines += 1
    return f"{count(lines, 'face')} written to {path}"


def _csv_row(each: FoundFace) -> tuple[object, ...]:
    match, record = each.match, each.match.face
    return (
        each.doubt or "",
        decimals(match.similarity),
        decimals(match.distance),
        match.user_id or "",
        match.person_name or "",
        record.external_image_id or "",
        record.source,
        record.face_id,
        *(decimals(side) for side in (record.box.left, record.box.top)),
        *(decimals(side) for side in (record.box.width, record.box.height)),
    )


def _write_html(find: Find, path: Path, whom: str, gallery: Gallery) -> str:
    from facerec.cli.contact_sheet import write_contact_sheet

    collection_id = find(False, None).collection_id

    def thumbnail(face_id: str) -> bytes | None:
        try:
            return gallery.thumbnail(collection_id, face_id)
        except FacerecError:
            return None

    with new_files.new_text(path) as file:
        numbers = write_contact_sheet(
            file,
            f"{whom} in {collection_id}",
            found_faces(find, doubtful=False),
            found_faces(find, doubtful=True),
            thumbnail,
        )
    return f"{count(sum(numbers), 'face')} on {path}, {numbers[1]:,} doubtful"
