"""`facerec compare`: compare the faces of two photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from facerec.cli.deferred import factory, presenting_search
from facerec.cli.faces_shown import position, print_remarks
from facerec.cli.options import json_option, limit_option, probe_face_options
from facerec.cli.output import console, more_matches, print_json, table
from facerec.core.limits import MAX_PAIRS
from facerec.core.options import DEFAULT_THRESHOLD, FaceOptions

if TYPE_CHECKING:
    from facerec.gallery.search.comparing import Comparison


@click.command()
@click.argument("photo")
@click.argument("other")
@limit_option("pairs", MAX_PAIRS, MAX_PAIRS)
@probe_face_options
@json_option
def compare(photo: str, other: str, limit: int, options: FaceOptions, as_json: bool) -> None:
    """Compare the faces of two photos.

    PHOTO and OTHER are paths or s3:// addresses. Each face is shown at most once: the two most
    similar faces are paired first, then the most similar of the remaining faces.

    \b
    Examples:
      facerec compare passport.jpg selfie.jpg
      facerec compare passport.jpg group.jpg --smallest-face 20
    """
    result = factory.open_inspector().compare(photo, other, options=options, limit=limit)
    if as_json:
        print_json(presenting_search.comparison_json(result))
    else:
        _print(photo, other, result, limit)


def _print(photo: str, other: str, result: Comparison, limit: int) -> None:
    rows = table("similarity", "distance", f"face of {photo}", f"face of {other}", "")
    for pair in result.pairs:
        if not pair.best:
            continue
        is_match = pair.similarity >= DEFAULT_THRESHOLD
        rows.add_row(
            f"{pair.similarity:.3f}",
            f"{pair.distance:.3f}",
            position(result.source.faces[pair.source].box, result.source),
            position(result.target.faces[pair.target].box, result.target),
            "match" if is_match else "no match",
        )
    console().print(rows)
    if result.more_pairs:
        console().print(more_matches(limit, MAX_PAIRS))
    for compared_photo in (result.source, result.target):
        print_remarks(compared_photo)
