"""Rejects TIFF files that are not photos, or take far more work than their size suggests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, cast

from facerec.core.photos import UnreadableReason
from facerec.engine.decode.limits import MAX_PIXEL_PASSES, LimitExceededError, too_costly

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

NEW_SUBFILE_TYPE = 254
SUBFILE_TYPE = 255
IMAGE_WIDTH = 256
IMAGE_LENGTH = 257
COMPRESSION = 259
TILE_WIDTH = 322
TILE_LENGTH = 323
SUB_IFDS = 330
DNG_VERSION = 50706
"""Tags of TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), its first
supplement, and DNG 1.7."""

_REDUCED = 1
"""The bit of ``NEW_SUBFILE_TYPE`` that marks a smaller version of another photo in the file."""

_OLD_REDUCED = 2
"""Value of ``SUBFILE_TYPE`` with the same meaning."""

_JPEG = (6, 7)
"""Values of ``COMPRESSION`` for JPEG, the old and the new variant."""

_MIN_TILE_LIMIT = 2048 * 2048
"""Number of pixels that a tile may always have, even in a smaller photo."""

_CANON_RAW = b"\x10\0\0\0CR\x02"
"""Bytes 4 to 10 of CR2 files: the offset of the first directory, then their own signature."""


def check_tiff(photo: TiffImageFile, content: bytes) -> None:
    """Reject a TIFF that is a raw photo, begins with a thumbnail, or is too costly to decode.

    Args:
        photo: An opened TIFF.
        content: The bytes of its file.

    Raises:
        LimitExceededError: The file is rejected; the error contains the outcome.
    """
    if _is_thumbnail(photo, content):
        raise LimitExceededError(
            UnreadableReason.UNSUPPORTED_FORMAT,
            "a raw photo, or another TIFF file whose first photo is a thumbnail",
        )
    _check_tiles(photo, content)


def _is_thumbnail(photo: TiffImageFile, content: bytes) -> bool:
    tags: Mapping[int, Any] = photo.tag_v2
    if content[4:11] == _CANON_RAW or DNG_VERSION in tags:
        return True
    if _number(tags, NEW_SUBFILE_TYPE) & _REDUCED or _number(tags, SUBFILE_TYPE) == _OLD_REDUCED:
        return True
    width, height = photo.size
    return any(_pixels(photo, offset) > width * height for offset in _sub_directories(tags))


def _sub_directories(tags: Mapping[int, Any]) -> tuple[int, ...]:
    offsets = tags.get(SUB_IFDS, ())
    return offsets[:8] if isinstance(offsets, tuple) else (offsets,)


def _pixels(photo: TiffImageFile, offset: int) -> int:
    """Return the number of pixels of a directory's photo, or 0 if it cannot be read."""
    # Imported late: few photos are TIFF files, whose reader takes time to import.
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    directory = ImageFileDirectory_v2(prefix=photo.tag_v2.prefix)
    file = cast("IO[bytes]", photo.fp)
    position = file.tell()
    try:
        file.seek(offset)
        directory.load(file)
        return _number(directory, IMAGE_WIDTH) * _number(directory, IMAGE_LENGTH)
    except Exception:
        # Pillow raises nearly anything for a broken directory, and the photo needs only its first.
        return 0
    finally:
        file.seek(position)


def _check_tiles(photo: TiffImageFile, content: bytes) -> None:
    """Reject tiles much larger than the photo, since libtiff decodes each of them completely."""
    width, height = photo.size
    tile_width = _number(photo.tag_v2, TILE_WIDTH) or width
    tile_height = _number(photo.tag_v2, TILE_LENGTH) or height
    if tile_width * tile_height > max(2 * width * height, _MIN_TILE_LIMIT):
        raise too_costly(
            f"the TIFF file of {width}x{height} pixels has tiles of {tile_width}x{tile_height}"
        )
    if _number(photo.tag_v2, COMPRESSION) in _JPEG:
        passes = content.count(b"\xff\xda") * tile_width * tile_height
        if passes > MAX_PIXEL_PASSES:
            raise too_costly("the TIFF file has too many JPEG scans")


def _number(tags: Mapping[int, Any], tag: int) -> int:
    value = tags.get(tag, 0)
    return value if isinstance(value, int) else 0
