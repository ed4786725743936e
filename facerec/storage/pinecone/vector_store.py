"""The vectors of a Pinecone index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from facerec.core.arrays import np
from facerec.core.batches import batches
from facerec.core.ids import group_of
from facerec.core.override import override
from facerec.core.protocols.vectors import READ_AT_ONCE, Result, VectorStore
from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord
from facerec.storage.checks import check_search, checked_groups
from facerec.storage.groups import records_by_group
from facerec.storage.pinecone.limits import MATCHES_WITH_METADATA
from facerec.storage.pinecone.listing import ids_after
from facerec.storage.pinecone.memory import GroupMemory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.storage.pinecone.index import VectorIndex


class PineconeVectors(VectorStore):
    """A ``VectorStore`` for any number of threads and processes; see ``open_pinecone_vectors``.

    Reads are eventually consistent, usually after seconds
    (https://docs.pinecone.io/guides/index-data/check-data-freshness), and nothing is a transaction:
    if two writers put different vectors for one group at the same time, the vectors of both may
    stay until the group is put again.
    """

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._expected_empty: set[str] = set()
        self._memory = GroupMemory()

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        """Replace the vectors of each group.

        Vectors are written first; then those that are no longer in the groups are deleted. To find
        these, groups are listed, unless this store listed them less than ``memory.SECONDS_LISTED``
        seconds ago. So ``get_groups`` followed by ``put_groups`` lists each group only once.

        Raises:
            StoreUnavailableError: Groups may still contain old vectors besides the new ones, and a
                group that is too large for one request may be incomplete; calling again corrects
                this.
            ValueError: A group or a vector is malformed, or its metadata is too long.
        """
        given = checked_groups(groups)
        known, unlisted = self._memory.recall(namespace, groups)
        listed = self._list_groups(namespace, unlisted)
        stored = frozenset[str]().union(*known.values(), *listed.values())
        written = {group: [vector.id for vector in vectors] for group, vectors in groups.items()}
        self._memory.add(namespace, written, listed=False)
        self._index.upsert(namespace, groups)
        stale = sorted(stored - given.keys())
        self._index.delete(namespace, stale)
        return stale

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        checked_groups(groups)
        written = {group: [vector.id for vector in vectors] for group, vectors in groups.items()}
        self._memory.add(namespace, written, listed=False)
        self._index.upsert(namespace, groups)

    @override
    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        """Set fields of metadata, with one request per vector."""
        self._index.change_metadata(namespace, changes)

    @override
    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        """Return vectors by group.

        With a shared field, many groups are looked up in one request. Otherwise there is a request
        per group, or one if the namespace is empty.
        """
        known, _ = self._memory.recall(namespace, groups)
        found = self._vectors_having(namespace, shared)
        if found is None:
            listed = self._list_groups(namespace, list(known))
            found = {}
        else:
            listed = _ids_by_group(known, found)
            self._memory.add(namespace, listed, listed=True)
        known = {group: known[group] | listed[group] for group in known}
        ids = (each for members in known.values() for each in sorted(members))
        found |= self._index.fetch(namespace, (each for each in ids if each not in found))
        records = {vector_id: vector.record for vector_id, vector in found.items()}
        return records_by_group(known, records)

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest vectors; distances have the precision of Pinecone's scores."""
        check_search(probes, limit)
        complete = limit <= MATCHES_WITH_METADATA
        answers = self._index.query(namespace, probes, limit, include_metadata=complete)
        near = [_within(matches, max_distance) for matches in answers]
        if complete:
            metadata = {match.id: match.metadata for matches in near for _, match in matches}
        else:
            ids = {match.id for matches in near for _, match in matches}
            vectors = self._index.fetch(namespace, sorted(ids))
            metadata = {vector.id: vector.metadata for vector in vectors.values()}
        return [
            [
                VectorMatch(match.id, metadata[match.id], distance)
                for distance, match in matches
                if match.id in metadata
            ]
            for matches in near
        ]

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        wanted = dict.fromkeys(ids)
        vectors = self._index.fetch(namespace, wanted)
        return [vectors[vector_id] for vector_id in wanted if vector_id in vectors]

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        """Return a page of vectors, with about one request per 50 vectors."""
        ids = ids_after(
            lambda prefix: self._index.list_ids(namespace, prefix),
            after,
            lambda: self._index.count(namespace),
        )
        records: list[VectorRecord] = []
        # Vectors deleted concurrently must not make a page look like the last one.
        while missing := list(islice(ids, limit - len(records))):
            vectors = self._index.fetch(namespace, missing)
            records += [vectors[each].record for each in missing if each in vectors]
        return records

    @override
    def map_vectors(
        self, namespace: str, convert: Callable[[Sequence[Vector]], Result]
    ) -> list[Result]:
        """Read all vectors: one request for the ids of 100 vectors, and one for the vectors."""
        ids = self._index.list_ids(namespace, "")
        pages = (self._index.fetch(namespace, some) for some in batches(ids, READ_AT_ONCE))
        return [convert(list(page.values())) for page in pages]

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Erase vectors; ids that cannot be read yet are erased, but not returned."""
        wanted = dict.fromkeys(ids)
        stored = self._index.fetch(namespace, wanted)
        self._index.delete(namespace, wanted)
        return [vector_id for vector_id in wanted if vector_id in stored]

    @override
    def delete_namespace(self, namespace: str) -> None:
        self._index.delete_namespace(namespace)

    @override
    def count_vectors(self, namespace: str) -> int:
        """Return the number of vectors; recent writes may be missing."""
        return self._index.count(namespace)

    @override
    def stored_namespaces(self, names: Iterable[str]) -> set[str]:
        """Return the names, among those given, that have vectors; recent ones may be missing."""
        return self._index.namespaces().intersection(names)

    @override
    def expect_empty(self, namespace: str) -> None:
        """Assume that a namespace is empty, so that its groups are not listed."""
        self._expected_empty.add(namespace)

    @override
    def close(self) -> None:
        self._index.close()

    def _vectors_having(
        self, namespace: str, shared: SharedField | None
    ) -> dict[str, Vector] | None:
        """Return the vectors with the values of a shared field; None if it cannot be used."""
        if shared is None or namespace in self._expected_empty:
            return None
        values = dict.fromkeys(shared.values.values())
        return self._index.fetch_by_field(namespace, shared.name, values)

    def _list_groups(self, namespace: str, groups: Sequence[str]) -> dict[str, frozenset[str]]:
        """List the ids of each group and remember them."""
        # If the namespace is empty, every group is empty.
        if namespace in self._expected_empty or (
            len(groups) > 1 and self._index.is_empty(namespace)
        ):
            listed = dict.fromkeys(groups, frozenset[str]())
        else:
            listed = self._index.ids_of_groups(namespace, groups)
        self._memory.add(namespace, listed, listed=True)
        return listed


def _ids_by_group(groups: Iterable[str], ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the ids that are in one of the groups, by group."""
    members: dict[str, set[str]] = {group: set() for group in groups}
    for vector_id in ids:
        if (group := group_of(vector_id)) in members:
            members[group].add(vector_id)
    return {group: frozenset(own) for group, own in members.items()}


def _within(matches: list[Any], max_distance: float) -> list[tuple[float, Any]]:
    """Return unique matches with their distances, ordered by distance, then by id."""
    # Rounding can make the score of an equal embedding negative.
    distances = {match.id: float(np.sqrt(max(0.0, match.score))) for match in matches}
    unique = {match.id: match for match in matches}
    near = [
        (distance, unique[vector_id])
        for vector_id, distance in distances.items()
        if distance <= max_distance
    ]
    return sorted(near, key=lambda found: (found[0], found[1].id))
