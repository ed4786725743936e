"""A ``VectorStore`` in memory, without transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facerec.core.override import override
from facerec.core.protocols.vectors import VectorStore
from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord


class MemoryVectors(VectorStore):
    """Keeps vectors in dictionaries; its reads never lag its writes.

    Attributes:
        content: The vectors by namespace and id; no namespace is empty.
    """

    def __init__(self) -> None:
        self.content: dict[str, dict[str, Vector]] = {}

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        kept = {vector.id for vectors in groups.values() for vector in vectors}
        own = self.content.get(namespace, {})
        stale = sorted(key for key, each in own.items() if each.group in groups and key not in kept)
        self.add_vectors(namespace, groups)
        self.delete_vectors(namespace, stale)
        return stale

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        added = {vector.id: vector for vectors in groups.values() for vector in vectors}
        if added:
            self.content.setdefault(namespace, {}).update(added)

    @override
    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        own = self.content.get(namespace, {})
        for key in changes.keys() & own.keys():
            vector = own[key]
            own[key] = Vector(key, {**vector.metadata, **changes[key]}, vector.values)

    @override
    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        found: dict[str, list[VectorRecord]] = {}
        for _, vector in sorted(self._seen(namespace).items()):
            if vector.group in groups:
                found.setdefault(vector.group, []).append(vector)
        return found

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        own = self._seen(namespace).values()
        return [
            sorted(
                (
                    VectorMatch(each.id, each.metadata, distance)
                    for each in own
                    if (distance := float(np.linalg.norm(each.values - probe))) <= max_distance
                ),
                key=lambda match: match.distance,
            )[:limit]
            for probe in probes
        ]

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        own = self._seen(namespace)
        return [own[each] for each in dict.fromkeys(ids) if each in own]

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        own = self._seen(namespace)
        return [own[key] for key in sorted(own) if after is None or key > after][:limit]

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        own = self.content.get(namespace, {})
        deleted = [each for each in dict.fromkeys(ids) if own.pop(each, None) is not None]
        if not own:
            self.content.pop(namespace, None)
        return deleted

    @override
    def delete_namespace(self, namespace: str) -> None:
        self.content.pop(namespace, None)

    @override
    def count_vectors(self, namespace: str) -> int:
        return len(self._seen(namespace))

    @override
    def stored_namespaces(self, names: Iterable[str]) -> set[str]:
        return self.content.keys() & set(names)

    @override
    def expect_empty(self, namespace: str) -> None:
        pass

    @override
    def close(self) -> None:
        pass

    def _seen(self, namespace: str) -> Mapping[str, Vector]:
        return self.content.get(namespace, {})


class LateVectors(MemoryVectors):
    """Vectors whose deletion is shown late, as by Pinecone."""

    def __init__(self) -> None:
        super().__init__()
        self._deleted: dict[str, dict[str, Vector]] = {}

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        own = self.content.get(namespace, {})
        gone = {each: own[each] for each in ids if each in own}
        self._deleted.setdefault(namespace, {}).update(gone)
        return super().delete_vectors(namespace, ids)

    @override
    def _seen(self, namespace: str) -> Mapping[str, Vector]:
        return {**self._deleted.get(namespace, {}), **self.content.get(namespace, {})}

    def settle(self, _seconds: float = 0.0) -> None:
        """Show all deletions."""
        self._deleted.clear()
