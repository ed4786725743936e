"""CSV files of labelled photos."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from facerec.errors import InvalidInputError


@contextmanager
def open_csv(path: Path) -> Iterator[csv.DictReader[str]]:
    """Open a CSV file with a header, in UTF-8.

    Raises:
        InvalidInputError: the file is not valid CSV; this may be raised while rows are read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield csv.DictReader(file, strict=True)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{path} is not valid CSV: {error}", "save it as CSV in UTF-8"
        ) from error


def require_photos(names: Collection[str], images: Path) -> None:
    """Check that photos exist below their folder.

    The report shows photos, and somebody else may have written the file. So the file may only name
    photos in the folder.

    Raises:
        InvalidInputError: a photo does not exist, or is not below the folder.
    """
    missing = [name for name in names if not _is_below(name, images)]
    if missing:
        raise InvalidInputError(
            f"{len(missing):,} of {len(names):,} photos are not in {images}, such as "
            f"{missing[0]!r}",
            "check the folder; names of photos are relative to it",
        )


def _is_below(name: str, images: Path) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and (images / path).is_file()
