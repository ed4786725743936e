"""Operations on unknown people: clusters of faces, and statements about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.history import Action
from facerec.core.limits import DEFAULT_CLUSTERS, MAX_CLUSTER_PAGE
from facerec.core.names import checked_person, checked_user_id
from facerec.errors import (
    ClusterNotFoundError,
    FaceInUseError,
    InvalidInputError,
    UserExistsError,
    UserNotFoundError,
)
from facerec.gallery.deferred import cluster_results, core_clusters
from facerec.gallery.operations.corrections import CorrectionOperations
from facerec.gallery.operations.faces import require_stored
from facerec.gallery.operations.merging import MergeOperations
from facerec.gallery.operations.recorded import recorded
from facerec.gallery.paging import checked_integer, checked_limit, listing_of
from facerec.gallery.people.names import display_names
from facerec.gallery.scores.similarity import checked_threshold

if TYPE_CHECKING:
    from facerec.core.clusters import Cluster
    from facerec.core.protocols.clusters import ClusterStore
    from facerec.core.records import Collection, FaceRecord
    from facerec.gallery.clusters import clustering
    from facerec.gallery.clusters.cluster_results import ClusterPage, ClusterSummary
    from facerec.gallery.people import associations
    from facerec.gallery.people.associations import AssociationOutcome
else:
    associations = DeferredModule("facerec.gallery.people.associations")
    clustering = DeferredModule("facerec.gallery.clusters.clustering")

MAX_THREADS = 1024
"""Maximum number of threads that a caller can ask for."""


class ClusterOperations(CorrectionOperations, MergeOperations):
    """The operations of a gallery on clusters."""

    def cluster_faces(
        self, collection_id: str, *, pair_threshold: float | None = None, threads: int = 1
    ) -> clustering.ClusteringResult:
        """Cluster the faces that have been stored since the last clustering.

        New faces join clusters or create them, and clusters that a new face connects are merged.
        Faces of known people take part too, so that more faces of them are found. Earlier
        statements remain in effect: people keep their faces, ignored clusters stay ignored, and
        corrections are obeyed.

        Args:
            collection_id: Id of the collection.
            pair_threshold: Minimum similarity, 0 to 1, of two faces that connect clusters. By
                default it depends on the number of faces.
            threads: Number of threads to use, 1 to 1024.

        Raises:
            InvalidInputError: ``pair_threshold`` or ``threads`` is out of range, or the stores
                do not support clusters.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes of the clusters, or the deletion of the
                collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ModelMismatchError: No engine of the gallery has the collection's model version.
        """
        checked_integer("threads", threads, MAX_THREADS)
        collection = self.check_clustering(collection_id, pair_threshold=pair_threshold)
        return clustering.cluster_faces(
            collection_id,
            clusters=self._cluster_store(),
            faces=self._faces,
            records=self._records,
            cohort=self._engine_of(collection),
            pair_threshold=pair_threshold,
            threads=threads,
        )

    def check_clustering(
        self, collection_id: str, *, pair_threshold: float | None = None
    ) -> Collection:
        """Check that the faces of a collection can be clustered, before a job does it.

        Args:
            collection_id: Id of the collection.
            pair_threshold: See ``cluster_faces``.

        Returns:
            The collection.

        Raises:
            InvalidInputError: ``pair_threshold`` is out of range, or the stores do not support
                clusters.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: The deletion of the collection is not finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ModelMismatchError: No engine of the gallery has the collection's model version.
        """
        self._cluster_store()
        if pair_threshold is not None:
            checked_threshold(pair_threshold)
        return self._get_comparable_to_change(collection_id)

    def list_clusters(
        self, collection_id: str, *, next_token: str | None = None, limit: int = DEFAULT_CLUSTERS
    ) -> ClusterPage:
        """Return a page of the clusters with faces that nobody has named, largest first.

        Ignored clusters, clusters of a single face, and clusters with a person who has the maximum
        number of faces are omitted.

        Raises:
            InvalidInputError: ``limit`` is not between 1 and 500, or the stores do not support
                clusters.
            CollectionNotFoundError: The collection does not exist.
            InvalidPageTokenError: The token belongs to another listing or has expired.
        """
        checked_limit(limit, MAX_CLUSTER_PAGE)
        clusters = self._cluster_store()
        listing = listing_of("clusters", self._get(collection_id))
        last = self._after(listing, next_token)
        after = None
        if last is not None:
            size, _, number = last.partition(":")
            after = (int(size), int(number))
        found = clusters.list_clusters(
            collection_id,
            after=after,
            limit=limit + 1,
            max_faces=associations.MAX_FACES_OF_USER,
        )
        page = found[:limit]
        token = None
        if len(found) > limit:
            token = self._token(listing, f"{len(page[-1].face_ids)}:{page[-1].number}")
        return cluster_results.ClusterPage(
            collection_id, self._summaries(collection_id, page), token
        )

    def describe_cluster(self, collection_id: str, cluster_id: str) -> ClusterSummary:
        """Return a cluster, even if it is ignored.

        Raises:
            InvalidInputError: The stores do not support clusters.
            CollectionNotFoundError: The collection does not exist.
            ClusterNotFoundError: The collection has no such cluster.
        """
        found = self._summaries(collection_id, [self._cluster(collection_id, cluster_id)])
        if not found:
            raise ClusterNotFoundError(cluster_id)
        return found[0]

    @recorded(Action.NAME_CLUSTER)
    def name_cluster(
        self, collection_id: str, cluster_id: str, user_id: str, *, name: str | None = None
    ) -> AssociationOutcome:
        """Associate the faces of a cluster with a person, who is created if nobody has the id.

        A person is created together with the faces.

        Args:
            collection_id: Id of the collection.
            cluster_id: Id of the cluster.
            user_id: Id of a person.
            name: Display name of a person who is created.

        Returns:
            The outcome. Faces beyond the maximum per person are listed as failed; they count as
            the person's, so that the cluster is not listed again.

        Raises:
            InvalidInputError: ``user_id`` or ``name`` is not valid, or the stores do not support
                clusters.
            CollectionNotFoundError: The collection does not exist.
            ClusterNotFoundError: The collection has no such cluster, or all its faces were deleted
                or named concurrently.
            UserNameExistsError: Another person has the name, perhaps in a different case.
            QuotaExceededError: The person has the maximum number of faces.
            ConflictError: Too many concurrent changes of the person, or the collection is being
                deleted or switched to another model version.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
        """
        checked_user_id(user_id)
        self._get_to_change(collection_id)
        cluster = self._cluster(collection_id, cluster_id)
        user = self._new_user(user_id, name)
        if not self._records.get_users(collection_id, [user_id]):
            self._require_other_name(collection_id, user_id, user.name)
        with suppress(UserExistsError):
            created = self._create_with_faces(collection_id, user, cluster.face_ids)
            if created.changed:
                return created
        try:
            return self._associate(collection_id, user_id, cluster.face_ids, min_similarity=0.0)
        except UserNotFoundError:
            # the faces were deleted or named concurrently
            raise ClusterNotFoundError(cluster_id) from None

    @recorded(Action.IGNORE)
    def ignore_cluster(self, collection_id: str, cluster_id: str, *, ignored: bool = True) -> None:
        """Ignore a cluster and the faces that join it later, or suggest it again.

        Raises:
            InvalidInputError: The stores do not support clusters.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes, or the deletion of the collection is not
                finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ClusterNotFoundError: The collection has no such cluster.
        """
        self._get_to_change(collection_id)
        clusters, number = self._cluster_store(), _number(cluster_id)
        # A cluster whose faces all belong to a person now can still be suggested again.
        if ignored or number not in clusters.ignored_clusters(collection_id):
            number = self._cluster(collection_id, cluster_id).number
        clusters.set_ignored(collection_id, number, ignored=ignored)

    @recorded(Action.NOT_SAME)
    def not_same_cluster(self, collection_id: str, cluster_id: str, person: str) -> None:
        """Store the statement that the faces of a cluster do not show a person; see ``not_same``.

        If the statement is refused for one of the faces, it is stored for none. After an
        interruption, the same call stores the rest. If it raises ``ClusterNotFoundError``, the
        statement is complete and only the new cluster is missing: the next clustering processes the
        faces again.

        If the cluster contains faces of that person, its faces without a person move to a new
        cluster.

        Raises:
            InvalidInputError: ``person`` is not a name or is the id of a face of the cluster, or
                the stores do not support clusters.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes, or the deletion of the collection is not
                finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            ClusterNotFoundError: The collection has no such cluster.
            FaceNotFoundError: A face of the cluster was deleted concurrently.
            FaceInUseError: A face of the cluster was associated with the person concurrently.
            UserNotFoundError: No person and no face has the name ``person``.
            QuotaExceededError: The person would have more than the maximum number of corrections.
        """
        self._get_to_change(collection_id)
        checked_person(person)
        cluster = self._cluster(collection_id, cluster_id)
        self._correct(collection_id, cluster.face_ids, person)
        if cluster.user_id == person:
            clusters = self._cluster_store()
            clusters.leave_clusters(collection_id, cluster.face_ids)
            created = core_clusters.ClusterChanges({}, {}, [cluster.face_ids])
            clusters.save_clusters(collection_id, created, None)

    @recorded(Action.NOT_A_FACE)
    def not_a_face(self, collection_id: str, face_id: str, *, lift: bool = False) -> bool:
        """Mark a stored detection as not being a face, so that no cluster contains it.

        Args:
            collection_id: Id of the collection.
            face_id: Id of the stored face.
            lift: Whether to remove the statement instead.

        Returns:
            Whether this changed anything.

        Raises:
            InvalidInputError: ``face_id`` is not a face id, or the stores do not support clusters.
            CollectionNotFoundError: The collection does not exist.
            ConflictError: Too many concurrent changes, or the deletion of the collection is not
                finished.
            DeletedCollectionError: The collection was deleted, but an older copy of the database
                brought it back.
            FaceNotFoundError: The collection has no such face.
            FaceInUseError: The face is associated with a person, and ``lift`` is false.
        """
        clusters = self._cluster_store()
        self._get_to_change(collection_id)
        require_stored(collection_id, face_id, faces=self._faces)
        owner = self._records.users_of_faces(collection_id, [face_id]).get(face_id)
        if owner is not None and not lift:
            raise FaceInUseError(face_id, owner)
        changed = clusters.set_not_faces(collection_id, [face_id], lift=lift)
        if not lift:
            clusters.leave_clusters(collection_id, [face_id])
        return bool(changed)

    def _cluster_store(self) -> ClusterStore:
        if self._clusters is None:
            raise InvalidInputError(
                "the stores of this deployment do not support clusters of faces",
                "keep the records in SQLite or DynamoDB; see docs/people.md",
            )
        return self._clusters

    def _cluster(self, collection_id: str, cluster_id: str) -> Cluster:
        clusters = self._cluster_store()
        self._get(collection_id)
        number = _number(cluster_id)
        found = clusters.get_clusters(collection_id, [number]) if number else []
        if not found:
            raise ClusterNotFoundError(cluster_id)
        return found[0]

    def _summaries(
        self, collection_id: str, clusters: Sequence[Cluster]
    ) -> tuple[ClusterSummary, ...]:
        shown = [
            face_id for each in clusters for face_id in each.face_ids[: cluster_results.MAX_SHOWN]
        ]
        stored = self._faces.get_faces(collection_id, shown) if shown else []
        found = {face.record.face_id: face.record for face in stored}
        people = (each.user_id for each in clusters if each.user_id is not None)
        names = display_names(collection_id, people, records=self._records)
        summaries = []
        for each in clusters:
            own = [
                found[face] for face in each.face_ids[: cluster_results.MAX_SHOWN] if face in found
            ]
            if not own:
                # deleted concurrently
                continue
            best = max(own, key=_clarity)
            sources = dict.fromkeys((best.source, *(record.source for record in own)))
            summaries.append(
                cluster_results.ClusterSummary(
                    f"c{each.number}",
                    each.face_ids,
                    each.user_id,
                    names.get(each.user_id or ""),
                    each.ignored,
                    best,
                    tuple(source for source in sources if source),
                )
            )
        return tuple(summaries)


def _number(cluster_id: str) -> int:
    """Return the number in a cluster id; 0 if the text is not a cluster id."""
    well_formed = re.fullmatch(core_clusters.CLUSTER_ID_PATTERN, cluster_id)
    return int(cluster_id[1:]) if well_formed else 0


def _clarity(record: FaceRecord) -> tuple[bool, float]:
    """Return a sort key that is larger for faces that are easier to recognise."""
    return clustering.is_clear(record), record.quality.size * record.quality.sharpness
