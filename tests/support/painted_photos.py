"""Fake photos that a browser can show: PNG files whose faces are described in a text chunk."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw
from PIL.PngImagePlugin import PngInfo

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.testing.engine import FakeEngine, FakeFace, fake_photo

_CHUNK = "facerec"
_SIZE = (640, 480)


def painted_photo(*faces: FakeFace, grainy: bool = False) -> bytes:
    """Return a PNG file with a rectangle for each face, which ``PaintedEngine`` reads.

    Args:
        faces: The faces.
        grainy: Whether no two photos have the same pixels.
    """
    photo = Image.new("RGB", _SIZE, "slategray")
    pen = ImageDraw.Draw(photo)
    for face in faces:
        left, top = face.left * _SIZE[0], face.top * _SIZE[1]
        corner = (left + face.width * _SIZE[0], top + face.height * _SIZE[1])
        pen.rectangle(((left, top), corner), fill="peachpuff")
    if grainy:
        photo = ImageChops.add(photo, Image.effect_noise(_SIZE, 40).convert("RGB"), 2)
    described = PngInfo()
    described.add_text(_CHUNK, fake_photo(*faces, width=_SIZE[0], height=_SIZE[1]).decode())
    output = io.BytesIO()
    photo.save(output, "PNG", pnginfo=described)
    return output.getvalue()


def paint(path: Path, *faces: FakeFace) -> Path:
    """Write such a file."""
    path.write_bytes(painted_photo(*faces))
    return path


class PaintedEngine(FakeEngine):
    """Reads painted photos.

    Attributes:
        asked: The options of each call.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[FaceOptions] = []

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        self.asked.append(options)
        return super().analyse([_described(photo) for photo in photos], options)


def _described(photo: bytes) -> bytes:
    if not photo.startswith(b"\x89PNG"):
        return photo
    text = Image.open(io.BytesIO(photo)).info[_CHUNK]
    assert isinstance(text, str)
    return text.encode()
