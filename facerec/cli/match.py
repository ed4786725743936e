"""`facerec match`: who is on a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import (
    collection_option,
    data_option,
    face_options,
    json_option,
    probability,
)
from facerec.core.options import FaceOptions, QualityFilter
from facerec.gallery.similarity import DEFAULT_THRESHOLD

if TYPE_CHECKING:
    from facerec.gallery.matching import MatchResult, SearchedFace

MOST_SEARCHED = 100
"""Faces of a probe that are searched, however many it shows."""


@click.command()
@click.argument("photo")
@collection_option
@data_option
@click.option(
    "--threshold",
    type=probability,
    default=DEFAULT_THRESHOLD,
    show_default=True,
    help="The least similarity of a match.",
)
@click.option(
    "--top",
    type=click.IntRange(1, 4096),
    default=5,
    show_default=True,
    help="The most matches of a face.",
)
@face_options(max_faces=MOST_SEARCHED, quality_filter=QualityFilter.NONE)
@json_option
def match(
    photo: str,
    collection: str,
    data: Path | None,
    threshold: float,
    top: int,
    options: FaceOptions,
    as_json: bool,
) -> None:
    """Search a collection for the faces of a photo.

    PHOTO is a path or an s3:// address. All its faces are searched, the largest first.
    docs/accuracy.md explains what similarity means and how often a match is wrong.

    \b
    Examples:
      facerec match visitor.jpg --collection staff
      facerec match visitor.jpg --collection staff --threshold 0.95 --top 1 --json
    """
    from facerec.cli.output import print_json
    from facerec.cli.parts import data_folder, open_store
    from facerec.cli.photos import read_photo
    from facerec.engine.engine import open_engine
    from facerec.gallery.matching import match as find_matches
    from facerec.gallery.presenting import match_result_json

    content = read_photo(photo)
    with open_store(data_folder(data)) as store:
        result = find_matches(
            content,
            collection_id=collection,
            engine=open_engine(),
            records=store,
            faces=store,
            threshold=threshold,
            top=top,
            options=options,
        )
    if as_json:
        print_json(match_result_json(result))
    else:
        _print(photo, result)


def _print(photo: str, result: MatchResult) -> None:
    from facerec.cli.faces_shown import print_left_out
    from facerec.cli.output import console, count

    out = console()
    out.print(
        f"{photo}: {count(len(result.searched), 'face')} "
        f"searched in collection {result.collection_id}"
    )
    for number, searched in enumerate(result.searched, 1):
        _print_face(number, searched, result)
    print_left_out(result.photo)


def _print_face(number: int, searched: SearchedFace, result: MatchResult) -> None:
    from facerec.cli.faces_shown import place
    from facerec.cli.output import console, shortened, table

    out = console()
    out.print()
    where = place(searched.face.box, result.photo)
    out.print(f"Face {number} at {where}: {searched.decision.value}")
    if not searched.matches:
        out.print(f"  nobody in the collection has a similarity of {result.threshold:g} or more")
        return
    shown = table("similarity", "distance", "who", "photo", right=("similarity",))
    for found in searched.matches:
        shown.add_row(
            f"{found.similarity:.3f}",
            f"{found.distance:.3f}",
            found.face.external_image_id or "-",
            shortened(found.face.source) or "-",
        )
    out.print(shown)
