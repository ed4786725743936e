"""Cuts thumbnails of stored faces from the photos in which they were found."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from facerec.core.ids import image_id
from facerec.errors import AccessDeniedError, ObjectNotFoundError
from facerec.gallery.photos import load_photo

if TYPE_CHECKING:
    from facerec.core.faces import BoundingBox
    from facerec.core.records import FaceRecord
    from facerec.storage.objects.protocol import ObjectStore

SIDE = 160
"""Length of a thumbnail's longer side, in pixels."""

MARGIN = 0.25
"""Margin around the face, as a ratio of the box's sides."""

JPEG_QUALITY = 85


def cut_thumbnail(record: FaceRecord, *, objects: ObjectStore, max_pixels: int) -> bytes:
    """Return a JPEG file of a stored face.

    Args:
        record: The face.
        objects: Reads its photo.
        max_pixels: Maximum number of pixels of the photo.

    Raises:
        ObjectNotFoundError: The photo no longer exists, has changed, or may not be read.
        PhotoTooLargeError: The photo has too many bytes.
        StoreUnavailableError: The photo cannot be read for now.
    """
    if not record.source:
        raise ObjectNotFoundError("the photo of this face")
    try:
        content = load_photo(record.source, objects).content
    except (AccessDeniedError, ObjectNotFoundError) as error:
        # the address is omitted: a local path would reveal details of the machine
        raise ObjectNotFoundError("the photo of this face") from error
    if image_id(content) != record.image_id:
        raise ObjectNotFoundError("the photo in which this face was found")
    return _cut(content, record.box, max_pixels)


def _cut(content: bytes, box: BoundingBox, max_pixels: int) -> bytes:
    from PIL import Image

    from facerec.engine.decode.decoding import DecodedPhoto, decode

    decoded = decode(content, smallest_face=None, max_pixels=max_pixels)
    if not isinstance(decoded, DecodedPhoto):
        raise ObjectNotFoundError("the photo of this face")
    photo = Image.fromarray(decoded.pixels)
    margin_x, margin_y = MARGIN * box.width, MARGIN * box.height
    left, top = max(0.0, box.left - margin_x), max(0.0, box.top - margin_y)
    right = min(1.0, box.left + box.width + margin_x)
    bottom = min(1.0, box.top + box.height + margin_y)
    width, height = photo.size
    corners = (
        int(left * width),
        int(top * height),
        max(int(left * width) + 1, int(right * width)),
        max(int(top * height) + 1, int(bottom * height)),
    )
    face = photo.crop(corners)
    face.thumbnail((SIDE, SIDE))
    output = BytesIO()
    face.save(output, "JPEG", quality=JPEG_QUALITY)
    return output.getvalue()
