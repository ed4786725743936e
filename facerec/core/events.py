"""Events: a newly indexed face matches a registered person."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from facerec.core.records import generation_of
from facerec.core.times import iso_time

if TYPE_CHECKING:
    from facerec.core.records import Collection


CLAIM_SECONDS = 60.0
"""Seconds for which an event is reserved for the process that delivers it. If the process is
killed, the event is due again afterwards."""

SEND_SECONDS = 10.0
"""Maximum seconds of an attempt to send an event."""


@dataclass(frozen=True, slots=True)
class MatchEvent:
    """A new face that matches a registered person. It contains neither a vector nor an image.

    Attributes:
        event_id: 32 hexadecimal digits that depend on the collection, the person and the face only.
        collection_id: The collection.
        user_id: The person.
        face_id: The face.
        image_id: Id of the photo, derived from its content.
        external_image_id: The caller's own name for the photo, or None.
        photo: ``FaceRecord.source`` of the face.
        similarity: Similarity of the face and the person, 0 to 1.
        matched_at: Seconds since 1970, UTC.
    """

    event_id: str
    collection_id: str
    user_id: str
    face_id: str
    image_id: str
    external_image_id: str | None = field(repr=False)
    photo: str = field(repr=False)
    similarity: float
    matched_at: float

    def to_json(self) -> dict[str, Any]:
        """Return the event in the form of ``schemas/match-event.json``."""
        return {
            "event_id": self.event_id,
            "collection_id": self.collection_id,
            "user_id": self.user_id,
            "face_id": self.face_id,
            "image_id": self.image_id,
            "external_image_id": self.external_image_id,
            "photo": self.photo,
            "similarity": self.similarity,
            "matched_at": iso_time(self.matched_at),
        }


def event_id_of(collection: Collection, user_id: str, face_id: str) -> str:
    """Return the id of the event for a match of a face of a collection with a person."""
    named = (collection.collection_id, generation_of(collection.created_at), user_id, face_id)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event in the outbox.

    Attributes:
        event: The event.
        attempts: Number of attempts to deliver it.
        due_at: Time at which the next attempt is due, seconds since 1970.
        delivered_at: Time of the delivery, seconds since 1970; None if the event was not delivered.
        problem: Why the last attempt failed; None if no attempt has failed, or the event was
            delivered.
    """

    event: MatchEvent
    attempts: int = 0
    due_at: float = 0.0
    delivered_at: float | None = None
    problem: str | None = None

    def sent_until(self, now: float) -> float | None:
        """Return the latest time at which the running attempt to deliver the event ends.

        Args:
            now: Current time, in seconds since 1970.

        Returns:
            Seconds since 1970; None if no attempt is running.
        """
        claimed_at = self.due_at - CLAIM_SECONDS
        under_way = self.attempts > 0 and claimed_at <= now < claimed_at + SEND_SECONDS
        return claimed_at + SEND_SECONDS if under_way and self.delivered_at is None else None

    def to_json(self) -> dict[str, Any]:
        """Return the event and its delivery in the form of ``schemas/match-event-list.json``."""
        delivered = None if self.delivered_at is None else iso_time(self.delivered_at)
        return {
            "event": self.event.to_json(),
            "attempts": self.attempts,
            "delivered_at": delivered,
            "problem": self.problem,
        }
