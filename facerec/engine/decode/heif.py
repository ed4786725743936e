"""Reads the boxes of HEIC and AVIF files (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_GENERIC_BRANDS = frozenset({b"mif1", b"msf1"})
_MAX_BRANDS = 64
_MAX_BOXES = 1_000

_TURNS = frozenset({b"irot", b"imir"})


class HeifKind(Enum):
    """The kinds of HEIF files that facerec reads."""

    AVIF = auto()
    HEIC = auto()


def heif_kind(content: bytes) -> HeifKind | None:
    """Distinguish HEIC from AVIF by the brands in the ``ftyp`` box; return None for other files.

    Cameras and editors write many major brands; the compatible brands show which readers support
    the file.
    """
    end = min(int.from_bytes(content[:4], "big"), 16 + 4 * _MAX_BRANDS)
    compatible = content[16:end]
    brands = [content[8:12], *(compatible[at : at + 4] for at in range(0, len(compatible), 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return HeifKind.AVIF
        if brand in _HEIC_BRANDS:
            return HeifKind.HEIC
    return HeifKind.HEIC if brands[0] in _GENERIC_BRANDS else None


def turns_pixels(content: bytes) -> bool:
    """Return whether a HEIC file turns or mirrors its photo by its own properties."""
    for meta in _boxes(content, 0, len(content), b"meta"):
        # Four bytes of version and flags precede the boxes in `meta`.
        for properties in _boxes(content, meta[0] + 4, meta[1], b"iprp"):
            for container in _boxes(content, *properties, b"ipco"):
                return any(kind in _TURNS for kind, _, _ in _walk(content, *container))
    return False


def without_exif(content: bytes) -> bytes:
    """Return an AVIF file whose EXIF items have a type that decoders ignore.

    libavif rejects a photo whose EXIF is damaged, which viewers show. EXIF does not turn a photo
    in AVIF: its own properties do.
    """
    result = bytearray(content)
    for meta in _boxes(content, 0, len(content), b"meta"):
        for start, end in _boxes(content, meta[0] + 4, meta[1], b"iinf"):
            # Version and flags, then the number of items, precede the boxes in `iinf`.
            entries = start + (6 if content[start : start + 1] == b"\0" else 8)
            for entry, _ in _boxes(content, entries, end, b"infe"):
                # Version and flags, the item's id, and its protection precede its type.
                kind = entry + (10 if content[entry : entry + 1] == b"\3" else 8)
                if content[kind : kind + 4] == b"Exif":
                    result[kind : kind + 4] = b"skip"
    return bytes(result) if result != content else content


def _boxes(content: bytes, start: int, end: int, kind: bytes) -> Iterator[tuple[int, int]]:
    for found, first, last in _walk(content, start, end):
        if found == kind:
            yield first, last


def _walk(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each box between two positions."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        size, header = int.from_bytes(content[start : start + 4], "big"), 8
        kind = content[start + 4 : start + 8]
        if size == 1:
            size, header = int.from_bytes(content[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        yield kind, start + header, min(start + size, end)
        start += size
