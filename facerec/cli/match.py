"""`facerec match`: search a collection for the faces of a photo, or of each photo of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.deferred import presenting_search
from facerec.cli.faces_shown import match_table, position, print_remarks
from facerec.cli.options import (
    collection_option,
    csv_option,
    data_option,
    json_option,
    limit_option,
    probe_face_options,
    search_fmr_option,
    stack_option,
    threshold_option,
)
from facerec.cli.output import console, more_matches, print_json
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_MATCHES
from facerec.gallery.defaults import GalleryDefaults

if TYPE_CHECKING:
    from facerec.cli import match_many, services
    from facerec.core.options import FaceOptions
    from facerec.gallery.search.search_results import SearchedFace, SearchResult
else:
    match_many = DeferredModule("facerec.cli.match_many")
    services = DeferredModule("facerec.cli.services")


@click.command()
@click.argument("photo", metavar="PHOTO|FOLDER")
@collection_option
@data_option
@stack_option
@threshold_option
@search_fmr_option
@limit_option("matches of each face", GalleryDefaults().limit, MAX_MATCHES)
@click.option(
    "--repeat-people",
    is_flag=True,
    help="Let several faces of the photo match one person (default: only the most similar one).",
)
@csv_option
@probe_face_options
@json_option
def match(
    photo: str,
    collection: str,
    data: Path | None,
    stack: str | None,
    threshold: float | None,
    target_fmr: float | None,
    limit: int,
    repeat_people: bool,
    csv_file: Path | None,
    options: FaceOptions,
    as_json: bool,
) -> None:
    """Search a collection for the faces of a photo.

    PHOTO is a path or an s3:// address. All its faces are searched, largest first. For a FOLDER, or
    an s3:// prefix that ends in a slash, each photo in it is searched. Photos that cannot be read
    or show no face are reported. For a FOLDER, --json prints one line for each photo.
    docs/accuracy.md explains what similarity means and how often a match is wrong. With --stack,
    photos are described on this machine, and the table and the vectors are read with your
    credentials.

    \b
    Examples:
      facerec match visitor.jpg --collection staff
      facerec match visitor.jpg --collection staff --threshold 0.95 --limit 1 --json
      facerec match visitor.jpg --collection staff --target-fmr 0.01
      facerec match evening/ --collection club --csv evening.csv
      facerec match visitor.jpg --collection staff --stack facerec
    """
    with services.open_gallery(stack, data) as gallery:

        def search(probe: str) -> SearchResult:
            return gallery.search(
                collection,
                probe,
                threshold=threshold,
                target_fmr=target_fmr,
                limit=limit,
                repeat_people=repeat_people,
                options=options,
            )

        folder = _folder_of_photos(photo)
        if folder is not None or csv_file is not None:
            gallery.describe_collection(collection)
            photos = [photo] if folder is None else match_many.photos_in(folder)
            match_many.print_searched(photos, search, csv_file, as_json=as_json)
            return
        result = search(photo)
    if as_json:
        print_json(presenting_search.search_json(result))
    else:
        _print(photo, result, limit)


def _folder_of_photos(text: str) -> str | None:
    """Return the address of a folder or prefix with its final ``/``; None for a photo."""
    if text.startswith("s3://"):
        return text if text.endswith("/") else None
    path = Path(text)
    return f"{path.absolute()}/" if path.is_dir() else None


def _print(photo: str, result: SearchResult, limit: int) -> None:
    out = console()
    out.print(
        f"{photo}: {count(len(result.faces), 'face')} searched in collection {result.collection_id}"
    )
    for number, searched in enumerate(result.faces, 1):
        _print_face(number, searched, result, limit)
    print_remarks(result.photo)


def _print_face(number: int, searched: SearchedFace, result: SearchResult, limit: int) -> None:
    out = console()
    out.print()
    where = position(searched.face.box, result.photo)
    out.print(f"Face {number} at {where}: {searched.decision.value}")
    if not searched.matches:
        out.print(f"  no face of the collection has a similarity of {result.threshold:g} or more")
        return
    out.print(match_table(searched.matches))
    shown = {match.face.face_id for match in searched.matches}
    hidden = [match for match in searched.candidates if match.face.face_id not in shown]
    if hidden:
        out.print("  about equally similar, but below the threshold or beyond the limit:")
        out.print(match_table(hidden))
    if searched.more_matches:
        out.print(f"  {more_matches(limit, MAX_MATCHES)}")
