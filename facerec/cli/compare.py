"""`facerec compare`: whether two photos show the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from facerec.cli.options import json_option

if TYPE_CHECKING:
    from facerec.gallery.comparing import Comparison


@click.command()
@click.argument("photo")
@click.argument("other")
@json_option
def compare(photo: str, other: str, as_json: bool) -> None:
    """Compare the faces of two photos.

    \b
    Example:
      facerec compare passport.jpg selfie.jpg
    """
    from facerec.cli.output import print_json
    from facerec.factory import open_inspector
    from facerec.gallery.presenting import comparison_json

    result = open_inspector().compare(photo, other)
    if as_json:
        print_json(comparison_json(result))
    else:
        _print(photo, other, result)


def _print(photo: str, other: str, result: Comparison) -> None:
    from facerec.cli.faces_shown import place, print_rejected
    from facerec.cli.output import console, table
    from facerec.gallery.similarity import DEFAULT_THRESHOLD

    shown = table("similarity", "distance", f"face of {photo}", f"face of {other}", "")
    for pair in result.pairs:
        if not pair.best:
            continue
        alike = pair.similarity >= DEFAULT_THRESHOLD
        shown.add_row(
            f"{pair.similarity:.3f}",
            f"{pair.distance:.3f}",
            place(result.source.faces[pair.source].box, result.source),
            place(result.target.faces[pair.target].box, result.target),
            "match" if alike else "no match",
        )
    console().print(shown)
    for compared in (result.source, result.target):
        print_rejected(compared)
