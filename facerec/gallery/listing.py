"""Iterates over all records of a collection, with one page in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from facerec.core.limits import MAX_HISTORY, MAX_PAGE, MAX_USER_PAGE

if TYPE_CHECKING:
    from facerec.core.history import Entry
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Correction, User


def all_users(
    collection_id: str, *, records: RecordStore, after: str | None = None
) -> Iterator[User]:
    """Yield the people of a collection, ordered by id, starting after an id."""
    while page := records.list_users(collection_id, after=after, limit=MAX_USER_PAGE):
        yield from page
        after = page[-1].user_id


def all_corrections(collection_id: str, *, records: RecordStore) -> Iterator[Correction]:
    """Yield all corrections of a collection, ordered by face."""
    for page in pages_of_corrections(collection_id, records=records):
        yield from page


def all_history(
    collection_id: str, *, records: RecordStore, subject: str | None = None
) -> Iterator[Entry]:
    """Yield the entries of the history of a collection or of a subject, newest first."""
    before = None
    while page := records.list_history(
        collection_id, subject=subject, before=before, limit=MAX_HISTORY
    ):
        yield from page
        before = page[-1].cause.entry_id


def pages_of_corrections(
    collection_id: str, *, records: RecordStore
) -> Iterator[Sequence[Correction]]:
    """Yield all corrections of a collection, ordered by face, in pages."""
    after = None
    while page := records.list_corrections(collection_id, after=after, limit=MAX_PAGE):
        yield page
        after = page[-1]
