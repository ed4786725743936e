"""Faces as records of upserts that keep within Pinecone's limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from facerec.core.records import StoredFace
from facerec.storage.pinecone.limits import BYTES_OF_METADATA, BYTES_PER_UPSERT, FACES_PER_UPSERT
from facerec.storage.pinecone.metadata import Metadata, to_metadata

Item = TypeVar("Item")
Record = dict[str, Any]

_VALUE_BYTES = 17
"""The longest that a float32 gets in JSON: sign, 9 digits, point, exponent, comma."""

_FRAME_BYTES = 100
"""The id, the names of the fields and the brackets of one record."""


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of ``size``, the last one shorter."""
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def upserts(images: Mapping[str, Sequence[StoredFace]]) -> Iterator[list[Record]]:
    """Yield the records of each upsert; no image is divided unless it fills one alone.

    Raises:
        ValueError: the metadata of a face is too long.
    """
    batch: list[Record] = []
    batch_bytes = 0
    for faces in images.values():
        described = [(face, to_metadata(face.record)) for face in faces]
        sizes = [_checked_size(face, metadata) for face, metadata in described]
        if batch and not _fits(len(batch) + len(faces), batch_bytes + sum(sizes)):
            yield batch
            batch, batch_bytes = [], 0
        for (face, metadata), size in zip(described, sizes, strict=True):
            if not _fits(len(batch) + 1, batch_bytes + size):
                yield batch
                batch, batch_bytes = [], 0
            batch.append(_record(face, metadata))
            batch_bytes += size
    if batch:
        yield batch


def _fits(faces: int, size: int) -> bool:
    return faces <= FACES_PER_UPSERT and size <= BYTES_PER_UPSERT


def _checked_size(face: StoredFace, metadata: Metadata) -> int:
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > BYTES_OF_METADATA:
        raise ValueError(
            f"source and external image id of face {face.record.face_id} are too long: "
            f"{size} bytes of metadata, at most {BYTES_OF_METADATA}"
        )
    return size + face.embedding.size * _VALUE_BYTES + _FRAME_BYTES


def _record(face: StoredFace, metadata: Metadata) -> Record:
    # The shortest text that gives the same float32 again is 9 digits long, that of the equal
    # float64 17: so a record takes half the bytes, and the embedding still comes back unchanged.
    values = face.embedding.astype(np.str_).astype(np.float64).tolist()
    return {"id": face.record.face_id, "values": values, "metadata": metadata}
