"""Reads CSV files of labelled photos."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from facerec.core.answering import MAX_SECONDS, Deadline, answer_within
from facerec.core.counts import count
from facerec.core.input_files import open_input
from facerec.core.limits import MAX_CSV_BYTES
from facerec.errors import InvalidInputError


@contextmanager
def open_csv(path: Path) -> Iterator[csv.DictReader[str]]:
    """Open a CSV file with a header, in UTF-8.

    Raises:
        InvalidInputError: The file cannot be read, is not valid CSV, or is larger than
            ``MAX_CSV_BYTES``; this may be raised while rows are read.
        ReadTimedOutError: The file system does not answer; this may be raised while rows are read.
    """
    try:
        with open_input(path, MAX_CSV_BYTES) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            yield csv.DictReader(text, strict=True)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{path} is not valid CSV: {error}", "save it as CSV in UTF-8"
        ) from error


def require_photos(names: Collection[str], images: Path) -> None:
    """Check that photos exist below their folder.

    The report shows photos, and somebody else may have written the file. So the file may only name
    photos in the folder.

    Raises:
        InvalidInputError: A photo does not exist, or is not below the folder.
        ReadTimedOutError: The file system does not answer.
    """
    deadline = Deadline(MAX_SECONDS)

    def find_missing() -> list[str]:
        missing = []
        for name in names:
            if not _is_below(name, images):
                missing.append(name)
            deadline.extend()
        return missing

    missing = answer_within(str(images), find_missing, deadline)
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise InvalidInputError(
            f"{len(missing):,} of {count(len(names), 'photo')} {are} not in {images}, such as "
            f"{missing[0]!r}",
            "check the folder; names of photos are relative to it",
        )


def _is_below(name: str, images: Path) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and (images / path).is_file()
