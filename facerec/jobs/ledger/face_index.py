"""The face index of a complete child, which finds the segments and embeddings of a face.

With the index, an erasure does not have to read all files of a child. It contains the first 8 bytes
of each face id, which identify the photo. An index may contain faces that no segment names any
more, but never lacks a face that a segment names. Embeddings files that it does not list were left
by an attempt that was overtaken; these are read.

Format: a line of JSON, ``{"segments": [[start, embeddings, faces], ...]}``, and the ids of the
segments in turn, 8 bytes each. ``start`` is the offset at which a segment starts, ``embeddings``
the path of its embeddings in the job folder or null, and ``faces`` the number of its ids. Earlier
releases wrote ``files`` without the segments; such an index is ignored.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

from facerec.core.ids import PREFIX_BYTES, is_uuid, prefix_of
from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import FacerecError, NewerReleaseError
from facerec.jobs.ledger.layout import face_index_uri

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class SegmentFaces:
    """The faces that the rows of a segment name.

    Attributes:
        start: Offset at which the segment starts.
        embeddings: Path of its embeddings in the job folder; None if there are none.
        ids: The first ``PREFIX_BYTES`` of each face id.
    """

    start: int
    embeddings: str | None
    ids: bytes

    def may_name(self, prefixes: Collection[bytes]) -> bool:
        """Return whether the segment may name a face with one of the given prefixes of ids."""
        # A match across two ids only causes an unnecessary read of a file.
        return any(prefix in self.ids for prefix in prefixes)


def id_prefixes(face_ids: Iterable[str]) -> list[bytes]:
    """Return the prefixes of face ids (``core.ids``), each once, in order; skip other texts."""
    return sorted({prefix_of(face_id) for face_id in face_ids if is_uuid(face_id)})


def likely_entries(prefix: bytes, entries: int) -> tuple[int, int]:
    """Return the range of sorted entries that most likely contains a prefix.

    Ids are random, so the position of an id deviates from its value by at most half the square root
    of the number of entries on average.
    """
    middle = int.from_bytes(prefix) * entries >> 8 * PREFIX_BYTES
    reach = 64 + 4 * isqrt(entries)
    return max(0, middle - reach), min(entries, middle + reach)


def write_face_index(
    objects: ObjectStore, job_folder: str, child: int, segments: Sequence[SegmentFaces]
) -> None:
    """Write the index of a complete child.

    Args:
        objects: Contains the job folder.
        job_folder: Uri of the folder, with the final ``/``.
        child: The child.
        segments: Segments that name faces.
    """
    sizes = [[each.start, each.embeddings, len(each.ids) // PREFIX_BYTES] for each in segments]
    head = json.dumps({"segments": sizes}).encode()
    ids = b"".join(segment.ids for segment in segments)
    objects.write(face_index_uri(job_folder, child), head + b"\n" + ids)


def read_face_index(objects: ObjectStore, job_folder: str, child: int) -> list[SegmentFaces] | None:
    """Return the segments of a complete child that name faces.

    Returns:
        None if there is no index or it cannot be read; then every file must be read.

    Raises:
        NewerReleaseError: A newer release has written the index.
    """
    try:
        uri = face_index_uri(job_folder, child)
        head, _, ids = objects.read(uri, end=MAX_LEDGER_FILE_BYTES).partition(b"\n")
        sizes = stored_json(head, uri)["segments"]
        if sum(faces for _, _, faces in sizes) * PREFIX_BYTES != len(ids):
            return None
    except NewerReleaseError:
        raise
    except (FacerecError, ValueError, KeyError, TypeError):
        return None
    segments, begin = [], 0
    for start, embeddings, faces in sizes:
        end = begin + faces * PREFIX_BYTES
        segments.append(SegmentFaces(start, embeddings, ids[begin:end]))
        begin = end
    return segments
