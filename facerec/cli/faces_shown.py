"""Faces of a photo for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli.output import console, count

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox
    from facerec.core.photos import PhotoFaces


def place(box: BoundingBox, photo: PhotoFaces) -> str:
    """Return where a face stands, in pixels of the upright photo: ``120x130+400+80``."""
    width, height = round(box.width * photo.width), round(box.height * photo.height)
    left, top = round(box.left * photo.width), round(box.top * photo.height)
    return f"{width}x{height}{left:+d}{top:+d}"


def print_left_out(photo: PhotoFaces) -> None:
    """Say which faces of a photo were left out, and why."""
    if not photo.rejected:
        return
    out = console()
    out.print()
    out.print(f"{count(len(photo.rejected), 'face')} left out:")
    for face in photo.rejected:
        reasons = ", ".join(face.reasons)
        out.print(f"  at {place(face.box, photo)}, confidence {face.confidence:.2f}: {reasons}")
