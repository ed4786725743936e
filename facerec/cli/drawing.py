"""Faces drawn into their photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox
    from facerec.core.photos import PhotoFaces

KEPT, LEFT_OUT = (46, 204, 113), (231, 76, 60)
"""Colours of the boxes: green and red."""


def draw_faces(content: bytes, seen: PhotoFaces, path: Path) -> None:
    """Save an upright photo with boxes: green for its faces, red for those left out.

    Args:
        content: the bytes of the image file.
        seen: what was found in it.
        path: where to save; its ending names the format.

    Raises:
        InvalidInputError: the ending names no format.
    """
    from PIL import Image, ImageDraw

    from facerec.core.options import FaceOptions
    from facerec.engine.decode.decoding import DecodedPhoto, decode

    decoded = decode(content, smallest_face=None, max_pixels=FaceOptions().max_pixels)
    assert isinstance(decoded, DecodedPhoto)  # noqa: S101 - it was looked at before
    photo = Image.fromarray(decoded.pixels)
    pen = ImageDraw.Draw(photo)
    thickness = max(2, round(max(photo.size) / 400))
    for colour, faces in ((KEPT, seen.faces), (LEFT_OUT, seen.rejected)):
        for face in faces:
            pen.rectangle(_corners(face.box, photo.size), outline=colour, width=thickness)
    try:
        photo.save(path)
    except ValueError as error:
        raise InvalidInputError(
            f"{path} names no image format", "end it in .jpg or .png"
        ) from error


def _corners(box: BoundingBox, size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    left, top = box.left * width, box.top * height
    return left, top, left + box.width * width, top + box.height * height
