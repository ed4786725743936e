"""Operations that erase everything known about somebody, and resume erasures that were killed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.collecting import collected
from facerec.core.limits import DEFAULT_RECEIPTS, MAX_RECEIPTS
from facerec.core.names import checked_user_name
from facerec.errors import FacerecError, InvalidInputError
from facerec.gallery.operations.selections import SelectionOperations
from facerec.gallery.paging import checked_limit
from facerec.gallery.receipts import completed_later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facerec.core.erasures import Receipt, SubjectKind
    from facerec.gallery.receipts import Erasure

RESUMED_AFTER = 960.0
"""Seconds after which an unfinished erasure is assumed to have been killed: more than the maximum
duration of a Lambda function (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


class ErasureOperations(SelectionOperations):
    """The operations of a gallery that erase everything known about somebody."""

    def erase(self, collection_id: str, subject: SubjectKind, name: str) -> Receipt:
        """Erase everything known about a face, photo, external image id or person, everywhere.

        This erases faces with their embeddings, thumbnails and places in clusters; people with
        their vectors and associations; corrections, events, and the names in the history. It also
        erases answers kept for idempotency tokens, and the data in all job folders. Faces that a
        person gets in the meantime are erased too; somebody who is created with the same id
        afterwards is not. An unknown name is not an error: the receipt then shows that nothing was
        removed.

        Args:
            collection_id: Id of the collection.
            subject: FACE, PHOTO, EXTERNAL_ID or USER.
            name: See ``select``.

        Returns:
            Counts of the data removed so far. The status is RUNNING if another process still erases
            from job folders, or if an import may bring faces back; otherwise it is DONE.

        Raises:
            InvalidInputError: The name is empty, an id is not valid, or the subject cannot be
                selected.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The person was given other faces repeatedly; ``resume_erasures``
                completes the erasure.
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the erasure.
        """
        selection = self._select(collection_id, subject, name)
        return self._erase(collection_id, subject, selection)[0]

    def restore_if_lost(self, collection_id: str) -> int | None:
        """Restore a collection whose database was lost, from the embeddings in its job folders.

        Erasures and exports call this first: job folders still contain embeddings and names. People
        and corrections are lost.

        Returns:
            The number of restored faces; None if nothing was lost, or nothing can be restored.

        Raises:
            InvalidInputError: The id is not a valid collection id.
            ConflictError: The record of the collection is gone, but its deletion is not finished.
            FacerecError: A job folder cannot be read, or an erasure cannot be completed first.
        """
        return self._restore(collection_id)

    def get_erasure(self, collection_id: str, erasure_id: str) -> Receipt:
        """Return the receipt of an erasure, which may not be finished.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id.
            ErasureNotFoundError: There is no such erasure of the collection.
            ReceiptDamagedError: The receipt is damaged.
        """
        return self._erasures.get(collection_id, erasure_id)

    def list_erasures(self, collection_id: str, *, limit: int = DEFAULT_RECEIPTS) -> list[Receipt]:
        """Return the newest receipts of a collection, newest first, even if it was deleted.

        Raises:
            InvalidInputError: ``collection_id`` is not a valid collection id, or ``limit`` is not
                1 to ``MAX_RECEIPTS``.
            ReceiptDamagedError: A receipt is damaged.
        """
        checked_limit(limit, MAX_RECEIPTS)
        return self._erasures.list(collection_id, limit)

    def person_being_erased(self, collection_id: str, text: str) -> str | None:
        """Return the id of a person whose erasure was interrupted, by id or display name.

        Returns None if there is no erasure of the person. Erasing or deleting this id again
        completes the erasure, even if nobody has the id or the name any more.
        """
        with suppress(InvalidInputError):
            text = checked_user_name(text)
        return self._erasures.person_of(collection_id, text)

    def resume_erasure(self, erasure_id: str) -> Receipt | None:
        """Complete an unfinished erasure.

        If an import may bring its faces back, the erasure stays unfinished until the import has
        ended.

        Returns:
            Its receipt; None if there is no unfinished erasure with this id.

        Raises:
            ErasureDamagedError: The record of the erasure is damaged.
            FacerecError: A job folder or a store fails.
        """
        for erasure in self._erasures.pending(erasure_id):
            with self._erasures.space():
                return self._perform(erasure)[0]
        self._erasures.require_readable(erasure_id)
        return None

    def resume_erasures(
        self,
        *,
        older_than: float = RESUMED_AFTER,
        collection_id: str | None = None,
        on_error: Callable[[FacerecError], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> list[Receipt]:
        """Complete all erasures that were killed, and return their receipts.

        An erasure that cannot be completed stays unfinished; all others are completed. Receipts of
        erasures that wait for the end of an import are not returned.

        Args:
            older_than: Minimum age of an erasure in seconds; younger ones may still be running.
            collection_id: Completes only the erasures of this collection; None for all.
            on_error: Called with the error of each erasure that cannot be completed. If None, the
                first error is raised at the end.
            stop: Called before each erasure; once it returns true, the rest is left to the next
                call with ``stop``. That one continues after the last erasure that was attempted,
                even if the process was killed during the attempt. None completes all.

        Raises:
            ErasureDamagedError: The record of an erasure is damaged; the others were completed.
            NewerReleaseError: A newer release has written a record; the others were completed.
            FacerecError: A job folder or a store fails; the other erasures were completed.
        """
        errors = list[FacerecError]()
        self._erasures.delete_leftovers()
        receipts: list[Receipt] = []
        attempted = "" if stop is None else self._erasures.last_attempted()
        for erasure in self._killed(older_than, collection_id):
            erasure_id = erasure.receipt.erasure_id
            if erasure_id <= attempted:
                continue
            if stop is not None and stop():
                break
            try:
                with self._erasures.space():
                    if stop is not None:
                        self._erasures.note_attempt(erasure_id)
                    receipts.append(self._perform(erasure)[0])
            except FacerecError as error:
                error.consequence = completed_later(erasure_id)
                errors.append(error)
        else:
            if stop is not None:
                with collected(errors):
                    self._erasures.forget_attempts()
        errors += self._erasures.unreadable(collection_id)
        if on_error is not None:
            for each in errors:
                on_error(each)
        elif errors:
            raise errors[0]
        return [receipt for receipt in receipts if receipt.finished_at is not None]

    def _killed(self, older_than: float, collection_id: str | None) -> Iterator[Erasure]:
        """Yield the unfinished erasures that no process performs any more, oldest first."""
        now = self._clock()
        for erasure in self._erasures.pending():
            # The age is negative if the clock was ahead: such an erasure is not still running.
            is_running = now - older_than < erasure.receipt.requested_at <= now
            if not is_running and collection_id in (None, erasure.receipt.collection_id):
                yield erasure
