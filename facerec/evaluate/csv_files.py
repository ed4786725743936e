"""CSV files of labelled photos."""

from __future__ import annotations

import csv
from collections.abc import Iterator
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
        raise InvalidInputError(f"{path} is not valid CSV: {error}") from error
