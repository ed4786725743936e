"""Photos to measure with: from ``../shared/data`` if it is there, otherwise the examples."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import ExifTags, Image, ImageOps

from benchmarks.support.labelled import labelled_photos
from benchmarks.support.results import DATA, EXAMPLES

QUALITY = 90

MEGAPIXEL = (1155, 866)
"""Width and height of a photo of one megapixel."""

_SCENERY = (
    "odd/exif_samples/jpg__exif-org__fujifilm-mx1700.jpg",
    "odd/exif_samples/jpg__exif-org__olympus-c960.jpg",
    "odd/exif_samples/jpg__exif-org__sanyo-vpcsx550.jpg",
    "odd/exif_samples/jpg__gps__DSCN0010.jpg",
    "odd/exif_samples/jpg__gps__DSCN0027.jpg",
    "odd/exif_samples/jpg__gps__DSCN0042.jpg",
    "odd/exif_samples/jpg__orientation__landscape_4.jpg",
    "odd/exif_samples/jpg__tests__33-type_error.jpg",
    "odd/pillow_ok/Tests__images__exif-72dpi-int.jpg",
)
"""Photos without people: beach, mountains, food, streets, trees, clouds."""


def press_photos(count: int) -> list[Path]:
    """Return photos sampled from LFW, 250x250 pixels; an empty list if it is absent."""
    return _spread(sorted((DATA / "lfw" / "images").glob("*/*.jpg")), count)


def studio_photos(count: int) -> list[Path]:
    """Return photos sampled from the London set, 1350x1350; an empty list if it is absent."""
    return _spread(sorted((DATA / "london").glob("*.jpg")), count)


def group_photos(min_faces: int, max_faces: int) -> list[Path]:
    """Return the labelled photos whose number of faces is in a range; may be empty."""
    return [photo.path for photo in labelled_photos() if min_faces <= len(photo.faces) <= max_faces]


def scenery_photos(folder: Path, *, has_orientation: bool) -> list[Path]:
    """Write photos without faces, resized to a megapixel, to a folder and return their paths.

    Each is written as it is and mirrored, so that the start of a job is shared by more photos.

    Args:
        folder: Where to write them.
        has_orientation: Whether the files state their orientation, as those of cameras do.
            Others are searched in four orientations.

    Returns:
        An empty list if the originals are absent.
    """
    paths = []
    for number, name in enumerate(_SCENERY):
        if not (DATA / name).is_file():
            continue
        for is_mirrored in (False, True):
            path = folder / f"{number}-{has_orientation}-{is_mirrored}.jpg"
            path.write_bytes(
                enlarged(
                    DATA / name,
                    *MEGAPIXEL,
                    has_orientation=has_orientation,
                    is_mirrored=is_mirrored,
                )
            )
            paths.append(path)
    return paths


def example_photos() -> list[Path]:
    """Return the example photos."""
    return sorted(EXAMPLES.glob("*.jpg"))


def any_photos(count: int) -> list[Path]:
    """Return photos of LFW, or the examples if it is absent, repeated as needed."""
    found = press_photos(count) or example_photos()
    return [found[number % len(found)] for number in range(count)]


def enlarged(
    path: Path,
    width: int = 4000,
    height: int = 3000,
    *,
    has_orientation: bool = True,
    is_mirrored: bool = False,
) -> bytes:
    """Return a photo resized to that of a camera, as JPEG of quality 90."""
    file = io.BytesIO()
    with Image.open(path) as photo:
        large = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    if is_mirrored:
        large = ImageOps.mirror(large)
    exif = Image.Exif()
    if has_orientation:
        exif[ExifTags.Base.Orientation] = 1
    large.save(file, "JPEG", quality=QUALITY, exif=exif)
    return file.getvalue()


def _spread(paths: list[Path], count: int) -> list[Path]:
    return paths[:: max(1, len(paths) // count)][:count]
