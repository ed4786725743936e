"""Stores newly indexed faces, with the events of those that match registered people."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from facerec.core.arrays import np
from facerec.core.deferred import DeferredModule
from facerec.core.events import MatchEvent, event_id_of

if TYPE_CHECKING:
    from facerec.core.protocols.engine import Cohort
    from facerec.core.protocols.records import RecordStore
    from facerec.core.protocols.registrations import RegistrationStore
    from facerec.core.records import Collection, StoredFace
    from facerec.gallery.people import person_search, user_vectors
    from facerec.gallery.people.person_search import UserMatch
    from facerec.gallery.scores import normalisation, scoring, similarity
    from facerec.gallery.search import decision
    from facerec.storage.faces import FaceStore
else:
    decision = DeferredModule("facerec.gallery.search.decision")
    normalisation = DeferredModule("facerec.gallery.scores.normalisation")
    person_search = DeferredModule("facerec.gallery.people.person_search")
    scoring = DeferredModule("facerec.gallery.scores.scoring")
    similarity = DeferredModule("facerec.gallery.scores.similarity")
    user_vectors = DeferredModule("facerec.gallery.people.user_vectors")

Result = TypeVar("Result")

TARGET_FMR = 1e-4
"""Maximum share of new faces of strangers that cause a false event, for any number of registered
people; ``docs/people.md`` has the measurements."""

NEAREST = 10
"""A registered person can match only if among this many people nearest to the face by distance."""


@dataclass(frozen=True, slots=True)
class FaceWriter:
    """Stores newly indexed faces, with an event for each match with a registered person.

    Attributes:
        registrations: Registrations and the outbox; None to create and delete no events.
        faces: The faces and the people's vectors.
        records: The people and the collections.
        cohort: Computes cohort stats.
        clock: Returns the time in seconds since 1970.
    """

    registrations: RegistrationStore | None
    faces: FaceStore
    records: RecordStore
    cohort: Cohort
    clock: Callable[[], float] = time.time

    def store_with_events(
        self, collection_id: str, new: Sequence[StoredFace], store_faces: Callable[[], Result]
    ) -> Result:
        """Store faces, and in the same transaction an event for each match of a new one.

        If the stores share no transaction, the events are stored first, so that a process that is
        killed loses none. An event whose face is not stored yet is not delivered.

        Args:
            collection_id: Id of the collection.
            new: Faces that the collection may not contain yet. A face that it contains already gets
                no event, so that a repeated attempt creates none twice.
            store_faces: Stores the faces. It is called once.

        Raises:
            CollectionNotFoundError: The collection was deleted concurrently.
            ConflictError: Too many concurrent changes of an event, or the collection was switched
                to another model version concurrently.
        """
        events = self._events(collection_id, new)
        if self.registrations is None or not events:
            return store_faces()
        with self.records.transaction():
            known = self.faces.get_faces(collection_id, sorted(each.face_id for each in events))
            stored = {face.record.face_id for face in known}
            self.registrations.put_events(
                [each for each in events if each.face_id not in stored], self.clock()
            )
            return store_faces()

    def delete_events(self, collection_id: str, removed: Sequence[str]) -> None:
        """Delete the events of removed faces; some stores delete them with the faces already.

        Raises:
            ConflictError: Too many concurrent changes of an event.
        """
        if self.registrations is not None and removed:
            self.registrations.delete_events(collection_id, removed)

    def _events(self, collection_id: str, new: Sequence[StoredFace]) -> list[MatchEvent]:
        """Return one event per registered person and photo, for the best matching face."""
        if self.registrations is None or not new:
            return []
        now = self.clock()
        registered = {
            user.user_id
            for user in self.registrations.list_registered(collection_id)
            if user.registration is not None and user.registration.is_active(now) and user.face_ids
        }
        if not registered:
            return []
        collection = self.records.get_collection(collection_id)
        threshold = max(
            collection.threshold or 0.0, similarity.threshold_at(TARGET_FMR, len(registered))
        )
        best: dict[tuple[str, str], MatchEvent] = {}
        for face in self._near(collection_id, new, registered, threshold):
            match = self._match(collection_id, face, threshold)
            if match is not None and match.user.user_id in registered:
                event = _event(collection, face, match, now)
                photo = (event.image_id, event.user_id)
                # nobody appears twice in a photo
                if photo not in best or event.similarity > best[photo].similarity:
                    best[photo] = event
        return sorted(best.values(), key=lambda event: event.event_id)

    def _near(
        self,
        collection_id: str,
        new: Sequence[StoredFace],
        registered: set[str],
        threshold: float,
    ) -> list[StoredFace]:
        """Return the faces that are near enough to a registered person to be compared."""
        stats = [scoring.stats_of_stored(face, self.cohort) for face in new]
        found = user_vectors.nearest_users(
            self.faces,
            collection_id,
            np.stack([face.embedding for face in new]),
            limit=NEAREST,
            max_distance=max(scoring.reach(threshold, own) for own in stats),
        )
        return [face for face, users in zip(new, found, strict=True) if registered & users.keys()]

    def _match(self, collection_id: str, face: StoredFace, threshold: float) -> UserMatch | None:
        """Return the person whom a face shows; None if nobody matches, or two do about equally."""
        margin = normalisation.score_of_similarity(threshold) + decision.MARGIN
        matches, _ = person_search.search_users(
            face.embedding,
            collection_id=collection_id,
            faces=self.faces,
            records=self.records,
            cohort=self.cohort,
            threshold=min(threshold, normalisation.similarity_of_score(margin)),
            limit=2,
        )
        if not matches or not scoring.is_match(matches[0].similarity, threshold):
            return None
        scores = [normalisation.score_of_similarity(match.similarity) for match in matches]
        if any(decision.is_close(score, scores[0]) for score in scores[1:]):
            return None
        return matches[0]


def _event(collection: Collection, face: StoredFace, match: UserMatch, now: float) -> MatchEvent:
    record, user_id = face.record, match.user.user_id
    return MatchEvent(
        event_id_of(collection, user_id, record.face_id),
        collection.collection_id,
        user_id,
        record.face_id,
        record.image_id,
        record.external_image_id,
        record.source,
        match.similarity,
        now,
    )
