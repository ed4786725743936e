"""Small pictures of stored faces, cut from the photos that they were found on."""

from __future__ import annotations

from io import BytesIO

from facerec.core.faces import BoundingBox
from facerec.core.ids import image_id
from facerec.errors import AccessDeniedError, FaceNotFoundError, ObjectNotFoundError
from facerec.gallery.service.parts import Parts
from facerec.gallery.service.photos import read_photo

SIDE = 160
"""Pixels of a thumbnail's longer side."""

MARGIN = 0.25
"""How much of the box's sides is shown around it."""


def thumbnail(parts: Parts, collection_id: str, face_id: str) -> bytes:
    """Return a JPEG of a stored face.

    Raises:
        CollectionNotFoundError: there is no such collection.
        FaceNotFoundError: it holds no such face.
        ObjectNotFoundError: the photo is not there any more, was changed, or may not be read.
        StoreUnavailableError: it cannot be read for now.
    """
    parts.records.get_collection(collection_id)
    stored = parts.faces.get_faces(collection_id, [face_id])
    if not stored:
        raise FaceNotFoundError(face_id)
    record = stored[0].record
    try:
        content = read_photo(parts.sources or parts.photos, record.source)
    except AccessDeniedError as error:
        raise ObjectNotFoundError("the photo of this face") from error
    if image_id(content) != record.image_id:
        raise ObjectNotFoundError("the photo that this face was found on")
    return _cut(content, record.box, parts.options.max_pixels)


def _cut(content: bytes, box: BoundingBox, max_pixels: int) -> bytes:
    from PIL import Image

    from facerec.engine.decode.decoding import DecodedPhoto, decode

    decoded = decode(content, smallest_face=None, max_pixels=max_pixels)
    if not isinstance(decoded, DecodedPhoto):
        raise ObjectNotFoundError("the photo of this face")
    photo = Image.fromarray(decoded.pixels)
    across, down = MARGIN * box.width, MARGIN * box.height
    left, top = max(0.0, box.left - across), max(0.0, box.top - down)
    right = min(1.0, box.left + box.width + across)
    bottom = min(1.0, box.top + box.height + down)
    width, height = photo.size
    corners = (
        int(left * width),
        int(top * height),
        max(int(left * width) + 1, int(right * width)),
        max(int(top * height) + 1, int(bottom * height)),
    )
    face = photo.crop(corners)
    face.thumbnail((SIDE, SIDE))
    written = BytesIO()
    face.save(written, "JPEG", quality=85)
    return written.getvalue()
