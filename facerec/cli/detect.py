"""`facerec detect`: where faces are on a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import face_options, json_option, to_face_options
from facerec.core.options import QualityFilter

if TYPE_CHECKING:
    from facerec.core.photos import PhotoFaces

MOST_SHOWN = 100
"""Faces that are shown of a photo, as many as Rekognition's DetectFaces returns."""


@click.command()
@click.argument("photo")
@click.option(
    "--draw",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    metavar="OUT.jpg",
    help="Save the photo with the faces' boxes drawn in.",
)
@face_options(max_faces=MOST_SHOWN, quality_filter=QualityFilter.NONE)
@json_option
def detect(
    photo: str,
    draw: Path | None,
    max_faces: int,
    min_confidence: float,
    quality_filter: str,
    smallest_face: int | None,
    detector: str,
    as_json: bool,
) -> None:
    """Find the faces of PHOTO, a path or s3:// address.

    \b
    Examples:
      facerec detect group.jpg
      facerec detect group.jpg --smallest-face 40 --draw boxes.jpg
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from facerec.cli.output import print_json
    from facerec.cli.photos import read_photo
    from facerec.engine.engine import open_engine
    from facerec.gallery.photos import look_at
    from facerec.gallery.presenting import detection_json

    options = to_face_options(
        max_faces=max_faces,
        min_confidence=min_confidence,
        quality_filter=quality_filter,
        smallest_face=smallest_face,
        detector=detector,
    )
    content = read_photo(photo)
    engine = open_engine()
    seen = look_at(content, engine=engine, options=options)
    if draw is not None:
        from facerec.cli.drawing import draw_faces

        draw_faces(content, seen, draw)
    if as_json:
        print_json(detection_json(seen, engine.model_version))
    else:
        _print(photo, seen)


def _print(photo: str, seen: PhotoFaces) -> None:
    from facerec.cli.faces_shown import place, print_left_out
    from facerec.cli.output import console, count, table

    out = console()
    out.print(f"{photo}: {seen.width}x{seen.height} pixels, {count(len(seen.faces), 'face')}")
    if seen.faces:
        columns = ("confidence", "sharpness", "brightness", "roll", "yaw", "pitch")
        shown = table("place", *columns, right=columns)
        for face in seen.faces:
            quality = face.quality
            shown.add_row(
                place(face.box, seen),
                f"{face.confidence:.3f}",
                f"{quality.sharpness:.0f}",
                f"{quality.brightness:.0f}",
                *(f"{angle:.0f}°" for angle in (quality.pose.roll, quality.pose.yaw)),
                f"{quality.pose.pitch:.0f}°",
            )
        out.print(shown)
    print_left_out(seen)
