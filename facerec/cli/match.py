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
    to_face_options,
)
from facerec.core.options import QualityFilter
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
    max_faces: int,
    min_confidence: float,
    quality_filter: str,
    smallest_face: int | None,
    detector: str,
    as_json: bool,
) -> None:
    """Search the faces of PHOTO, a path or s3:// address, in a collection.

    All faces of the photo are searched, the largest first. What similarity means, and how often
    it is wrong, stands in docs/accuracy.md.

    \b
    Examples:
      facerec match visitor.jpg --collection staff
      facerec match visitor.jpg --collection staff --threshold 0.95 --top 1 --json
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from facerec.cli.output import print_json
    from facerec.cli.parts import data_folder, open_store
    from facerec.cli.photos import read_photo
    from facerec.engine.engine import open_engine
    from facerec.gallery.matching import match as find_matches
    from facerec.gallery.presenting import match_result_json

    options = to_face_options(
        max_faces=max_faces,
        min_confidence=min_confidence,
        quality_filter=quality_filter,
        smallest_face=smallest_face,
        detector=detector,
    )
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
