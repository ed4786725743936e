"""Compact codes of the embeddings of a namespace, in a file beside the database.

faiss computes 32 bytes for each face (product quantization, 64 parts of 4 bits: Andre, Kermarrec
and Le Scouarnec 2015, "Cache locality is not enough").
"""

from __future__ import annotations

import glob
import json
import os
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facerec.core.arrays import np
from facerec.core.faces import EMBEDDING_SIZE
from facerec.storage.scan import MAX_NORM
from facerec.storage.sqlite import blocks as embedding_blocks
from facerec.storage.sqlite.blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CHANGE = 0.2
"""Share of slots in changed blocks above which the index is rebuilt."""

PARTS, BITS = 64, 4
TRAINING_FACES = 65_536
MIN_FACES = 64
"""Minimum number of faces that an index is trained on."""

_HEAD_BYTES = 8


@dataclass(frozen=True, slots=True)
class CodeIndex:
    """Codes of the used slots of blocks, ordered by block.

    Attributes:
        blocks: The states of the blocks when their embeddings were read.
        slots: int64, shape (n,): the slot of each code.
        codes: An index of faiss.
    """

    blocks: tuple[Block, ...]
    slots: NDArray[np.int64]
    codes: Any


def is_available() -> bool:
    """Return whether faiss is installed: ``pip install '.[faiss]'`` in a clone."""
    return find_spec("faiss") is not None


def remove_indexes(database: Path) -> None:
    """Remove the indexes beside a file from the disk after a deletion.

    Indexes in memory stay. They may select a deleted face, but no search finds it, since its
    embedding is overwritten in the file.
    """
    for path in database.parent.glob(f"{glob.escape(database.name)}.index-*"):
        path.unlink(missing_ok=True)


def index_path(database: Path, namespace: int) -> Path:
    """Return the path of the index of a namespace."""
    return database.with_name(f"{database.name}.index-{namespace}")


def covers(index: CodeIndex, blocks: Sequence[Block]) -> bool:
    """Return whether an index is still usable: few of its blocks have changed."""
    changed = set(blocks).difference(index.blocks)
    gone = set(index.blocks).difference(blocks)
    total = sum(block.used for block in blocks)
    limit = MAX_CHANGE * total
    return sum(block.used for block in changed) <= limit and sum(b.used for b in gone) <= limit


def make_index(connection: sqlite3.Connection, blocks: Sequence[Block]) -> CodeIndex:
    """Train and fill an index for blocks."""
    import faiss

    faiss.omp_set_num_threads(1)
    total = sum(block.used for block in blocks)
    every = max(1, total // TRAINING_FACES)
    sample = [
        embeddings[_held(embeddings)][::every]
        for embeddings in (embedding_blocks.read_block(connection, block) for block in blocks)
    ]
    codes = faiss.IndexPQFastScan(EMBEDDING_SIZE, PARTS, BITS)
    codes.verbose = False
    codes.train(np.ascontiguousarray(np.concatenate(sample)))
    del sample
    for block in blocks:
        embeddings = embedding_blocks.read_block(connection, block).copy()
        # A free slot needs a code; its embedding is far from everything.
        embeddings[~_held(embeddings)] = 0
        codes.add(embeddings)
    return CodeIndex(tuple(blocks), _slots(blocks), codes)


def _held(embeddings: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return a mask of the rows that are embeddings rather than free slots."""
    held: NDArray[np.bool_] = embeddings[:, 0] < MAX_NORM
    return held


def _slots(blocks: Sequence[Block]) -> NDArray[np.int64]:
    return np.concatenate(
        [np.arange(block.first_slot, block.first_slot + block.used) for block in blocks]
    )


def save_index(index: CodeIndex, path: Path) -> None:
    """Write an index atomically, under a temporary name that is renamed.

    Raises:
        OSError: The file cannot be written.
    """
    import faiss

    head = json.dumps(index.blocks).encode()
    file, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(len(head).to_bytes(_HEAD_BYTES))
            stream.write(head)
            stream.write(faiss.serialize_index(index.codes).tobytes())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_index(path: Path) -> CodeIndex | None:
    """Read an index; return None if it does not exist or cannot be read."""
    import faiss

    try:
        content = path.read_bytes()
        size = int.from_bytes(content[:_HEAD_BYTES])
        head = json.loads(content[_HEAD_BYTES : _HEAD_BYTES + size])
        blocks = tuple(Block(*block) for block in head)
        codes = faiss.deserialize_index(np.frombuffer(content, np.uint8)[_HEAD_BYTES + size :])
        slots = _slots(blocks)
    except (OSError, ValueError, TypeError, RuntimeError):
        return None
    return CodeIndex(blocks, slots, codes) if codes.ntotal == len(slots) else None
