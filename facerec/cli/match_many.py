"""Searches for many probes in one command: the photos of a folder, each with its own rows."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from facerec.cli.csv_rows import decimals, safe_row
from facerec.cli.output import console, print_json, shortened, shown_name
from facerec.core.addresses import storable_source
from facerec.core.counts import count
from facerec.errors import (
    AccessDeniedError,
    FacerecError,
    NoFaceError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    UnreadablePhotoError,
)

if TYPE_CHECKING:
    from facerec.gallery.search.search_results import SearchedFace, SearchResult

COLUMNS = (
    "photo",
    "face",
    "decision",
    "similarity",
    "person",
    "person_name",
    "external_image_id",
    "matched_photo",
    "left",
    "top",
    "width",
    "height",
    "error",
)
"""Columns of the CSV file: a line for each face, or for a photo without any."""

PHOTO_ERRORS = (
    AccessDeniedError,
    NoFaceError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    UnreadablePhotoError,
)
"""Errors that concern a single photo; the other photos are still searched."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A probe with its result or its error."""

    photo: str
    result: SearchResult | None
    error: FacerecError | None = None


def photos_in(folder: str) -> list[str]:
    """Return the addresses of the photos in a folder, in order; other files are skipped."""
    from facerec.jobs.manifest.companions import describe_companion
    from facerec.jobs.manifest.listing import ListingRules, list_photos
    from facerec.storage.objects.objects import Objects

    listed = list_photos(Objects(), folder, None, ListingRules())
    return [each.uri for each in listed if each.requested and not describe_companion(each.uri)]


def search_all(photos: Iterable[str], search: Callable[[str], SearchResult]) -> Iterator[Searched]:
    """Yield each probe with its result, or with the error that concerns this photo only."""
    for photo in photos:
        try:
            yield Searched(photo, search(photo))
        except PHOTO_ERRORS as error:
            yield Searched(photo, None, error)


def print_searched(
    photos: list[str],
    search: Callable[[str], SearchResult],
    csv_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Search for the faces of photos; print or write a line for each face, or print JSON.

    Args:
        photos: Addresses of the probes.
        search: Searches for the faces of the photo at an address.
        csv_file: File to write the rows to; None to print them.
        as_json: Whether to print a line of JSON for each photo; not used with a file.

    Raises:
        InvalidInputError: The file exists, or cannot be created.
        FacerecError: A search failed for a reason that concerns more than one photo.
    """
    from facerec.cli.new_files import new_text

    decisions: dict[str, int] = {}
    failed = 0
    output: AbstractContextManager[TextIO | None]
    output = nullcontext() if csv_file is None else new_text(csv_file)
    with output as file, _progress(photos, hidden=file is None and sys.stdout.isatty()) as shown:
        writer = None if file is None else csv.writer(file)
        if writer is not None:
            writer.writerow(COLUMNS)
        for searched in search_all(shown, search):
            failed += searched.error is not None
            for face in () if searched.result is None else searched.result.faces:
                decisions[str(face.decision)] = decisions.get(str(face.decision), 0) + 1
            if writer is not None:
                writer.writerows(map(safe_row, _rows(searched)))
            elif as_json:
                print_json(_document(searched), indent=None)
            else:
                _print(searched)
    faces = count(sum(decisions.values()), "face") if decisions else "no face"
    summary = f"{count(len(photos), 'photo')} searched, {faces}"
    if decisions:
        summary += ": " + ", ".join(f"{n:,} {name}" for name, n in sorted(decisions.items()))
    if failed:
        summary += f"; {count(failed, 'photo')} without a result"
    console(stderr=True).print(summary)


def _progress(photos: list[str], *, hidden: bool) -> Any:  # noqa: ANN401 - click's own type
    return click.progressbar(
        photos, file=sys.stderr, show_pos=True, hidden=hidden or not sys.stderr.isatty()
    )


def _document(searched: Searched) -> dict[str, Any]:
    """Present a probe (``match-line.json``)."""
    from facerec.gallery.presenting.search import search_json

    error = searched.error
    return {
        "photo": searched.photo,
        "result": None if searched.result is None else search_json(searched.result),
        "error": None if error is None else error.message,
    }


def _rows(searched: Searched) -> Iterator[tuple[object, ...]]:
    photo = storable_source(searched.photo)
    if searched.result is None:
        yield (photo, *[""] * 11, searched.error and searched.error.message)
        return
    for number, face in enumerate(searched.result.faces, 1):
        box = face.face.box
        best = face.matches[0] if face.matches else None
        match: tuple[object, ...] = ("",) * 5
        if best is not None:
            match = (
                decimals(best.similarity),
                best.user_id or "",
                best.person_name or "",
                best.face.external_image_id or "",
                best.face.source,
            )
        sides = map(decimals, (box.left, box.top, box.width, box.height))
        yield (photo, number, str(face.decision), *match, *sides, "")


def _print(searched: Searched) -> None:
    out, name = console(), shortened(searched.photo)
    if searched.result is None:
        out.print(f"{name}: {searched.error and searched.error.message}")
        return
    for number, face in enumerate(searched.result.faces, 1):
        out.print(f"{name} face {number}: {face.decision.value}{_who(face)}")


def _who(face: SearchedFace) -> str:
    """Return the people whom a face may show, separated by "or", with their similarity."""
    people = [
        f" {match.person_name or match.user_id or shown_name(match.face.external_image_id)} "
        f"({match.similarity:.3f})"
        for match in face.candidates
    ]
    return " or".join(people)
