"""Cuts thumbnails of stored faces from the photos in which they were found."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

from facerec.core.ids import image_id
from facerec.core.limits import MAX_THUMBNAIL_BYTES
from facerec.core.sources import is_address
from facerec.errors import AccessDeniedError, ObjectNotFoundError
from facerec.gallery.photos import load_photo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from PIL.Image import Image

    from facerec.core.faces import BoundingBox
    from facerec.core.protocols.thumbnails import ThumbnailStore
    from facerec.core.records import FaceRecord
    from facerec.storage.objects.protocol import ObjectStore

SIDE = 160
"""Length of a thumbnail's longer side, in pixels."""

MARGIN = 0.25
"""Margin around the face, as a ratio of the box's sides."""

JPEG_QUALITIES = (85, 70, 50, 25, 10)
"""JPEG qualities to try until a thumbnail is small enough. For almost all photos the first is low
enough; for noise, only the last one is."""


def thumbnail_of(
    collection_id: str,
    record: FaceRecord,
    *,
    thumbnails: ThumbnailStore | None,
    objects: ObjectStore,
    max_pixels: int,
) -> bytes:
    """Return a JPEG file of a stored face: the stored thumbnail, or else one cut from the photo.

    Args:
        collection_id: The collection of the face.
        record: The face.
        thumbnails: Store of thumbnails; None if there is none.
        objects: Reads the photo of the face.
        max_pixels: Maximum number of pixels of the photo.

    Raises:
        ObjectNotFoundError: The photo has no address, no longer exists, has changed, cannot be
            decoded, or may not be read.
        PhotoTooLargeError: The photo has too many bytes.
        StoreUnavailableError: The photo cannot be read for now.
    """
    face_id = record.face_id
    if thumbnails is not None:
        kept = thumbnails.get_thumbnails(collection_id, [face_id]).get(face_id)
        if kept is not None:
            return kept
    return _cut_from_source(record, objects, max_pixels)


def keep_thumbnails(
    collection_id: str,
    records: Iterable[FaceRecord],
    content: bytes,
    *,
    thumbnails: ThumbnailStore,
    max_pixels: int,
) -> None:
    """Keep thumbnails of the stored faces of a photo; none if the photo cannot be decoded.

    Args:
        collection_id: The collection of the faces.
        records: The faces.
        content: The bytes of the photo in which they were found.
        thumbnails: Store that receives the thumbnails.
        max_pixels: Maximum number of pixels of the photo.
    """
    faces = list(records)
    if not faces:
        return
    # The faces are already stored: the request must not fail because no thumbnail can be cut.
    with suppress(ObjectNotFoundError):
        cut = list(_cut(content, [face.box for face in faces], max_pixels))
        ids = (face.face_id for face in faces)
        thumbnails.put_thumbnails(collection_id, dict(zip(ids, cut, strict=True)))


def _cut_from_source(record: FaceRecord, objects: ObjectStore, max_pixels: int) -> bytes:
    if not is_address(record.source):
        raise ObjectNotFoundError("a readable photo of this face", hint=None)
    try:
        content = load_photo(record.address, objects).content
    except (AccessDeniedError, ObjectNotFoundError) as error:
        # the address is omitted: a local path would reveal details of the machine
        raise ObjectNotFoundError("a readable photo of this face", hint=None) from error
    if image_id(content) != record.image_id:
        raise ObjectNotFoundError("the photo in which this face was found", hint=None)
    (thumbnail,) = _cut(content, [record.box], max_pixels)
    return thumbnail


def _cut(content: bytes, boxes: Iterable[BoundingBox], max_pixels: int) -> Iterator[bytes]:
    """Yield a JPEG file for each box of a photo.

    Raises:
        ObjectNotFoundError: The photo cannot be decoded, or has too many pixels.
    """
    from PIL import Image

    from facerec.engine.decode.decoding import DecodedPhoto, decode

    decoded = decode(content, smallest_face=None, max_pixels=max_pixels)
    if not isinstance(decoded, DecodedPhoto):
        raise ObjectNotFoundError("a readable photo of this face", hint=None)
    photo = Image.fromarray(decoded.pixels)
    for box in boxes:
        yield _encoded(_with_margin(photo, box))


def _with_margin(photo: Image, box: BoundingBox) -> Image:
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
    return face


def _encoded(face: Image) -> bytes:
    for quality in JPEG_QUALITIES:
        output = BytesIO()
        face.save(output, "JPEG", quality=quality)
        if output.tell() <= MAX_THUMBNAIL_BYTES:
            break
    return output.getvalue()
