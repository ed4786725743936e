"""Reads and writes embeddings in a job folder, from which a store can be rebuilt.

A file is written by ``numpy.savez`` and contains ``embeddings``, float32 of shape (n, 128), and
``records``, bytes of UTF-8: n lines of JSON with the columns of each face's record
(``facerec.storage.columns``).

numpy is imported when a file is read or written: commands that only list jobs start without it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.faces import EMBEDDING_SIZE
from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.core.records import StoredFace
from facerec.core.stored_json import require_known_format
from facerec.errors import JobFileError
from facerec.storage.columns import from_columns, to_columns

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


def write_embeddings(objects: ObjectStore, uri: str, faces: Sequence[StoredFace]) -> None:
    """Write a file of faces with their embeddings."""
    objects.write(uri, embeddings_content(faces))


def embeddings_content(faces: Sequence[StoredFace]) -> bytes:
    """Return the content of a file of faces with their embeddings."""
    records = "".join(json.dumps(to_columns(face.record)) + "\n" for face in faces)
    embeddings = np.array([face.embedding for face in faces], np.float32)
    file = io.BytesIO()
    np.savez(
        file,
        embeddings=embeddings.reshape(-1, EMBEDDING_SIZE),
        records=np.frombuffer(records.encode(), np.uint8),
    )
    return file.getvalue()


def read_embeddings(objects: ObjectStore, uri: str) -> list[StoredFace]:
    """Read a file of faces with their embeddings.

    Raises:
        ObjectNotFoundError: The file does not exist.
        JobFileError: The file is not a complete file of embeddings.
    """
    return parse_embeddings(objects.read(uri, end=MAX_LEDGER_FILE_BYTES), uri)


def parse_embeddings(content: bytes, uri: str) -> list[StoredFace]:
    """Return the faces of the content of a file.

    Raises:
        JobFileError: The content is not a complete file of embeddings.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if "format" in file.files:
                require_known_format(int(file["format"]), uri)
            embeddings = file["embeddings"]
            lines = file["records"].tobytes().splitlines()
            return [
                StoredFace(from_columns(json.loads(line)), embedding)
                for line, embedding in zip(lines, embeddings, strict=True)
            ]
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise JobFileError(uri, "is not a valid file of embeddings") from error
