"""The vectors of a bucket of Amazon S3 Vectors."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from facerec.core.arrays import np
from facerec.core.ids import group_of
from facerec.core.override import override
from facerec.core.protocols.vectors import Result, VectorStore
from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord
from facerec.errors import ConflictError, InvalidInputError
from facerec.storage.checks import check_search, checked_groups
from facerec.storage.groups import records_by_group
from facerec.storage.s3vectors.indexes import DOCUMENT, Item, VectorIndexes
from facerec.storage.s3vectors.limits import (
    ANSWERED_BY_100,
    MAX_COMPARED,
    MAX_DOCUMENT,
    MIN_CANDIDATES,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ADDITIONS = 8
"""Maximum number of attempts to write the list of a group's vectors while others change it."""

_PLACEHOLDER = [1.0] + [0.0] * 127
"""Values of the marker of a group, which is never searched."""


class S3Vectors(VectorStore):
    """A ``VectorStore`` for any number of threads and processes; see ``open_s3_vectors``.

    A namespace has two indexes. One contains the vectors by id. The service cannot list by prefix
    or by metadata, so the other index contains the vector ids of each group. While a group is being
    written, it may list too many ids, but never too few.

    Writes can be read immediately:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors.html
    Nothing is a transaction: if two writers put different vectors for one group at the same time,
    the vectors of both may stay until the group is put again.

    The service's search is approximate, and its documentation does not state whether its Euclidean
    distances are squared. So its result is only used to choose candidates, whose distances are
    computed here.
    """

    def __init__(self, indexes: VectorIndexes) -> None:
        self._indexes = indexes
        self._expected_empty: set[str] = set()

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        """Replace the vectors of each group.

        Takes three requests for up to 100 groups and 500 vectors, or two after ``expect_empty``.
        If vectors are removed, further requests follow.

        Raises:
            StoreUnavailableError: Groups may still contain old vectors besides the new ones;
                calling again corrects this.
            ValueError: A group or a vector is malformed, or its metadata is too long.
        """
        given = checked_groups(groups)
        items = [_item(vector) for vector in given.values()]
        before = {} if namespace in self._expected_empty else self._members(namespace, groups)
        after = {group: [vector.id for vector in vectors] for group, vectors in groups.items()}
        stale = sorted({each for ids in before.values() for each in ids} - given.keys())
        union = {group: sorted({*before.get(group, ()), *ids}) for group, ids in after.items()}
        self._put_members(namespace, {group: ids for group, ids in union.items() if ids})
        self._indexes.put(_faces(namespace), items)
        if stale:
            self._indexes.delete(_faces(namespace), stale)
            self._put_members(namespace, {group: ids for group, ids in after.items() if ids})
        emptied = [group for group, ids in after.items() if not ids]
        self._indexes.delete(_groups(namespace), emptied)
        self._indexes.delete(_faces(namespace), stale)  # see change_metadata
        return stale

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        """Store vectors; see ``VectorStore``.

        Another writer that adds to a group concurrently may overwrite the list of the group's
        vectors, so the list is read again afterwards.

        Raises:
            ConflictError: Other writers have replaced the list after each attempt.
        """
        items = [_item(vector) for vector in checked_groups(groups).values()]
        added = {group: {each.id for each in vectors} for group, vectors in groups.items()}
        for _ in range(_ADDITIONS):
            named = self._members(namespace, added)
            unnamed = {
                group: sorted(ids.union(named.get(group, ())))
                for group, ids in added.items()
                if not ids.issubset(named.get(group, ()))
            }
            if unnamed:
                self._put_members(namespace, unnamed)
            if items:
                self._indexes.put(_faces(namespace), items)
                items = []
            elif not unnamed:
                return
        raise ConflictError("other callers are adding vectors to the same groups", "try again")

    @override
    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        """Set fields of metadata; takes three requests per 100 vectors.

        The service can only put whole vectors, which would restore one that is deleted
        concurrently. So a vector that is no longer listed in its group afterwards is deleted again,
        and a deletion deletes the vector a second time after removing it from its group.

        Raises:
            ValueError: The metadata of a vector would be too long; nothing was changed.
        """
        stored = self._indexes.get(_faces(namespace), changes, data=True)
        items = []
        for vector in map(_vector, stored.values()):
            fields = {**vector.metadata, **changes[vector.id]}
            items.append(_item(Vector(vector.id, fields, vector.values)))
        self._indexes.put(_faces(namespace), items)
        groups = {group_of(each) for each in stored}
        named = {each for ids in self._members(namespace, sorted(groups)).values() for each in ids}
        self._indexes.delete(_faces(namespace), sorted(stored.keys() - named))

    @override
    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        """Return vectors by group; takes a request per 100 groups and per 100 vectors."""
        del shared
        if namespace in self._expected_empty:
            return {}
        members = self._members(namespace, groups)
        wanted = [each for ids in members.values() for each in ids]
        stored = self._indexes.get(_faces(namespace), wanted, data=False)
        return records_by_group(members, {key: _record(item) for key, item in stored.items()})

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest vectors; takes two requests per probe, and more above 100 matches.

        In a region where a query returns at most 100 vectors, a search for more compares all
        vectors of a small namespace, unless fewer than 100 are within ``max_distance``.

        Raises:
            InvalidInputError: The namespace is too large to compare all vectors, and ``limit`` is
                above ``ANSWERED_BY_100``.
        """
        check_search(probes, limit)
        index, count = _faces(namespace), max(limit, MIN_CANDIDATES)
        candidates = self._indexes.query(index, probes.tolist(), count)
        found = self._compare(index, probes, candidates, limit, max_distance)
        if limit <= self._indexes.max_neighbours:
            return found
        # The farthest candidate is near enough, so other vectors may be near enough too.
        if all(len(matches) < self._indexes.max_neighbours for matches in found):
            return found
        keys = self._indexes.keys(index)
        if len(keys) <= MAX_COMPARED:
            return self._compare(index, probes, [keys] * len(probes), limit, max_distance)
        if limit <= ANSWERED_BY_100:
            return found
        raise InvalidInputError(
            f"S3 Vectors returns at most {self._indexes.max_neighbours} matches in this region",
            "use a lower limit or a higher threshold",
        )

    def _compare(
        self,
        index: str,
        probes: NDArray[np.float32],
        candidates: Sequence[Sequence[str]],
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest of the candidates of each probe, by their exact distances."""
        wanted = dict.fromkeys(key for keys in candidates for key in keys)
        items = self._indexes.get(index, wanted, data=True)
        vectors = {key: _vector(item) for key, item in items.items()}
        return [
            _nearest(probe, [vectors[key] for key in keys if key in vectors], limit, max_distance)
            for probe, keys in zip(probes, candidates, strict=True)
        ]

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        wanted = dict.fromkeys(ids)
        items = self._indexes.get(_faces(namespace), wanted, data=True)
        return [_vector(items[each]) for each in wanted if each in items]

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        """Return vectors ordered by id. Each call lists the ids of the whole namespace."""
        index = _faces(namespace)
        keys = [key for key in self._indexes.keys(index) if after is None or key > after]
        records: list[VectorRecord] = []
        # vectors deleted concurrently must not make a page look like the last one
        while len(records) < limit and keys:
            page, keys = keys[: limit - len(records)], keys[limit - len(records) :]
            items = self._indexes.get(index, page, data=False)
            records += [_record(items[key]) for key in page if key in items]
        return records

    @override
    def map_vectors(
        self, namespace: str, convert: Callable[[Sequence[Vector]], Result]
    ) -> list[Result]:
        """Read all vectors: one request for each page of the service, which has 1 MB at most."""
        return self._indexes.map_all(
            _faces(namespace), lambda items: convert([_vector(item) for item in items])
        )

    @override
    def stored_ids(self, namespace: str, ids: Sequence[str]) -> set[str]:
        """Return the stored ids; takes one request per 100."""
        return set(self._indexes.get(_faces(namespace), dict.fromkeys(ids), data=False))

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        wanted = list(dict.fromkeys(ids))
        stored = self._indexes.get(_faces(namespace), wanted, data=False)
        self._indexes.delete(_faces(namespace), wanted)
        gone = set(wanted)
        groups = {_record(item).group for item in stored.values()}
        members = self._members(namespace, sorted(groups))
        left = {group: [each for each in ids if each not in gone] for group, ids in members.items()}
        self._put_members(namespace, {group: ids for group, ids in left.items() if ids})
        self._indexes.delete(_groups(namespace), [group for group, ids in left.items() if not ids])
        self._indexes.delete(_faces(namespace), list(stored))  # see change_metadata
        return [each for each in wanted if each in stored]

    @override
    def delete_namespace(self, namespace: str) -> None:
        for index in index_names(namespace):
            self._indexes.drop(index)

    @override
    def count_vectors(self, namespace: str) -> int:
        """Return the number of vectors; takes one request per 1,000, as no request counts them."""
        return len(self._indexes.keys(_faces(namespace)))

    @override
    def stored_namespaces(self, names: Iterable[str]) -> set[str]:
        """Return the names, among those given, that have an index; one request per 500 indexes."""
        indexes = self._indexes.names()
        return {each for each in names if indexes.intersection(index_names(each))}

    @override
    def expect_empty(self, namespace: str) -> None:
        """Assume that a namespace is empty, so that its groups are not looked up."""
        self._expected_empty.add(namespace)

    @override
    def close(self) -> None:
        self._indexes.close()

    def _members(
        self, namespace: str, groups: Sequence[str] | Mapping[str, object]
    ) -> dict[str, list[str]]:
        items = self._indexes.get(_groups(namespace), groups, data=False)
        return {key: json.loads(item["metadata"][DOCUMENT]) for key, item in items.items()}

    def _put_members(self, namespace: str, members: Mapping[str, Sequence[str]]) -> None:
        items = [
            {
                "key": group,
                "data": {"float32": _PLACEHOLDER},
                "metadata": {DOCUMENT: json.dumps(list(ids))},
            }
            for group, ids in members.items()
        ]
        self._indexes.put(_groups(namespace), items)


def _item(vector: Vector) -> Item:
    document = json.dumps(dict(vector.metadata), ensure_ascii=False)
    if len(document.encode()) > MAX_DOCUMENT:
        raise ValueError(f"the metadata of vector {vector.id} exceeds {MAX_DOCUMENT} bytes")
    return {
        "key": vector.id,
        "data": {"float32": vector.values.tolist()},
        "metadata": {DOCUMENT: document},
    }


def _record(item: Item) -> VectorRecord:
    return VectorRecord(item["key"], json.loads(item["metadata"][DOCUMENT]))


def _vector(item: Item) -> Vector:
    record = _record(item)
    return Vector(record.id, record.metadata, np.array(item["data"]["float32"], np.float32))


def _nearest(
    probe: NDArray[np.float32], vectors: Sequence[Vector], limit: int, max_distance: float
) -> list[VectorMatch]:
    if not vectors:
        return []
    differences = np.stack([vector.values for vector in vectors]).astype(np.float64) - probe
    distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
    matches = [
        VectorMatch(vector.id, vector.metadata, float(distance))
        for vector, distance in zip(vectors, distances, strict=True)
        if distance <= max_distance
    ]
    return sorted(matches, key=lambda match: (match.distance, match.id))[:limit]


def index_names(namespace: str) -> tuple[str, str]:
    """Return the names of the indexes of a namespace; the indexes need not exist."""
    return _faces(namespace), _groups(namespace)


def _faces(namespace: str) -> str:
    return f"vectors-{_digest(namespace)}"


def _groups(namespace: str) -> str:
    return f"groups-{_digest(namespace)}"


def _digest(namespace: str) -> str:
    """Return a digest of a namespace, since index names must be short and in lower case."""
    digest = hashlib.sha256(namespace.encode()).digest()[:25]
    return base64.b32encode(digest).decode().lower()
