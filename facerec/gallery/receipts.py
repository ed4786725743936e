"""Stores unfinished erasures, and the receipts of finished ones.

An erasure is recorded before anything is removed, with the names of what it erases, so that it can
be completed if the process is killed. Once it is finished, only its receipt is left, which names
nobody. ``GalleryBase`` has an ``Erasures``, and ``facerec.gallery.erasing`` builds on both.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from facerec.core.limits import MAX_JSON_BYTES, MAX_LEDGER_FILE_BYTES
from facerec.core.names import checked_collection_id, name_in_paths
from facerec.core.stored_json import stored_json
from facerec.errors import (
    CollectionNotFoundError,
    ConflictError,
    DeletedCollectionError,
    ErasureDamagedError,
    ErasureNotFoundError,
    FacerecError,
    InvalidInputError,
    NewerReleaseError,
    ObjectNotFoundError,
    ReceiptDamagedError,
)
from facerec.gallery.deferred import erasures
from facerec.gallery.deletion_notes import note_deletion, noted_collections, was_deleted
from facerec.storage.objects.leftovers import delete_leftovers

if TYPE_CHECKING:
    from facerec.core.erasures import Receipt, Selection, SubjectKind
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Collection
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class Erasure:
    """An unfinished erasure: its receipt so far, and its selection."""

    receipt: Receipt
    selection: Selection

    @property
    def erased_at(self) -> float:
        """Time of the erasure, in seconds since 1970, comparable with the times of the data.

        It is never earlier than the time at which the selected data was stored, even if the clock
        of the process that stored the data was ahead.
        """
        return max(self.receipt.requested_at, math.nextafter(self.selection.latest, math.inf))

    def includes(self, other: Erasure) -> bool:
        """Return whether this erasure covers everything that another erasure erases."""
        if self.receipt.collection_id != other.receipt.collection_id:
            return False
        if self.selection.erases_collection:
            return True
        own, others = self.selection, other.selection
        if self.receipt.subject != other.receipt.subject or others.erases_collection:
            return False
        # A repeated erasure selects fewer faces, since some are gone; its names are the same.
        if others.photos or others.external_image_ids or others.user_ids:
            return (
                others.photos <= own.photos
                and others.external_image_ids <= own.external_image_ids
                and others.user_ids <= own.user_ids
            )
        return others.face_ids <= own.face_ids


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Why the record of an unfinished erasure cannot be read.

    Attributes:
        error: The error.
        collection_id: The collection that the record names; None if it is unknown.
    """

    error: FacerecError
    collection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deletions:
    """Finished and unfinished deletions of the collections that had one id.

    Attributes:
        pending: Selections of the erasures that are not finished.
        creations: Creation times of deleted collections, in seconds since 1970.
        before: Time up to which an earlier release deleted the collections, in seconds since 1970;
            None if it deleted none.
    """

    pending: Sequence[Selection]
    creations: frozenset[float]
    before: float | None

    def include(self, created_at: float) -> bool:
        """Return whether the collection created at a given time was deleted or is being deleted."""
        return (
            created_at in self.creations
            or (self.before is not None and created_at <= self.before)
            or any(each.includes_collection(created_at) for each in self.pending)
        )


_DAMAGES = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""Errors of the functions that read a damaged document."""


def _record_from_json(document: dict[str, Any], erasure_id: str) -> Erasure:
    """Return the unfinished erasure of a document that ``Erasures.keep`` has written.

    Raises:
        InvalidInputError, or one of ``_DAMAGES``: The document is damaged.
    """
    receipt = erasures.receipt_from_json(document["receipt"])
    checked_collection_id(receipt.collection_id)
    if receipt.erasure_id != erasure_id:
        raise ValueError("the record of another erasure")
    return Erasure(receipt, erasures.selection_from_json(document["selection"]))


def _named_collection(content: bytes) -> str | None:
    """Return the collection that a record of a newer release names; None if it names none."""
    try:
        return str(checked_collection_id(json.loads(content)["receipt"]["collection_id"]))
    except (InvalidInputError, *_DAMAGES):
        return None


def completed_later(erasure_id: str) -> str:
    """Return a clause for error messages, which announces that an erasure will be completed."""
    return f"the erasure {erasure_id} will be completed"


def _being_deleted(collection_id: str, erasure_id: str) -> ConflictError:
    error = ConflictError(
        f"collection {collection_id!r} is being deleted", "repeat the request once that is done"
    )
    error.consequence = completed_later(erasure_id)
    return error


@dataclass(frozen=True, slots=True)
class Erasures:
    """The erasures of a deployment.

    Attributes:
        objects: Store of the records.
        root: Folder of the records; ends in ``/``.
        start: Starts another process that erases from job folders, given the id of the erasure;
            None if the request itself does this.
        space: Provides space for an erasure while a block runs, even if the disk is full.
    """

    objects: ObjectStore
    root: str
    start: Callable[[str], None] | None = None
    space: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def finishes_elsewhere(self) -> bool:
        """Whether another process changes the job folders, and not the request itself."""
        return self.start is not None

    def begin(
        self, collection_id: str, subject: SubjectKind, selection: Selection, now: float
    ) -> Erasure:
        """Record an erasure before anything is removed."""
        time = datetime.fromtimestamp(now, UTC)
        # Ids from different seconds sort by time; those from the same second sort at random.
        erasure_id = f"{time:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
        receipt = erasures.Receipt(
            erasure_id, collection_id, subject, erasures.ErasureStatus.RUNNING, now
        )
        if selection.erases_collection:
            before = selection.created_before if selection.is_returned else None
            receipt = replace(receipt, created_before=before, created_at=selection.created_at)
        erasure = Erasure(receipt, selection)
        self.keep(erasure)
        return erasure

    def unfinished(
        self, collection_id: str, subject: SubjectKind, selection: Selection
    ) -> Erasure | None:
        """Return an unfinished erasure of the same subject, which a repetition completes.

        Returns:
            None if there is none, or if something was added since it was requested.
        """
        if selection.erases_collection or selection.cause is not None:
            return None
        receipt = erasures.Receipt("", collection_id, subject, erasures.ErasureStatus.RUNNING, 0)
        new = Erasure(receipt, selection)
        for erasure in self.pending():
            own = erasure.selection
            if (
                erasure.includes(new)
                and new.includes(erasure)
                and not own.erases_collection
                and own.cause is None
                and own.created_at == selection.created_at
                and own.tombstones == selection.tombstones
                and own.only_empty_users == selection.only_empty_users
                and selection.face_ids <= own.face_ids
                and (selection.people or frozenset()) <= (own.people or frozenset())
                and selection.latest < erasure.erased_at
            ):
                return erasure
        return None

    def keep(self, erasure: Erasure) -> None:
        """Record the progress of an erasure."""
        document = {
            "receipt": erasure.receipt.to_stored_json(),
            "selection": erasure.selection.to_json(),
        }
        # The record is written first: without it, the receipt would never be completed.
        self.objects.write(self._pending_uri(erasure.receipt), json.dumps(document).encode())
        self._write(erasure.receipt)

    def finish(self, erasure: Erasure) -> None:
        """Keep the receipt of a finished erasure, and delete the record with its selection.

        A note that a collection was deleted stays as well.
        """
        receipt = erasure.receipt
        note_deletion(receipt.collection_id, erasure.selection, self.objects, self.root)
        self._write(receipt)
        self.objects.delete(self._pending_uri(receipt))
        delete_leftovers(self.objects, self._pending_folder)

    def delete_leftovers(self) -> None:
        """Delete incomplete files that killed processes left."""
        delete_leftovers(self.objects, self.root, below=True)

    def get(self, collection_id: str, erasure_id: str) -> Receipt:
        """Return the receipt of an erasure.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            ErasureNotFoundError: There is no such erasure of the collection.
            ReceiptDamagedError: The receipt is damaged.
        """
        folder = self._folder(collection_id)
        try:
            if re.fullmatch(erasures.ERASURE_ID_PATTERN, erasure_id):
                return self._read(f"{folder}{erasure_id}.json")
        except ObjectNotFoundError:
            pass
        raise ErasureNotFoundError(erasure_id)

    def list(self, collection_id: str, limit: int) -> list[Receipt]:
        """Return the newest receipts of a collection, newest first, even if it was deleted.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            ReceiptDamagedError: A receipt is damaged.
        """
        uris = [found.uri for found in self.objects.list(self._folder(collection_id))]
        newest = islice((uri for uri in reversed(uris) if uri.endswith(".json")), limit)
        return [self._read(uri) for uri in newest]

    def pending(self, erasure_id: str | None = None) -> Iterator[Erasure]:
        """Yield the unfinished erasures, or one of them, except those with an unreadable record."""
        for _, erasure in self._notes(erasure_id):
            if isinstance(erasure, Erasure):
                yield erasure

    def _pending_of(self, collection_id: str) -> Iterator[Erasure]:
        """Yield the unfinished erasures of a collection, except those with a damaged record.

        Raises:
            FacerecError: A record that may be of this collection cannot be read, or a newer release
                has written it.
        """
        for found_id, erasure in self._notes(None):
            if isinstance(erasure, Erasure):
                if erasure.receipt.collection_id == collection_id:
                    yield erasure
            elif not isinstance(erasure.error, ErasureDamagedError) and self._may_concern(
                found_id, erasure, collection_id
            ):
                raise erasure.error

    def last_attempted(self) -> str:
        """Return the id of the last erasure that ``note_attempt`` noted; "" if there is none."""
        with suppress(FacerecError):
            return self.objects.read(self._attempt, end=MAX_JSON_BYTES).decode(errors="replace")
        return ""

    def note_attempt(self, erasure_id: str) -> None:
        """Note which erasure is about to be completed, in case the process is killed by it."""
        self.objects.write(self._attempt, erasure_id.encode())

    def forget_attempts(self) -> None:
        """Remove the note of the last attempt, so that the oldest erasure is next."""
        self.objects.delete(self._attempt)

    def person_of(self, collection_id: str, name: str) -> str | None:
        """Return the id of the person with an id or display name, if their erasure is unfinished.

        Returns None if there is no such erasure. The person's own record may already be gone.
        People who were merged do not count.
        """
        for erasure in self._pending_of(collection_id):
            selection = erasure.selection
            named = selection.user_ids | selection.user_names
            if (
                erasure.receipt.subject is erasures.SubjectKind.USER
                and selection.erases_names
                and name in named
            ):
                return min(selection.user_ids)
        return None

    def require_readable(self, erasure_id: str) -> None:
        """Check that the record of an erasure can be read.

        Raises:
            ErasureDamagedError: The record is damaged.
            FacerecError: It cannot be read, or a newer release has written it.
        """
        for _, erasure in self._notes(erasure_id):
            if isinstance(erasure, _Unreadable):
                raise erasure.error

    def unreadable(self, collection_id: str | None = None) -> Iterator[FacerecError]:
        """Yield an error for each unfinished erasure whose record is damaged or cannot be read.

        Args:
            collection_id: The collection whose erasures to check, or None for all. An erasure
                without a receipt may be one of this collection.
        """
        for found_id, erasure in self._notes(None):
            if isinstance(erasure, _Unreadable) and (
                collection_id is None or self._may_concern(found_id, erasure, collection_id)
            ):
                yield erasure.error

    def _may_concern(self, erasure_id: str, record: _Unreadable, collection_id: str) -> bool:
        if record.collection_id is not None:
            return record.collection_id == collection_id
        own = f"{self._folder(collection_id)}{erasure_id}.json"
        found = [each.uri for each in self.objects.list(f"{self.root}receipts/")]
        receipts = [uri for uri in found if uri.endswith(f"/{erasure_id}.json")]
        return not receipts or own in receipts

    def discard(self, erasure_id: str) -> None:
        """Remove the damaged record of an erasure, and mark its receipt as abandoned.

        Raises:
            ErasureNotFoundError: No erasure with this id has a damaged record.
        """
        found_records = [erasure for _, erasure in self._notes(erasure_id)]
        if not any(
            isinstance(each, _Unreadable) and isinstance(each.error, ErasureDamagedError)
            for each in found_records
        ):
            raise ErasureNotFoundError(erasure_id)
        for found in list(self.objects.list(f"{self.root}receipts/")):
            if found.uri.endswith(f"/{erasure_id}.json"):
                # The receipt may be damaged too.
                with suppress(ReceiptDamagedError):
                    self._write(
                        replace(self._read(found.uri), status=erasures.ErasureStatus.ABANDONED)
                    )
        self.objects.delete(f"{self._pending_folder}{erasure_id}.json")

    def _notes(self, erasure_id: str | None) -> Iterator[tuple[str, Erasure | _Unreadable]]:
        """Yield the ids and records of all unfinished erasures, or of one."""
        for found in list(self.objects.list(self._pending_folder)):
            name = found.uri.rpartition("/")[2]
            found_id = name.removesuffix(".json")
            if not name.endswith(".json") or erasure_id not in (None, found_id):
                continue
            record = self._read_record(found.uri, found_id)
            # None: it was finished in the meantime.
            if record is not None:
                yield found_id, record

    def _read_record(self, uri: str, erasure_id: str) -> Erasure | _Unreadable | None:
        """Return the record of an unfinished erasure; None if there is none."""
        content = b""
        try:
            content = self.objects.read(uri, end=MAX_LEDGER_FILE_BYTES)
            return _record_from_json(stored_json(content, uri), erasure_id)
        except ObjectNotFoundError:
            return None
        except NewerReleaseError as error:
            return _Unreadable(error, _named_collection(content))
        except InvalidInputError:
            return _Unreadable(ErasureDamagedError(erasure_id))
        except FacerecError as error:
            return _Unreadable(error)
        except _DAMAGES:
            return _Unreadable(ErasureDamagedError(erasure_id))

    def deletion_of(self, collection: Collection) -> str | None:
        """Return the id of the unfinished erasure that deletes a collection; None without one.

        A deletion of an earlier collection of the same id does not count.
        """
        for erasure in self._pending_of(collection.collection_id):
            selection = erasure.selection
            if (
                selection.includes_collection(collection.created_at)
                # A record of an earlier release does not list the earlier collections.
                and (selection.collections or selection.created_at in (None, collection.created_at))
            ):
                return erasure.receipt.erasure_id
        return None

    def deleted_collections(self, collection_id: str | None = None) -> Sequence[Collection]:
        """Return the collections that were deleted, optionally only with one id.

        The model versions are "", since they are unknown. Collections that an earlier release
        deleted are not included.
        """
        return noted_collections(self.objects, self.root, collection_id)

    def find_deleted_jobs(self, collection_id: str) -> Callable[[str], bool]:
        """Return a function that returns whether ``deleted_jobs`` contains the id of a job.

        The receipts are read once, when it is called.
        """
        jobs = cache(lambda: self.deleted_jobs(collection_id))
        return lambda job_id: job_id in jobs()

    def deleted_jobs(self, collection_id: str) -> frozenset[str]:
        """Return the ids of the jobs whose folders were deleted with collections of an id.

        Reads all receipts of the collection; damaged ones are ignored. A deletion that was killed
        may have deleted more jobs than its receipt lists.
        """
        deleted = set[str]()
        for found in self.objects.list(self._folder(collection_id)):
            with suppress(ReceiptDamagedError, ObjectNotFoundError, NewerReleaseError):
                receipt = self._read(found.uri) if found.uri.endswith(".json") else None
                if receipt is not None and receipt.subject is erasures.SubjectKind.COLLECTION:
                    deleted.update(job.job_id for job in receipt.jobs)
        return frozenset(deleted)

    def was_deleted(self, collection: Collection) -> bool:
        """Return whether a collection was deleted, and an older copy of the database has it.

        Returns false if an earlier release deleted it.
        """
        return was_deleted(collection, self.objects, self.root)

    def require_not_deleted(self, collection: Collection) -> None:
        """Check that nobody has asked to delete a collection that still exists.

        Anything that is added now would be deleted with the collection later.

        Raises:
            ConflictError: The deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        if self.was_deleted(collection):
            raise DeletedCollectionError(collection.collection_id)
        erasure_id = self.deletion_of(collection)
        if erasure_id is not None:
            raise _being_deleted(collection.collection_id, erasure_id)

    def require_no_deletion(self, collection_id: str) -> None:
        """Check that no deletion of a collection is unfinished whose record may be gone.

        Raises:
            ConflictError: A deletion is not finished.
        """
        for erasure in self.pending_deletions(collection_id):
            raise _being_deleted(collection_id, erasure.receipt.erasure_id)

    def require_usable(self, collection_id: str, records: RecordStore) -> None:
        """Check the same as ``require_not_deleted``, for a collection that may not exist yet.

        Raises:
            ConflictError: The deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        with suppress(CollectionNotFoundError):
            self.require_not_deleted(records.get_collection(collection_id))

    def is_being_deleted(self, collection_id: str) -> bool:
        """Return whether a deletion of the whole collection is unfinished."""
        return any(True for _ in self.pending_deletions(collection_id))

    def pending_deletions(self, collection_id: str) -> Iterator[Erasure]:
        """Yield the unfinished erasures of whole collections that had an id."""
        for erasure in self._pending_of(collection_id):
            if erasure.selection.erases_collection:
                yield erasure

    def deletions(self, collection_id: str) -> Deletions:
        """Return the deletions of all collections that had an id.

        Reads all receipts of the collection.

        Raises:
            ReceiptDamagedError: A receipt is damaged; it may be the receipt of a later deletion.
        """
        return Deletions(
            tuple(each.selection for each in self._pending_of(collection_id)),
            frozenset(each.created_at for each in self.deleted_collections(collection_id)),
            self._deleted_before(collection_id),
        )

    def _deleted_before(self, collection_id: str) -> float | None:
        """Return the time up to which earlier releases deleted the collections of an id.

        Their receipts do not identify the deleted collection.

        Returns:
            Seconds since 1970; None if they deleted none.

        Raises:
            ReceiptDamagedError: A receipt is damaged.
        """
        uris = (found.uri for found in self.objects.list(self._folder(collection_id)))
        receipts = (self._read(uri) for uri in uris if uri.endswith(".json"))
        return max(
            (
                each.requested_at if each.created_before is None else each.created_before
                for each in receipts
                if each.subject is erasures.SubjectKind.COLLECTION and each.created_at is None
            ),
            default=None,
        )

    def _write(self, receipt: Receipt) -> None:
        uri = f"{self._folder(receipt.collection_id)}{receipt.erasure_id}.json"
        self.objects.write(uri, json.dumps(receipt.to_stored_json()).encode())

    def _read(self, uri: str) -> Receipt:
        content = self.objects.read(uri, end=MAX_LEDGER_FILE_BYTES)
        try:
            return erasures.receipt_from_json(stored_json(content, uri))
        except _DAMAGES as error:
            erasure_id = uri.rpartition("/")[2].removesuffix(".json")
            raise ReceiptDamagedError(erasure_id) from error

    def _folder(self, collection_id: str) -> str:
        # A collection may be called "..".
        return (
            f"{self.root}receipts/collection={name_in_paths(checked_collection_id(collection_id))}/"
        )

    def _pending_uri(self, receipt: Receipt) -> str:
        return f"{self._pending_folder}{receipt.erasure_id}.json"

    @property
    def _attempt(self) -> str:
        return f"{self.root}pending@attempted"

    @property
    def _pending_folder(self) -> str:
        return f"{self.root}pending/"
