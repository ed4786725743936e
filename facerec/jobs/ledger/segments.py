"""The ledger of a child: a chain of write-once segments.

A segment is named by the cursor at which it starts and contains the cursor at which it ends. It is
written only if no segment of that name exists. So the segments of a child are always one chain
without gap or overlap, even if several attempts append to it concurrently. If two attempts append
the same segment, the later one reads the other's segment and continues from its end. See
``facerec.jobs.child.segment_writer``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import JobFileError
from facerec.jobs.ledger.layout import ledger_folder, segment_uri
from facerec.jobs.ledger.rows import LedgerRow, row_from_json
from facerec.jobs.manifest.cursor import Cursor

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class Segment:
    """A ledger segment, the record of one step.

    Attributes:
        child: The child.
        start: Cursor in the child's slice at which the step started.
        end: Cursor at which the step ended.
        rows: One row for each line between ``start`` and ``end`` that is not blank.
        embeddings: Path, in the job folder, of the file with the embeddings of the faces that the
            rows name as indexed; None if there are none.
        started: Start of the step, seconds since 1970, UTC.
        finished: End of the step, seconds since 1970, UTC.
    """

    child: int
    start: Cursor
    end: Cursor
    rows: tuple[LedgerRow, ...]
    embeddings: str | None
    started: float
    finished: float


def write_segment(objects: ObjectStore, job_folder: str, segment: Segment) -> bool:
    """Write a segment unless one with the same start exists; return whether it was written."""
    header = {
        "child": segment.child,
        "start": asdict(segment.start),
        "end": asdict(segment.end),
        "rows": len(segment.rows),
        "embeddings": segment.embeddings,
        "started": round(segment.started, 3),
        "finished": round(segment.finished, 3),
    }
    lines = [{"segment": header}, *(row.to_json() for row in segment.rows)]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    uri = segment_uri(job_folder, segment.child, segment.start.offset)
    return objects.write(uri, content, if_absent=True)


def read_segment(objects: ObjectStore, uri: str) -> Segment:
    """Read a segment.

    Raises:
        ObjectNotFoundError: The segment does not exist.
        JobFileError: The object is not a segment.
    """
    try:
        first, *others = objects.read(uri, end=MAX_LEDGER_FILE_BYTES).splitlines()
        header = stored_json(first, uri)["segment"]
        rows = tuple(row_from_json(json.loads(line)) for line in others)
        return Segment(
            header["child"],
            Cursor(**header["start"]),
            Cursor(**header["end"]),
            rows,
            header["embeddings"],
            header["started"],
            header["finished"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise JobFileError(uri, "is not a valid ledger segment") from error


def read_segments(
    objects: ObjectStore, job_folder: str, child: int, *, since: int = 0
) -> Iterator[Segment]:
    """Yield the segments of a child's ledger in order, one in memory at a time.

    Args:
        objects: Contains the job folder.
        job_folder: Uri of the folder, with the final ``/``.
        child: The child.
        since: Skip segments that start before this offset.

    Raises:
        JobFileError: A segment is damaged.
        ObjectNotFoundError: The job was deleted during the iteration.
    """
    for uri in list_segments(objects, job_folder, child, since=since):
        yield read_segment(objects, uri)


def list_segments(
    objects: ObjectStore, job_folder: str, child: int, *, since: int = 0
) -> list[str]:
    """Return the addresses of the segments of a child's ledger, in order.

    Args:
        objects: Contains the job folder.
        job_folder: Uri of the folder, with the final ``/``.
        child: The child.
        since: Skip segments that start before this offset.
    """
    first = segment_uri(job_folder, child, since)
    return [
        found.uri
        for found in objects.list(ledger_folder(job_folder, child))
        # The name of a partial file left by a killed process does not end in .jsonl.
        if found.uri.endswith(".jsonl") and found.uri >= first
    ]
