"""Statements about the faces of a collection, which clustering obeys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.batches import batches
from facerec.core.limits import MAX_PAGE
from facerec.gallery.listing import all_corrections
from facerec.gallery.people.corrections import people_by_face
from facerec.gallery.people.names import person_names

if TYPE_CHECKING:
    from facerec.core.protocols.clusters import ClusterStore
    from facerec.core.protocols.records import RecordStore
    from facerec.core.records import Correction
    from facerec.storage.faces import FaceStore

IDS_AT_ONCE = 50_000
"""Maximum number of faces in one request to a store."""


class Statements:
    """Statements about the faces of a collection: people, corrections and ignored clusters."""

    def __init__(
        self,
        collection_id: str,
        *,
        clusters: ClusterStore,
        faces: FaceStore,
        records: RecordStore,
        corrections: Iterable[Correction] | None = None,
    ) -> None:
        """Read the statements; by default with all corrections of the collection."""
        self.collection_id, self.clusters = collection_id, clusters
        self._faces, self._records = faces, records
        self.ignored = clusters.ignored_clusters(collection_id)
        if corrections is None:
            corrections = all_corrections(collection_id, records=records)
        self.denied = people_by_face(corrections)
        self.people = frozenset[str]().union(*self.denied.values())

    def owners(self, face_ids: Sequence[str]) -> dict[str, str]:
        """Return the id of the person that each face is associated with, by face id."""
        owners: dict[str, str] = {}
        for some in batches(face_ids, IDS_AT_ONCE):
            owners |= self._records.users_of_faces(self.collection_id, some)
        return owners

    def names(
        self, face_ids: Sequence[str], owners: Mapping[str, str]
    ) -> dict[str, frozenset[str]]:
        """Return the names that corrections use for the person whom a face shows, by face id."""
        names: dict[str, frozenset[str]] = {}
        for some in batches(face_ids if self.people else (), MAX_PAGE):
            for face in self._faces.get_faces(self.collection_id, some):
                face_id = face.record.face_id
                own = person_names(face.record, owners.get(face_id))
                names[face_id] = (own - self.denied.get(face_id, frozenset())) & self.people
        return names

    def take_apart(self) -> None:
        """Remove faces from clusters to which, by newer statements, they do not belong.

        Raises:
            ConflictError: Too many concurrent changes of the clusters.
        """
        not_faces = self.clusters.list_not_faces(self.collection_id)
        left = [
            *self.clusters.clusters_of_faces(self.collection_id, not_faces),
            *self._of_other_users(),
            *self._denied_in_clusters(),
        ]
        if left:
            self.clusters.leave_clusters(self.collection_id, left)

    def take_denied_out(self) -> None:
        """Remove faces from clusters with a person whom they were stated not to show.

        Raises:
            ConflictError: Too many concurrent changes of the clusters.
        """
        if left := list(self._denied_in_clusters()):
            self.clusters.leave_clusters(self.collection_id, left)

    def _of_other_users(self) -> Iterator[str]:
        """Yield the faces of all but the most frequent person in clusters of several people."""
        mixed = self.clusters.mixed_clusters(self.collection_id)
        members = self.clusters.members_of_clusters(self.collection_id, mixed)
        for number in mixed:
            owners = self.owners(members[number])
            users = list(owners.values())
            kept = min(set(users), key=lambda user: (-users.count(user), user))
            yield from (face_id for face_id, user in owners.items() if user != kept)

    def _denied_in_clusters(self) -> Iterator[str]:
        """Yield the faces whose cluster contains a person whom they do not show.

        Faces of ignored clusters are omitted.
        """
        numbers = self.clusters.clusters_of_faces(self.collection_id, list(self.denied))
        shown = sorted({*numbers.values()} - self.ignored)
        for members in self.clusters.members_of_clusters(self.collection_id, shown).values():
            names = self.names(members, self.owners(members))
            for face_id in members:
                others = (names.get(each, frozenset()) for each in members if each != face_id)
                if not self.denied.get(face_id, frozenset()).isdisjoint(
                    frozenset[str]().union(*others)
                ):
                    yield face_id
