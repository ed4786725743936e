"""Retention: collections that keep each face for a number of days after it was indexed.

The number is stored as a tag of the collection, so that every interface can show and set it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from facerec.core.names import OWN_TAG_PREFIX, checked_collection_id, checked_tags
from facerec.errors import InvalidInputError
from facerec.gallery.deferred import erasures
from facerec.gallery.erasing.eraser import Eraser
from facerec.gallery.paging import checked_integer

if TYPE_CHECKING:
    from facerec.core.erasures import Receipt
    from facerec.core.protocols.records import RecordStore

RETENTION_TAG = "facerec:expire-after"
"""Key of the tag, whose value is a number of days such as ``365d``."""

MAX_DAYS = 36_500

SECONDS_OF_DAY = 86_400

_DAYS = re.compile(r"([1-9]\d{0,4})d")


def read_days(text: str) -> int:
    """Return the number of days that a text such as ``365d`` means.

    Raises:
        InvalidInputError: The text is not a number of days from 1 to ``MAX_DAYS``.
    """
    days = _DAYS.fullmatch(text)
    if days is None or int(days[1]) > MAX_DAYS:
        raise InvalidInputError(
            f"{text!r} is not a valid number of days", f"use 1d to {MAX_DAYS}d, such as 365d"
        )
    return int(days[1])


def retention_in(tags: Mapping[str, str]) -> int | None:
    """Return the number of days for which a collection with these tags keeps each face.

    Returns None if there is no tag for the retention.

    Raises:
        InvalidInputError: The tag is not a number of days.
    """
    value = tags.get(RETENTION_TAG)
    return None if value is None else read_days(value)


def check_new_tags(tags: Mapping[str, str], stored: Callable[[], Mapping[str, str]] = dict) -> None:
    """Check tags that a caller sets.

    Args:
        tags: The tags.
        stored: Returns the tags that the collection has; called if a key is reserved. Earlier
            releases let callers set such tags: they can be written back unchanged.

    Raises:
        InvalidInputError: A tag is not valid, or its key is reserved: of the keys that begin with
            ``facerec:``, callers can only set that of the retention.
        FacerecError: ``stored`` raises it.
    """
    own = {
        key: value
        for key, value in checked_tags(tags).items()
        if key.startswith(OWN_TAG_PREFIX) and key != RETENTION_TAG
    }
    for key in sorted(key for key, _ in own.items() - (stored() if own else {}).items()):
        raise InvalidInputError(
            f"the tag key {key!r} is reserved",
            f"of keys that begin with {OWN_TAG_PREFIX!r}, only {RETENTION_TAG!r} can be set",
        )
    retention_in(tags)


def stored_retention(collection_id: str, records: RecordStore) -> int | None:
    """Return the number of days for which a collection keeps each face; None for no limit.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        InvalidInputError: The collection's tag is not a number of days; the message names it.
    """
    tags = records.get_tags(collection_id)
    try:
        return retention_in(tags)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"the tag {RETENTION_TAG} of collection {collection_id!r} is wrong: {error.message}",
            "set the retention of this collection again",
        ) from error


class RetentionOperations(Eraser):
    """The operations of a gallery on the retention of collections."""

    def get_retention(self, collection_id: str) -> int | None:
        """Return the number of days for which a collection keeps each face; None for no limit.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            InvalidInputError: The id is not a valid collection id, or the collection's tag is not a
                number of days.
        """
        return stored_retention(checked_collection_id(collection_id), self._records)

    def set_retention(self, collection_id: str, days: int | None) -> None:
        """Set the number of days for which a collection keeps each face after it was indexed.

        Args:
            collection_id: Id of the collection.
            days: 1 to ``MAX_DAYS``; None keeps faces indefinitely.

        Raises:
            InvalidInputError: The id is not valid, or the number is not an integer or is out of
                range.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of the tags, or the deletion of the
                collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            QuotaExceededError: The collection has the maximum number of tags.
            JobFolderError: The copy of the tags beside the job folders is damaged; the retention
                was set.
        """
        self._get_to_change(collection_id)
        if days is not None:
            checked_integer("the number of days", days, MAX_DAYS)
        if days is None:
            self._records.change_tags(collection_id, remove=[RETENTION_TAG])
        else:
            self._records.change_tags(collection_id, put={RETENTION_TAG: f"{days}d"})
        self._keep_settings(collection_id)

    def list_expired(self, collection_id: str) -> frozenset[str]:
        """Return the ids of the faces whose retention period is over; none without a retention.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            InvalidInputError: The id is not valid, or the collection's tag is not a number of days.
        """
        days = self.get_retention(collection_id)
        if days is None:
            return frozenset()
        before = self._clock() - days * SECONDS_OF_DAY
        return frozenset(
            face.face_id
            for face in self._faces.all_faces(collection_id)
            if face.indexed_at <= before
        )

    def expire(self, collection_id: str) -> Receipt | None:
        """Erase the faces whose retention period is over.

        People whose faces have all expired are erased too, unless they get another face in the
        meantime, and entries of the history of that age are deleted.

        Returns:
            Counts of the removed data; None if no face has expired.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            InvalidInputError: The id is not valid, or the collection's tag is not a number of days.
            ConflictError: Too many concurrent changes of a person.
            FacerecError: A job folder or a store fails; ``resume_erasures`` completes the erasure.
        """
        expired = self.list_expired(collection_id)
        days = self.get_retention(collection_id)
        if days is not None:
            before = self._clock() - days * SECONDS_OF_DAY
            self._records.expire_history(collection_id, before)
        if not expired:
            return None
        owners = self._records.users_of_faces(collection_id, sorted(expired))
        users = self._records.get_users(collection_id, sorted(set(owners.values())))
        without = frozenset(user.user_id for user in users if expired.issuperset(user.face_ids))
        selection = erasures.Selection(expired, user_ids=without, only_empty_users=True)
        return self._erase(collection_id, erasures.SubjectKind.EXPIRED, selection)[0]
