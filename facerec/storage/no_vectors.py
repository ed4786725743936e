"""A store that keeps no vectors, for a job whose faces an import stores at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.override import override
from facerec.core.protocols.vectors import VectorStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord


class NoVectors(VectorStore):
    """A ``VectorStore`` that ignores vectors put into it, and is always empty."""

    @override
    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        return []

    @override
    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        return

    @override
    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        return

    @override
    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        return {}

    @override
    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        return [[] for _ in probes]

    @override
    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        return []

    @override
    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        return []

    @override
    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        return []

    @override
    def delete_namespace(self, namespace: str) -> None:
        return

    @override
    def count_vectors(self, namespace: str) -> int:
        return 0

    @override
    def stored_namespaces(self, names: Iterable[str]) -> set[str]:
        return set()

    @override
    def expect_empty(self, namespace: str) -> None:
        return

    @override
    def close(self) -> None:
        return
