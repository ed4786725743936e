"""`facerec detect`: where faces are on a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import face_options, json_option
from facerec.core.options import FaceOptions, QualityFilter

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
    options: FaceOptions,
    as_json: bool,
) -> None:
    """Find the faces of a photo.

    PHOTO is a path or an s3:// address.

    \b
    Examples:
      facerec detect group.jpg
      facerec detect group.jpg --smallest-face 40 --draw boxes.jpg
    """
    from facerec.cli.drawing import draw_faces, refuse_to_overwrite
    from facerec.cli.output import print_json
    from facerec.cli.photos import read_photo
    from facerec.engine.engine import open_engine
    from facerec.gallery.photos import look_at
    from facerec.gallery.presenting import detection_json

    if draw is not None:
        refuse_to_overwrite(photo, draw)
    content = read_photo(photo)
    engine = open_engine()
    seen = look_at(content, engine=engine, options=options)
    if draw is not None:
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
