"""Draws boxes around faces in a copy of the photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from facerec.cli.new_files import whole_file
from facerec.core.options import FaceOptions
from facerec.engine.decode.decoding import DecodedPhoto, decode
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox
    from facerec.core.photos import PhotoFaces

KEPT, REJECTED = (46, 204, 113), (231, 76, 60)
"""Colours of the boxes: green and red."""


def refuse_to_overwrite(photo: str, path: Path) -> None:
    """Raise an error if a drawing would overwrite its own photo.

    Raises:
        InvalidInputError: ``path`` is the photo itself, possibly through a link.
    """
    if path.exists() and Path(photo).exists() and path.samefile(photo):
        raise InvalidInputError(f"{path} is the photo itself", "choose another name")


def draw_faces(content: bytes, found: PhotoFaces, path: Path) -> None:
    """Save a copy of a photo, upright, with a box around each face.

    Args:
        content: The bytes of the image file.
        found: Faces of the photo; kept ones get green boxes, rejected ones red boxes.
        path: File to save the copy to; its suffix determines the format.

    Raises:
        InvalidInputError: No photo can be written with the suffix, or the file cannot be written.
    """
    decoded = decode(content, smallest_face=None, max_pixels=FaceOptions().max_pixels)
    assert isinstance(decoded, DecodedPhoto)  # noqa: S101 - it was decoded before
    photo = Image.fromarray(decoded.pixels)
    pen = ImageDraw.Draw(photo)
    thickness = max(2, round(max(photo.size) / 400))
    for colour, faces in ((KEPT, found.faces), (REJECTED, found.rejected)):
        for face in faces:
            pen.rectangle(_corners(face.box, photo.size), outline=colour, width=thickness)
    kind = Image.registered_extensions().get(path.suffix.lower())
    try:
        with whole_file(path) as part:
            photo.save(part, kind)
    except (KeyError, ValueError) as error:
        raise InvalidInputError(
            f"{path} cannot be written: its suffix is not that of a photo format",
            "use .jpg or .png",
        ) from error
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be written: {error.strerror or error}", "choose another file"
        ) from error


def _corners(box: BoundingBox, size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    left, top = box.left * width, box.top * height
    return left, top, left + box.width * width, top + box.height * height
