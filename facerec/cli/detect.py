"""`facerec detect`: find the faces of a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.deferred import factory, presenting_faces
from facerec.cli.faces_shown import position, print_remarks
from facerec.cli.local_path import LocalPath
from facerec.cli.options import json_option, overwrite_option, probe_face_options
from facerec.cli.output import console, print_json, table
from facerec.core.counts import count

if TYPE_CHECKING:
    from facerec.core.attributes import FaceAttributes
    from facerec.core.options import FaceOptions
    from facerec.core.photos import PhotoFaces


@click.command()
@click.argument("photo")
@click.option(
    "--draw",
    type=LocalPath(dir_okay=False),
    default=None,
    metavar="OUT.jpg",
    help="Save a copy of the photo with a box around each face.",
)
@overwrite_option
@click.option(
    "--attributes",
    is_flag=True,
    help="Estimate age and gender of each face; needs networks that are not part of facerec "
    "(docs/attributes.md).",
)
@probe_face_options
@json_option
def detect(
    photo: str,
    draw: Path | None,
    overwrite: bool,
    attributes: bool,
    options: FaceOptions,
    as_json: bool,
) -> None:
    """Find the faces of a photo.

    PHOTO is a path or an s3:// address.

    \b
    Examples:
      facerec detect group.jpg
      facerec detect group.jpg --smallest-face 24 --draw boxes.jpg
    """
    if draw is not None:
        from facerec.cli.drawing import refuse_to_overwrite
        from facerec.cli.new_files import may_overwrite

        refuse_to_overwrite(photo, draw)
        may_overwrite(draw, overwrite=overwrite)
    inspector = factory.open_inspector()
    faces = inspector.detect(photo, options=options, attributes=attributes)
    if draw is not None:
        from facerec.cli.drawing import draw_faces
        from facerec.gallery.photos import load_photo
        from facerec.storage.objects import Objects

        draw_faces(load_photo(photo, Objects()).content, faces, draw)
    if as_json:
        print_json(presenting_faces.detection_json(faces, inspector.model_version))
    else:
        _print(photo, faces)


def _print(photo: str, faces: PhotoFaces) -> None:
    out = console()
    out.print(f"{photo}: {faces.width}x{faces.height} pixels, {count(len(faces.faces), 'face')}")
    if faces.faces:
        columns: tuple[str, ...] = ("confidence", "sharpness", "brightness", "roll", "yaw", "pitch")
        if faces.faces[0].attributes is not None:
            columns += ("age", "gender")
        rows = table("position", *columns, right=columns)
        for face in faces.faces:
            quality = face.quality
            rows.add_row(
                position(face.box, faces),
                f"{face.confidence:.3f}",
                f"{quality.sharpness:.0f}",
                f"{quality.brightness:.0f}",
                *(f"{angle:.0f}°" for angle in (quality.pose.roll, quality.pose.yaw)),
                f"{quality.pose.pitch:.0f}°",
                *_estimated(face.attributes),
            )
        out.print(rows)
    print_remarks(faces)


def _estimated(attributes: FaceAttributes | None) -> tuple[str, ...]:
    if attributes is None:
        return ()
    ages = attributes.age_range
    return f"{ages.low}-{ages.high}", f"{attributes.gender} {attributes.gender_confidence:.2f}"
