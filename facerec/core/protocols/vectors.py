"""The protocol of stores of vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from facerec.core.batches import batches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.vectors import Metadata, SharedField, Vector, VectorMatch, VectorRecord

Result = TypeVar("Result")

READ_AT_ONCE = 1000
"""Number of vectors per page of ``map_vectors``, unless the store's own pages are smaller."""


class VectorStore(Protocol):
    """Vectors with metadata, in namespaces.

    The vectors of a group are replaced together. Storing the first vector creates a namespace; an
    unknown namespace has no vectors. In some stores, reads are eventually consistent: they may miss
    vectors that were written seconds ago. Each method raises a ``FacerecError``, such as
    ``StoreUnavailableError``, if the store fails.
    """

    def put_groups(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> list[str]:
        """Replace the vectors of each group.

        When the call returns, everything is durable. Putting the same vectors again changes
        nothing.

        Args:
            namespace: A namespace.
            groups: Vectors by group (see ``facerec.core.ids.group_of``); a group without vectors
                is deleted.

        Returns:
            The ids of the vectors that were removed from the groups, in order. A store with
            eventually consistent reads may include ids that were deleted earlier.

        Raises:
            ValueError: A group or a vector is malformed; nothing was stored.
            StoreUnavailableError: No groups, or only some of them, were stored.
        """
        ...

    def add_vectors(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        """Add vectors to their groups; the other vectors of a group do not change.

        Args:
            namespace: A namespace.
            groups: The vectors to store, by group.

        Raises:
            ValueError: A group or a vector is malformed; nothing was stored.
            ConflictError: In a store without transactions, other writers kept adding vectors to the
                same groups; the vectors may have been stored.
            StoreUnavailableError: No vectors, or only some of them, were stored.
        """
        ...

    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        """Set fields of the metadata of stored vectors, and change nothing else of them.

        A vector that is deleted concurrently stays deleted.

        Args:
            namespace: A namespace.
            changes: The fields to set, by id; unknown ids are ignored.

        Raises:
            StoreUnavailableError: None, or only some, of the vectors were changed.
        """
        ...

    def get_groups(
        self, namespace: str, groups: Sequence[str], *, shared: SharedField | None = None
    ) -> dict[str, list[VectorRecord]]:
        """Return the vectors of the groups by group, ordered by id; empty groups are omitted.

        Args:
            namespace: A namespace.
            groups: Groups that may have vectors.
            shared: A field by which the vectors of all these groups can be found. A store that
                pays for each group can then look up many groups in one request.
        """
        ...

    def search(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        *,
        limit: int,
        max_distance: float,
    ) -> list[list[VectorMatch]]:
        """Return the nearest vectors of each probe, nearest first.

        A store may search large namespaces approximately, and omit some of the nearest vectors.

        Args:
            namespace: A namespace.
            probes: float32, shape (n, 128).
            limit: Maximum number of matches per probe, 1 to 8192.
            max_distance: Maximum Euclidean distance, inclusive.

        Raises:
            InvalidInputError: The store cannot return that many matches.
            ValueError: The probes are malformed, or ``limit`` is out of range.
        """
        ...

    def get_vectors(self, namespace: str, ids: Sequence[str]) -> list[Vector]:
        """Return the stored vectors in the order of ``ids``; unknown ids are omitted."""
        ...

    def list_vectors(
        self, namespace: str, *, after: str | None = None, limit: int = 1000
    ) -> list[VectorRecord]:
        """Return vectors ordered by id, starting after the id ``after``."""
        ...

    def map_vectors(
        self, namespace: str, convert: Callable[[Sequence[Vector]], Result]
    ) -> list[Result]:
        """Read all vectors of a namespace once, and return the result of a function for each page.

        Only the results stay in memory. A vector that is written or deleted concurrently may be
        omitted, or be in two pages.

        Args:
            namespace: A namespace.
            convert: Called with the vectors of each page, in any order, perhaps in several threads.
        """
        results, after = list[Result](), None
        while records := self.list_vectors(namespace, after=after, limit=READ_AT_ONCE):
            results.append(convert(self.get_vectors(namespace, [each.id for each in records])))
            after = records[-1].id
        return results

    def stored_ids(self, namespace: str, ids: Sequence[str]) -> set[str]:
        """Return the ids, among those given, of stored vectors."""
        return {
            vector.id
            for some in batches(ids, READ_AT_ONCE)
            for vector in self.get_vectors(namespace, some)
        }

    def delete_vectors(self, namespace: str, ids: Sequence[str]) -> list[str]:
        """Erase vectors, including their bytes, and return the ids that were stored.

        A store with eventually consistent reads may omit ids that were stored recently.

        Raises:
            StoreUnavailableError: None, or only some, of the vectors were erased, or their bytes
                are still in a log; call this again.
        """
        ...

    def delete_namespace(self, namespace: str) -> None:
        """Erase all vectors of a namespace. An unknown namespace is not an error.

        Raises:
            StoreUnavailableError: None, or only some, of the vectors were erased, or their bytes
                are still in a log; call this again.
        """
        ...

    def count_vectors(self, namespace: str) -> int:
        """Return the number of vectors of a namespace."""
        ...

    def stored_namespaces(self, names: Iterable[str]) -> set[str]:
        """Return the names, among those given, that are namespaces; lists no vectors."""
        ...

    def version(self, namespace: str) -> str | None:
        """Return a text that changes when vectors are put or deleted, and in no other case.

        A restored backup never has the version of the data it replaces. Returns None if the store
        does not support versions, or has no such namespace.
        """
        return None

    def expect_empty(self, namespace: str) -> None:
        """Assume that a namespace had no vectors when this store was opened.

        A store that pays for each lookup of a group can then skip lookups. ``get_groups`` does not
        find, and ``put_groups`` does not replace, groups that other processes have stored since
        then.
        """
        ...

    def close(self) -> None:
        """Release files, threads and connections."""
        ...
