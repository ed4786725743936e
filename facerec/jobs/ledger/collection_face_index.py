"""The face index of a collection, which finds the jobs that name a face.

It makes the cost of deleting a face independent of the number of earlier jobs. Only the folders of
jobs that name the face, or that the index does not cover, are searched. The index covers complete
jobs, since these never name further faces. It does not cover jobs with many children, which have an
index of their own (``job_face_index``). It may list a job that no longer names the face, but never
lacks one that does.

Format: ``faces.json`` beside the remembered photos of the collection contains the names of the
files ``faces-...``, their numbers of entries, and the digests of the jobs that it covers. An entry
is the first 8 bytes of a face id and the digest of the job, the first 8 bytes of the SHA-256 of its
id. Files are sorted and never changed. Small ones are merged, so that there are few. If two
processes extend the index concurrently, the jobs that one of them has added stay uncovered until a
deletion has searched them. This module uses no numpy, so that the plan function can use it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from bisect import bisect_left
from typing import TYPE_CHECKING

from facerec.core.ids import PREFIX_BYTES
from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import FacerecError, NewerReleaseError, ObjectNotFoundError
from facerec.jobs.ledger.face_index import likely_entries
from facerec.jobs.ledger.layout import memory_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from facerec.storage.objects.protocol import ObjectStore

DIGEST_BYTES = 8
"""Size of the digest of a job in bytes."""

ENTRY_BYTES = PREFIX_BYTES + DIGEST_BYTES

MERGED_ENTRIES = 1 << 14
"""Number of entries up to which a file is merged with each addition: 256 KiB."""

MAX_ENTRIES = 1 << 20
"""Maximum number of entries of a file: they are sorted in memory."""

MAX_LOOKUPS = 64
"""Maximum number of faces to look up by reading ranges of a file; for more, the whole file is
read."""


class CollectionFaceIndex:
    """The face index of a collection."""

    def __init__(self, objects: ObjectStore, jobs_root: str, collection_id: str) -> None:
        """Open the index, with one request; a missing, damaged or unreadable one covers nothing.

        Args:
            objects: Contains the job folders.
            jobs_root: Parent of all job folders, with the final ``/``.
            collection_id: The collection.

        Raises:
            NewerReleaseError: A newer release has written the index.
        """
        self._objects, self._folder = objects, memory_folder(jobs_root, collection_id)
        self._files: list[tuple[str, int]] = []
        self._covered: set[bytes] = set()
        self._is_unreadable = False
        self._open()

    def covers(self, job_id: str) -> bool:
        """Return whether the index lists all faces that a job names."""
        return _digest(job_id) in self._covered

    def may_name(self, prefixes: Sequence[bytes]) -> Callable[[str], bool]:
        """Look up faces, and return a predicate that is true for the jobs that may name one.

        It is also true for jobs that the index does not cover.

        Args:
            prefixes: Result of ``id_prefixes`` for the faces.
        """
        try:
            named = self._look_up(prefixes)
        except (FacerecError, ValueError):
            # Another process has merged the files, or one is damaged or cannot be read.
            self._open()
            try:
                named = self._look_up(prefixes)
            except (FacerecError, ValueError):
                self._files, self._covered, named = [], set(), set()
        covered = frozenset(self._covered)
        return lambda job_id: (digest := _digest(job_id)) in named or digest not in covered

    def add(self, jobs: Mapping[str, bytes]) -> None:
        """Add complete jobs, so that the index covers them.

        If the collection was deleted concurrently, the index is deleted again.

        Args:
            jobs: The first ``PREFIX_BYTES`` of the id of each face that a job names, by job id.
        """
        if not jobs:
            return
        digests = {job_id: _digest(job_id) for job_id in jobs}
        entries = sorted(
            {
                ids[start : start + PREFIX_BYTES] + digests[job_id]
                for job_id, ids in jobs.items()
                for start in range(0, len(ids), PREFIX_BYTES)
            }
        )
        merged = self._merge(entries)
        self._covered.update(digests.values())
        if entries:
            name = f"faces-{secrets.token_hex(8)}"
            self._objects.write(self._folder + name, b"".join(entries))
            self._files.append((name, len(entries)))
        self._write()
        for name in merged:
            self._objects.delete(self._folder + name)
        if next(iter(self._objects.folders(self._folder)), None) is None:
            # The collection was deleted in the meantime.
            self.delete()

    def remove(self, job_id: str) -> None:
        """Stop covering a job that will be deleted, or that has turned out to be incomplete.

        An index that cannot be read may cover the job, and is deleted.
        """
        if self._is_unreadable:
            self.delete()
        elif self.covers(job_id):
            self._covered.discard(_digest(job_id))
            self._write()

    def forget_others(self, job_ids: Iterable[str]) -> None:
        """Stop covering all other jobs, so that the leftovers of deleted jobs are searched.

        Args:
            job_ids: Ids of all jobs, as listed after this index was opened.
        """
        covered = self._covered.intersection(map(_digest, job_ids))
        if covered != self._covered:
            self._covered = covered
            self._write()

    def delete(self) -> None:
        """Delete the index; then each job is searched, until it is covered again."""
        self._files, self._covered, self._is_unreadable = [], set(), False
        self._objects.delete(self._index)
        for found in list(self._objects.list(f"{self._folder}faces-")):
            self._objects.delete(found.uri)

    @property
    def _index(self) -> str:
        return f"{self._folder}faces.json"

    def _open(self) -> None:
        self._files, self._covered, self._is_unreadable = [], set(), False
        try:
            content = self._objects.read(self._index, end=MAX_LEDGER_FILE_BYTES)
            document = stored_json(content, self._index)
            covered = base64.b64decode(document["jobs"], validate=True)
            files = [(str(name), int(entries)) for name, entries in document["files"]]
        except NewerReleaseError:
            raise
        except (ObjectNotFoundError, ValueError, KeyError, TypeError, OverflowError):
            return
        except FacerecError:
            self._is_unreadable = True
            return
        self._files, self._covered = files, set(_split(covered, DIGEST_BYTES))

    def _write(self) -> None:
        covered = base64.b64encode(b"".join(sorted(self._covered))).decode()
        document = {"files": self._files, "jobs": covered}
        self._objects.write(self._index, json.dumps(document).encode())

    def _merge(self, entries: list[bytes]) -> list[str]:
        """Add the entries of small files to ``entries``; return the names of the small files.

        If a file is missing, damaged or unreadable, nothing is covered any more.
        """
        merged: list[str] = []
        try:
            while entries and self._files:
                name, size = self._files[-1]
                if size > max(len(entries), MERGED_ENTRIES) or size + len(entries) > MAX_ENTRIES:
                    break
                entries += _split(self._read(name, size, 0, size), ENTRY_BYTES)
                merged.append(name)
                del self._files[-1]
        except (FacerecError, ValueError):
            self._files, self._covered = [], set()
        entries.sort()
        return merged

    def _look_up(self, prefixes: Sequence[bytes]) -> set[bytes]:
        """Return the digests of the jobs that the index lists for faces.

        Raises:
            FacerecError: A file is missing, or cannot be read.
            ValueError: A file does not have its number of entries.
        """
        found: set[bytes] = set()
        for name, size in self._files:
            if size <= MERGED_ENTRIES or len(prefixes) > MAX_LOOKUPS:
                found.update(_digests_in(self._read(name, size, 0, size), prefixes))
                continue
            for prefix in prefixes:
                start, end = likely_entries(prefix, size)
                content = self._read(name, size, start, end)
                before = start == 0 or content[:PREFIX_BYTES] < prefix
                after = end == size or content[-ENTRY_BYTES:][:PREFIX_BYTES] > prefix
                if not (before and after):
                    content = self._read(name, size, 0, size)
                found.update(_digests_in(content, [prefix]))
        return found

    def _read(self, name: str, size: int, start: int, end: int) -> bytes:
        whole = (start, end) == (0, size)
        content = self._objects.read(
            self._folder + name, start=ENTRY_BYTES * start, end=ENTRY_BYTES * end + whole
        )
        if len(content) != ENTRY_BYTES * (end - start):
            raise ValueError(f"{name} does not have {size} entries")
        return content


def _digest(job_id: str) -> bytes:
    return hashlib.sha256(job_id.encode("utf-8", "surrogateescape")).digest()[:DIGEST_BYTES]


def _split(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def _digests_in(content: bytes, prefixes: Collection[bytes]) -> Iterator[bytes]:
    """Yield the digests of the sorted entries that have one of the given prefixes."""
    entries = range(len(content) // ENTRY_BYTES)

    def prefix_at(entry: int) -> bytes:
        return content[ENTRY_BYTES * entry : ENTRY_BYTES * entry + PREFIX_BYTES]

    for prefix in prefixes:
        entry = bisect_left(entries, prefix, key=prefix_at)
        while entry < len(entries) and prefix_at(entry) == prefix:
            yield content[ENTRY_BYTES * entry + PREFIX_BYTES : ENTRY_BYTES * (entry + 1)]
            entry += 1
