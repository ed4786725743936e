"""Faces with their embeddings as a Parquet file.

The file has a column for each of ``facerec.storage.columns``, and ``embedding``: 128 numbers of 32
bits. Numbers are written as they are stored, so that reading them returns the same faces, bit for
bit. Requires pyarrow, which ``pip install '.[parquet]'`` installs in a clone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facerec.core.batches import batches
from facerec.core.ids import checked_face_id
from facerec.core.records import StoredFace
from facerec.core.times import is_time
from facerec.errors import EXPORT_AGAIN, ConfigurationError, InvalidInputError
from facerec.storage.columns import NUMBER_COLUMNS, TEXT_COLUMNS, from_columns, to_columns

if TYPE_CHECKING:
    from types import ModuleType

DIMENSIONS = 128

FACES_AT_ONCE = 8_192
"""Number of faces in a row group, which is held in memory: about 8 MB."""

_NUMBERS = (*NUMBER_COLUMNS, "cohort_mean", "cohort_deviation")


def require_parquet() -> ModuleType:
    """Return ``pyarrow.parquet``.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise ConfigurationError(
            "Parquet files need pyarrow, which is not installed",
            "run `pip install '.[parquet]'` in a clone of facerec",
        ) from None
    module: ModuleType = parquet
    return module


def write_faces(path: Path, faces: Iterable[StoredFace]) -> int:
    """Write faces into a new file, and return their number.

    Raises:
        ConfigurationError: pyarrow is not installed.
        OSError: The file cannot be written.
    """
    parquet = require_parquet()
    import pyarrow

    written = 0
    with parquet.ParquetWriter(path, _schema(), compression="zstd") as writer:
        for batch in batches(faces, FACES_AT_ONCE):
            rows = [to_columns(face.record) for face in batch]
            columns = [[row[name] for row in rows] for name in _names()]
            flat = np.concatenate([face.embedding for face in batch]).astype(np.float32)
            values = pyarrow.array(flat, pyarrow.float32())
            embeddings = pyarrow.FixedSizeListArray.from_arrays(values, DIMENSIONS)
            schema = _schema()
            arrays = [
                pyarrow.array(column, schema.field(name).type)
                for name, column in zip(_names(), columns, strict=True)
            ]
            table = pyarrow.Table.from_arrays([*arrays, embeddings], schema=schema)
            writer.write_table(table, row_group_size=FACES_AT_ONCE)
            written += len(batch)
    return written


def read_faces(path: Path) -> Iterator[list[StoredFace]]:
    """Yield the faces of a file in batches.

    Raises:
        ConfigurationError: pyarrow is not installed.
        InvalidInputError: The file was not written by ``write_faces``, or is damaged.
        OSError: The file cannot be read, or pyarrow reports damage as such an error.
    """
    parquet = require_parquet()
    import pyarrow

    try:
        with parquet.ParquetFile(path) as file:
            if not file.schema_arrow.equals(_schema()):
                raise InvalidInputError(
                    f"{path.name} does not have the columns of a file of faces", EXPORT_AGAIN
                )
            for batch in file.iter_batches(FACES_AT_ONCE):
                yield [_face(row, path) for row in batch.to_pylist()]
    except pyarrow.ArrowException as error:
        raise InvalidInputError(
            f"{path.name} is not a Parquet file of faces", EXPORT_AGAIN
        ) from error


def _face(row: dict[str, Any], path: Path) -> StoredFace:
    embedding = np.array(row.pop("embedding"), np.float32)
    try:
        checked_face_id(row["face_id"])
        record = from_columns(row)
    except (InvalidInputError, TypeError) as error:
        raise InvalidInputError(
            f"{path.name} has a row that is not a face", EXPORT_AGAIN
        ) from error
    if not _is_complete(row):
        raise InvalidInputError(
            f"{path.name} has a row with a value that is not valid for a face", EXPORT_AGAIN
        )
    if embedding.shape != (DIMENSIONS,) or not np.isfinite(embedding).all():
        raise InvalidInputError(f"{path.name} has a row without a valid embedding", EXPORT_AGAIN)
    return StoredFace(record, embedding)


def _is_complete(row: dict[str, Any]) -> bool:
    """Return whether a row has every text and number of a face, and its numbers are finite."""
    texts = (row[name] for name in TEXT_COLUMNS if name != "external_image_id")
    numbers = (row[name] for name in NUMBER_COLUMNS)
    return (
        all(text is not None for text in texts)
        and all(map(isfinite, numbers))
        and is_time(row["indexed_at"])
    )


def _names() -> tuple[str, ...]:
    return (*TEXT_COLUMNS, *_NUMBERS, "cohort_version")


def _schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow

    texts = [(name, pyarrow.string()) for name in TEXT_COLUMNS]
    numbers = [(name, pyarrow.float64()) for name in _NUMBERS]
    embedding = ("embedding", pyarrow.list_(pyarrow.float32(), DIMENSIONS))
    return pyarrow.schema([*texts, *numbers, ("cohort_version", pyarrow.string()), embedding])
