"""Faces of a photo as text."""

from __future__ import annotations

from facerec.cli.output import console, count
from facerec.core.faces import BoundingBox
from facerec.core.photos import PhotoFaces


def position(box: BoundingBox, photo: PhotoFaces) -> str:
    """Return the position of a face, in pixels of the upright photo: ``120x130+400+80``."""
    width, height = round(box.width * photo.width), round(box.height * photo.height)
    left, top = round(box.left * photo.width), round(box.top * photo.height)
    return f"{width}x{height}{left:+d}{top:+d}"


def print_rejected(photo: PhotoFaces) -> None:
    """Print the rejected faces of a photo with the reasons."""
    if not photo.rejected:
        return
    out = console()
    out.print()
    out.print(f"{count(len(photo.rejected), 'face')} rejected:")
    for face in photo.rejected:
        reasons = ", ".join(face.reasons)
        out.print(f"  at {position(face.box, photo)}, confidence {face.confidence:.2f}: {reasons}")
