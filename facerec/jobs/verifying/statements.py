"""Statements in the ledgers of a collection's jobs about the faces of its photos.

A row of a photo that was read is a statement: the collection has the faces of the photo that the
row names, and no others that a job has found with other options. It may name no face at all. If
several jobs make a statement, the one of the job that was started last counts
(``facerec.jobs.start_order``). An erased row is not a statement.

A job that finds a photo already indexed with its options stores nothing. Its statement counts, but
an earlier job with these options has the embeddings. The embeddings may be in no job folder, for
example because the faces were imported or that job's folder was deleted. If the collection then
loses the faces, only reading the photo again can restore them (``verifying.lost_photos``).

A row also shows at which address its photo was, unless the photo was a copy of one at another
address. For addresses, the row that was written last counts (``verifying.addresses``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from facerec.core.ids import group_of, image_key
from facerec.jobs.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.records import FaceRecord
    from facerec.jobs.ledger.rows import LedgerRow
    from facerec.jobs.ledger.segments import Segment
    from facerec.jobs.plan import Plan
    from facerec.jobs.start_order import StartedJob


@dataclass(frozen=True, slots=True)
class Statement:
    """The faces of a photo in a collection, according to a job.

    Attributes:
        face_ids: Ids of the faces.
        made_at: Time when the job was started or read the photo, whichever is later, seconds since
            1970, UTC. Faces that a single request stored after this time stay.
        is_repeated: Whether the job has found the photo already indexed.
        image_id: Image id of the photo; None if the row does not have it.
    """

    face_ids: frozenset[str]
    made_at: float
    is_repeated: bool
    image_id: str | None = None

    def missing(self, stored: Mapping[str, FaceRecord], options_digest: str) -> set[str]:
        """Return the ids of the faces that are missing, or stored with other options.

        A face may have been replaced under the same id; then its embedding belongs to other
        options.
        """
        return {
            face_id
            for face_id in self.face_ids
            if face_id not in stored or stored[face_id].options_digest != options_digest
        }

    def superseded(self, stored: Mapping[str, FaceRecord], options_digest: str) -> set[str]:
        """Return the ids of stored faces that come from other options.

        A face with the job's options that the job does not name was deleted and then stored again
        on purpose.
        """
        return {
            face_id
            for face_id, record in stored.items()
            if face_id not in self.face_ids
            and record.options_digest != options_digest
            and record.indexed_at <= self.made_at
        }


def statements_of(segment: Segment, job: StartedJob) -> dict[str, Statement]:
    """Return the statements of a segment by image key."""
    made_at = max(segment.finished, job.start.at)
    found: dict[str, Statement] = {}
    for row in segment.rows:
        key = key_of_row(row, job.plan)
        if key is None:
            continue
        repeated = row.outcome is Outcome.ALREADY_INDEXED
        if key not in found or found[key].is_repeated:
            ids = frozenset(face.face_id for face in row.stored)
            found[key] = Statement(ids, made_at, repeated, row.image_id)
    return found


def key_of_row(row: LedgerRow, plan: Plan) -> str | None:
    """Return the image key of the photo of a row; None if the photo was not read."""
    if row.stored:
        return group_of(row.stored[0].face_id)
    if row.image_id is None:
        return None
    return image_key(plan.collection_id, row.image_id, row.external_image_id, plan.id_version)


@dataclass(frozen=True, slots=True)
class ReadAt:
    """The address of a photo when it was read.

    Attributes:
        uri: The address.
        read_at: Time when the rows of its segment were written, seconds since 1970, UTC.
    """

    uri: str
    read_at: float


@dataclass(frozen=True, slots=True)
class Awaited:
    """A statement about faces that the collection lacks, and whose embeddings are not found yet.

    Attributes:
        statement: The statement.
        options_digest: Digest of the options of its job.
        missing: Number of the faces that the collection lacks.
    """

    statement: Statement
    options_digest: str
    missing: int


@dataclass(slots=True)
class LastStatements:
    """The current statements of jobs; jobs are read in order, most recently started first.

    Attributes:
        seen: Keys of the photos about which a job has made the statement that counts, awaited ones
            included, each with the ``read_at`` of the newest row that shows where the photo was; 0
            if no row does.
        awaited: Statements of later jobs whose folders do not have the embeddings: an earlier job
            with the same options may have them. The statements that remain at the end are about
            photos whose faces are lost.
        only_awaited: Whether to ignore all other photos.
        elsewhere: Addresses of photos according to these rows, by the id of each face that the
            collection does not have at this address.
        erased_rows: Number of rows of erased photos.
        erased_photos: Number of these photos that have tombstones, as far as they were counted.
    """

    seen: dict[str, float] = field(default_factory=dict)
    awaited: dict[str, Awaited] = field(default_factory=dict)
    only_awaited: bool = False
    elsewhere: dict[str, ReadAt] = field(default_factory=dict)
    erased_rows: int = 0
    erased_photos: int = 0

    def choose(
        self, statements: Mapping[str, Statement], options_digest: str
    ) -> dict[str, Statement]:
        """Return the statements of a segment that count."""
        chosen = {}
        for key, statement in statements.items():
            if key in self.awaited:
                later = self.awaited[key]
                if later.options_digest == options_digest:
                    chosen[key] = replace(statement, made_at=later.statement.made_at)
            elif key not in self.seen and not self.only_awaited:
                chosen[key] = statement
        return chosen

    def has_photo(self, key: str) -> bool:
        """Return whether a job has made a statement about the photo with an image key."""
        return key in self.seen

    def decide(self, key: str) -> None:
        """Record that the statement about a photo was compared with the collection."""
        self.seen.setdefault(key, 0.0)
        self.awaited.pop(key, None)

    def await_embeddings(self, key: str, awaited: Awaited) -> None:
        """Record that an earlier job with the same options may have the embeddings of a photo."""
        self.seen.setdefault(key, 0.0)
        self.awaited.setdefault(key, awaited)

    def note_erased(self, rows: int) -> None:
        """Record the number of rows of erased photos in a segment, unless it was read before."""
        if not self.only_awaited:
            self.erased_rows += rows

    def newest_rows(self, segment: Segment) -> dict[str, LedgerRow]:
        """Return, by key, the rows of a segment that are the newest to show where a photo was."""
        found = {}
        for row in () if self.only_awaited else segment.rows:
            if row.faces and not row.is_copy:
                key = group_of(row.faces[0].face_id)
                if self.seen.get(key, 0.0) <= segment.finished:
                    found[key] = row
        return found

    def locate(
        self,
        rows: Mapping[str, LedgerRow],
        read_at: float,
        stored: Mapping[str, Mapping[str, FaceRecord]],
    ) -> None:
        """Record where photos were when they were read.

        Args:
            rows: The result of ``newest_rows``.
            read_at: Time when these rows were written, seconds since 1970, UTC.
            stored: The faces of these photos in the collection, by key and id.
        """
        for key, row in rows.items():
            self.seen[key] = read_at
            here = stored.get(key, {})
            for face in row.faces:
                record = here.get(face.face_id)
                if record is not None and record.address == row.photo:
                    self.elsewhere.pop(face.face_id, None)
                else:
                    self.elsewhere[face.face_id] = ReadAt(row.photo, read_at)
