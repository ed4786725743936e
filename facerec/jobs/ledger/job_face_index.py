"""The face index of a complete job, which finds the children that name a face, sorted by face id.

It makes the cost of deleting a face independent of the number of photos of the job. For a job on
one machine, it is written when the job is complete; otherwise, the first deletion that needs it
writes it. A complete child is never processed again, so the index stays valid. It may list a child
that no longer names the face, but never lacks one that does.

Format: ``index/sorted.json``, written last, contains the number of entries in each of the files
``index/sorted-N``. An entry is the first 8 bytes of a face id and the number of the child in 4
bytes, big-endian. Ids derive from a hash, so the position of an id can be estimated from its value:
a look-up reads one short range.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.ids import PREFIX_BYTES
from facerec.core.limits import MAX_JSON_BYTES, MAX_LEDGER_FILE_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import FacerecError, NewerReleaseError
from facerec.jobs.ledger.face_index import id_prefixes, likely_entries, read_face_index
from facerec.jobs.ledger.layout import (
    job_face_index_uri,
    ledger_folder,
    sorted_faces_uri,
    summaries_folder,
)
from facerec.jobs.prefetch import read_ahead

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

MAX_ENTRIES = 1 << 22
"""Approximate number of entries of a file; they are sorted in memory, 12 bytes each."""

MAX_LOOKUPS = 64
"""Maximum number of faces to look up by reading ranges of a file; for more, the whole file is
read."""

READERS = 16
"""Number of files to read concurrently."""

_ENTRY_BYTES = PREFIX_BYTES + 4


def write_job_face_index(objects: ObjectStore, job_folder: str, children: int) -> bool:
    """Write the face index of a complete job, unless it exists.

    Args:
        objects: Contains the job folder.
        job_folder: Uri of the folder, with the final ``/``.
        children: Number of children of the job.

    Returns:
        Whether the index exists now: it is not written while a child is incomplete or a segment is
        damaged, or for a job with one child, whose own index is sufficient.
    """
    if children < 2:
        return False
    if _sizes(objects, job_folder) is not None:
        return True
    summaries = (PurePosixPath(found.uri) for found in objects.list(summaries_folder(job_folder)))
    if sum(path.suffix == ".json" for path in summaries) < children:
        return False

    def read(child: int) -> tuple[int, bytes]:
        return child, ids_of_child(objects, job_folder, child)

    found = read_ahead(
        range(children),
        read,
        lambda _: 1,
        threads=READERS,
        max_items=2 * READERS,
        max_weight=2 * READERS,
    )
    sizes = []
    try:
        for number, content in enumerate(_sorted_files(found)):
            objects.write(sorted_faces_uri(job_folder, number), content)
            sizes.append(len(content) // _ENTRY_BYTES)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    objects.write(job_face_index_uri(job_folder), json.dumps({"files": sizes}).encode())
    return True


def children_of_faces(
    objects: ObjectStore, job_folder: str, prefixes: Sequence[bytes]
) -> set[int] | None:
    """Return the children of a job that may name one of the given faces.

    Args:
        objects: Contains the job folder.
        job_folder: Uri of the folder, with the final ``/``.
        prefixes: Result of ``id_prefixes`` for the faces.

    Returns:
        None if there is no index, or it is damaged or cannot be read; then any child may name them.
        Such an index is deleted.

    Raises:
        NewerReleaseError: A newer release has written the index.
    """
    sizes = _sizes(objects, job_folder)
    if sizes is None:
        return None
    children: set[int] = set()
    for number, size in enumerate(sizes):
        try:
            children |= _look_up(objects, sorted_faces_uri(job_folder, number), size, prefixes)
        except (FacerecError, ValueError):
            objects.delete(job_face_index_uri(job_folder))
            return None
    return children


def _sizes(objects: ObjectStore, job_folder: str) -> list[int] | None:
    try:
        uri = job_face_index_uri(job_folder)
        sizes = stored_json(objects.read(uri, end=MAX_JSON_BYTES), uri)["files"]
    except NewerReleaseError:
        raise
    except (FacerecError, ValueError, KeyError, TypeError):
        return None
    is_valid = isinstance(sizes, list) and all(isinstance(size, int) for size in sizes)
    return sizes if is_valid else None


def ids_of_child(objects: ObjectStore, job_folder: str, child: int) -> bytes:
    """Return the first ``PREFIX_BYTES`` of each face id that a complete child names.

    Raises:
        ValueError, KeyError, TypeError or AttributeError: The child's index is missing, and a
        segment is damaged.
    """
    segments = read_face_index(objects, job_folder, child)
    if segments is not None:
        return b"".join(segment.ids for segment in segments)
    # Rows of any release have these members.
    found = objects.list(ledger_folder(job_folder, child))
    files = (file.uri for file in found if file.uri.endswith(".jsonl"))
    lines = (
        line
        for uri in files
        for line in objects.read(uri, end=MAX_LEDGER_FILE_BYTES).splitlines()[1:]
    )
    rows = map(json.loads, lines)
    faces = (face for row in rows for name in ("faces", "kept") for face in row.get(name, ()))
    return b"".join(id_prefixes(face["face_id"] for face in faces))


def _sorted_files(children: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    """Yield the entries of all children in files, each sorted."""
    waiting: list[np.ndarray] = []
    for child, ids in children:
        waiting.append(_entries(child, ids))
        if sum(map(len, waiting)) >= MAX_ENTRIES:
            yield _sorted_file(waiting)
            waiting = []
    if waiting:
        yield _sorted_file(waiting)


def _entry_type() -> np.dtype:
    return np.dtype([("id", f">u{PREFIX_BYTES}"), ("child", ">u4")])


def _entries(child: int, ids: bytes) -> np.ndarray:
    found = np.frombuffer(ids, f">u{PREFIX_BYTES}")
    entries = np.empty(len(found), _entry_type())
    entries["id"], entries["child"] = found, child
    return entries


def _sorted_file(entries: Sequence[np.ndarray]) -> bytes:
    # Without the type, numpy would use the byte order of the machine.
    everything = np.concatenate(entries, dtype=_entry_type())
    order = np.argsort(everything["id"].astype(np.uint64), kind="stable")
    return everything[order].tobytes()


def _look_up(objects: ObjectStore, uri: str, size: int, prefixes: Sequence[bytes]) -> set[int]:
    """Return the children that a file lists for the given faces.

    Raises:
        ObjectNotFoundError: The file is missing.
        ValueError: The file does not contain ``size`` entries.
    """
    if len(prefixes) > MAX_LOOKUPS:
        return _children_in(_read(objects, uri, 0, size), prefixes)
    children: set[int] = set()
    for prefix in prefixes:
        start, end = likely_entries(prefix, size)
        entries = _read(objects, uri, start, end)
        ids = entries["id"]
        value = int.from_bytes(prefix)
        if not ((start == 0 or ids[0] < value) and (end == size or ids[-1] > value)):
            entries = _read(objects, uri, 0, size)
        children |= _children_in(entries, [prefix])
    return children


def _read(objects: ObjectStore, uri: str, start: int, end: int) -> np.ndarray:
    content = objects.read(uri, start=start * _ENTRY_BYTES, end=end * _ENTRY_BYTES)
    if len(content) != (end - start) * _ENTRY_BYTES:
        raise ValueError(f"{uri} is cut off")
    return np.frombuffer(content, _entry_type())


def _children_in(entries: np.ndarray, prefixes: Sequence[bytes]) -> set[int]:
    ids = entries["id"].astype(np.uint64)
    wanted = np.array([int.from_bytes(prefix) for prefix in prefixes], np.uint64)
    first = np.searchsorted(ids, wanted, "left")
    last = np.searchsorted(ids, wanted, "right")
    return {
        int(child)
        for begin, end in zip(first, last, strict=True)
        for child in entries["child"][begin:end]
    }
