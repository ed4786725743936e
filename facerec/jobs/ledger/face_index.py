"""Which faces each embeddings file of a complete child contains.

The index spares an erasure the reading of all files of a job: it holds the first 8 bytes of each
face id, which name the photo. An index may name faces that a file does not contain, or no longer
contains, and never leaves one out. Files that it does not name were left by an attempt that was
overtaken, and are read.

Format: a line of JSON, ``{"files": [[name, faces], ...]}`` with names below the folder of the
child's embeddings, and the ids of the files in turn, 8 bytes each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from facerec.errors import ObjectNotFoundError
from facerec.jobs.ledger.layout import embeddings_folder, face_index_uri
from facerec.storage.objects.protocol import ObjectStore

_ID_BYTES = 8

_FACE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def id_prefixes(face_ids: Iterable[str]) -> list[bytes]:
    """Return the first bytes of face ids, each once, in order; other texts are passed over."""
    return sorted(
        {
            bytes.fromhex(face_id.replace("-", ""))[:_ID_BYTES]
            for face_id in face_ids
            if _FACE_ID.fullmatch(face_id)
        }
    )


def write_face_index(
    objects: ObjectStore, job_folder: str, child: int, files: Mapping[str, Sequence[bytes]]
) -> None:
    """Write the index of a complete child.

    Args:
        objects: contains the job folder.
        job_folder: uri of the folder, with the final ``/``.
        child: the child.
        files: what ``id_prefixes`` returns for each file, by its path in the job folder.
    """
    folder = embeddings_folder("", child)
    sizes = [[name.removeprefix(folder), len(prefixes)] for name, prefixes in files.items()]
    head = json.dumps({"files": sizes}).encode()
    ids = b"".join(prefix for prefixes in files.values() for prefix in prefixes)
    objects.write(face_index_uri(job_folder, child), head + b"\n" + ids)


def read_face_index(
    objects: ObjectStore, job_folder: str, child: int, prefixes: Collection[bytes]
) -> dict[str, bool]:
    """Return, for each file that an index names, whether it may contain one of the faces.

    Args:
        objects: contains the job folder.
        job_folder: uri of the folder, with the final ``/``.
        child: the child.
        prefixes: what ``id_prefixes`` returns for the faces.

    Returns:
        Whether a file must be read, by its path in the job folder. Empty if there is no index, or
        if it cannot be read: then every file must be read.
    """
    try:
        head, _, ids = objects.read(face_index_uri(job_folder, child)).partition(b"\n")
        sizes = json.loads(head)["files"]
        if sum(faces for _, faces in sizes) * _ID_BYTES != len(ids):
            return {}
    except (ObjectNotFoundError, ValueError, KeyError, TypeError):
        return {}
    found, start = {}, 0
    for name, faces in sizes:
        end = start + faces * _ID_BYTES
        part = ids[start:end]
        # a match across two ids only means that a file is read without need
        found[embeddings_folder("", child) + name] = any(prefix in part for prefix in prefixes)
        start = end
    return found
