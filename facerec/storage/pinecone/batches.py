"""Splits vectors into upserts within Pinecone's limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from facerec.core.arrays import np
from facerec.storage.pinecone.limits import BYTES_OF_METADATA, BYTES_PER_UPSERT, VECTORS_PER_UPSERT

if TYPE_CHECKING:
    from facerec.core.vectors import Vector

Record = dict[str, Any]

_VALUE_BYTES = 17
"""Maximum size of a float32 in JSON: sign, 9 digits, point, exponent, comma."""

_FRAME_BYTES = 100
"""Size of the id, field names and brackets of a record."""


def upserts(groups: Mapping[str, Sequence[Vector]]) -> Iterator[list[Record]]:
    """Yield the records of each upsert. A group is split only if it is too large for one upsert.

    Raises:
        ValueError: The metadata of a vector is too long.
    """
    batch: list[Record] = []
    batch_bytes = 0
    for vectors in groups.values():
        sizes = [_checked_size(vector) for vector in vectors]
        if batch and not _fits(len(batch) + len(vectors), batch_bytes + sum(sizes)):
            yield batch
            batch, batch_bytes = [], 0
        for vector, size in zip(vectors, sizes, strict=True):
            if not _fits(len(batch) + 1, batch_bytes + size):
                yield batch
                batch, batch_bytes = [], 0
            batch.append(_record(vector))
            batch_bytes += size
    if batch:
        yield batch


def _fits(vectors: int, size: int) -> bool:
    return vectors <= VECTORS_PER_UPSERT and size <= BYTES_PER_UPSERT


def _checked_size(vector: Vector) -> int:
    size = len(json.dumps(vector.metadata, ensure_ascii=False).encode())
    if size > BYTES_OF_METADATA:
        raise ValueError(
            f"the source and external image id of {vector.id} are too long: "
            f"{size} bytes of metadata, at most {BYTES_OF_METADATA}"
        )
    return size + vector.values.size * _VALUE_BYTES + _FRAME_BYTES


def _record(vector: Vector) -> Record:
    # Nine digits restore a float32 exactly, whereas the equal float64 has 17: this halves the
    # size of a record.
    values = vector.values.astype(np.str_).astype(np.float64).tolist()
    return {"id": vector.id, "values": values, "metadata": vector.metadata}
