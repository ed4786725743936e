"""The ledger of a child: parts that follow one another, each written once and never changed.

A part is named by the position it begins at, and says at which one it ends. Attempts write their
parts on condition that there is none of that name yet. So the parts of a child always are one
chain without gap or overlap, whatever happens to attempts and however many run at once: the
attempt that comes second takes the other's part for its own and goes on where that ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from facerec.errors import InvalidInputError
from facerec.jobs.ledger.layout import ledger_folder, part_uri
from facerec.jobs.ledger.rows import LedgerRow, row_from_json
from facerec.jobs.manifest.slices import Position
from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """What a child did in one step.

    Attributes:
        child: the child.
        start: where in its slice the step began.
        end: where it ended.
        rows: one for each line between the two that is not blank.
        embeddings: the uri, without the job's folder, of the file that holds the embeddings of
            the faces that the rows name as indexed; None where there are none.
        started: seconds since 1970, UTC.
        finished: seconds since 1970, UTC.
    """

    child: int
    start: Position
    end: Position
    rows: tuple[LedgerRow, ...]
    embeddings: str | None
    started: float
    finished: float


def write_part(objects: ObjectStore, job_folder: str, part: LedgerPart) -> bool:
    """Write a part unless there is one of its start.

    Returns:
        Whether it was written.
    """
    header = {
        "child": part.child,
        "start": asdict(part.start),
        "end": asdict(part.end),
        "rows": len(part.rows),
        "embeddings": part.embeddings,
        "started": round(part.started, 3),
        "finished": round(part.finished, 3),
    }
    lines = [{"part": header}, *(row.to_json() for row in part.rows)]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    uri = part_uri(job_folder, part.child, part.start.offset)
    return objects.write(uri, content, if_absent=True)


def read_part(objects: ObjectStore, uri: str) -> LedgerPart:
    """Read a part.

    Raises:
        ObjectNotFoundError: there is none.
        InvalidInputError: it is none.
    """
    try:
        first, *others = objects.read(uri).splitlines()
        header = json.loads(first)["part"]
        rows = tuple(row_from_json(json.loads(line)) for line in others)
        return LedgerPart(
            header["child"],
            Position(**header["start"]),
            Position(**header["end"]),
            rows,
            header["embeddings"],
            header["started"],
            header["finished"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"{uri} is no part of a ledger: {error}") from error


def read_parts(
    objects: ObjectStore, job_folder: str, child: int, *, since: int = 0
) -> Iterator[LedgerPart]:
    """Yield the parts of a child's ledger in order, one in memory at a time.

    Args:
        objects: where the job's folder is.
        job_folder: its uri with the final ``/``.
        child: the child.
        since: leave out the parts that begin before this offset.
    """
    first = part_uri(job_folder, child, since)
    for found in objects.list(ledger_folder(job_folder, child)):
        # A file that a killed process left half written has another name.
        if found.uri.endswith(".jsonl") and found.uri >= first:
            yield read_part(objects, found.uri)
