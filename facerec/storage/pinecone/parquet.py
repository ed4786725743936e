"""Vectors as Parquet files that Pinecone can import.

The columns are ``id``, ``values`` and ``metadata``, a JSON object as text:
https://docs.pinecone.io/guides/index-data/import-data. The files are neither compressed nor encoded
with dictionaries, so that the check of an erasure finds ids and embeddings in them. Requires
pyarrow.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from facerec.core.arrays import np
from facerec.storage.face_table import require_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from facerec.core.vectors import Vector


class ImportFile:
    """A Parquet file that is being written; each call of ``write`` adds a row group.

    The file is complete when the ``with`` block ends.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._writer = require_parquet().ParquetWriter(
            path, _schema(), compression="none", use_dictionary=False, write_statistics=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    def write(self, vectors: Sequence[Vector]) -> None:
        """Add vectors, at least one; they are in memory twice until the call returns."""
        import pyarrow

        values = np.concatenate([vector.values for vector in vectors]).astype(np.float32)
        sizes = [0, *(vector.values.size for vector in vectors)]
        lists = pyarrow.ListArray.from_arrays(
            pyarrow.array(np.cumsum(sizes), pyarrow.int32()),
            pyarrow.array(values, pyarrow.float32()),
        )
        ids = pyarrow.array([vector.id for vector in vectors], pyarrow.string())
        texts = [json.dumps(vector.metadata, ensure_ascii=False) for vector in vectors]
        table = pyarrow.Table.from_arrays(
            [ids, lists, pyarrow.array(texts, pyarrow.string())], schema=_schema()
        )
        self._writer.write_table(table)


def _schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow

    return pyarrow.schema(
        [
            ("id", pyarrow.string()),
            ("values", pyarrow.list_(pyarrow.float32())),
            ("metadata", pyarrow.string()),
        ]
    )
