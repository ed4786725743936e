"""Requests to a namespace of a Pinecone index, within Pinecone's limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from facerec.core.arrays import np
from facerec.core.batches import batches
from facerec.core.vectors import Metadata, Vector
from facerec.errors import ConfigurationError, NotFoundError, StoreUnavailableError
from facerec.storage.pinecone.batches import Record, upserts
from facerec.storage.pinecone.limits import (
    IDS_PER_DELETE,
    IDS_PER_FETCH,
    IDS_PER_PAGE,
    VALUES_PER_FILTER,
    VECTORS_PER_FETCH_BY_METADATA,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pinecone import Index

    from facerec.storage.pinecone.requests import Requests


class VectorIndex:
    """A Pinecone index, accessed with the official client.

    Methods raise the errors of ``facerec.storage.pinecone.errors``.

    Args:
        index: The client's index.
        requests: Sends the requests.
    """

    def __init__(self, index: Index, requests: Requests) -> None:
        self._index = index
        self._requests = requests

    def upsert(self, namespace: str, groups: Mapping[str, Sequence[Vector]]) -> None:
        """Write the vectors of groups.

        Raises:
            ValueError: The metadata of a vector is too long; nothing was written.
            StoreUnavailableError: Some batches may have been written.
        """

        def write(batch: list[Record]) -> int:
            return self._index.upsert(vectors=batch, namespace=namespace).upserted_count

        batches = list(upserts(groups))
        written = self._requests.send_each(write, batches)
        for batch, count in zip(batches, written, strict=True):
            if count != len(batch):
                raise StoreUnavailableError(
                    f"Pinecone accepted {count} of {len(batch)} vectors", "try again"
                )

    def fetch(self, namespace: str, ids: Iterable[str]) -> dict[str, Vector]:
        """Return the stored vectors by id; unknown ids are omitted."""

        def fetch(chunk: list[str]) -> Mapping[str, Any]:
            return self._index.fetch(ids=chunk, namespace=namespace).vectors

        found: dict[str, Vector] = {}
        for vectors in self._requests.send_each(fetch, batches(ids, IDS_PER_FETCH)):
            found.update(_vectors(vectors))
        return found

    def fetch_by_field(
        self, namespace: str, field: str, values: Iterable[str]
    ) -> dict[str, Vector] | None:
        """Return the vectors, by id, whose metadata has one of these values in a field.

        https://docs.pinecone.io/reference/api/2025-10/data-plane/fetch_by_metadata

        Returns:
            None if the namespace does not exist, or the server does not support such requests.
        """
        found: dict[str, Vector] = {}

        def page(chunk: list[str], token: str | None) -> str | None:
            answer = self._index.fetch_by_metadata(
                filter={field: {"$in": chunk}},
                namespace=namespace,
                limit=VECTORS_PER_FETCH_BY_METADATA,
                pagination_token=token,
            )
            found.update(_vectors(answer.vectors))
            return (answer.pagination.next or None) if answer.pagination else None

        try:
            for chunk in batches(values, VALUES_PER_FILTER):
                token = self._requests.send(partial(page, chunk, None))
                while token is not None:
                    token = self._requests.send(partial(page, chunk, token))
        except (NotFoundError, ConfigurationError):
            return None
        return found

    def change_metadata(self, namespace: str, changes: Mapping[str, Metadata]) -> None:
        """Set fields of the metadata of vectors; unknown ids are ignored.

        https://docs.pinecone.io/guides/manage-data/update-data
        """

        def change(item: tuple[str, Metadata]) -> None:
            vector_id, fields = item
            with suppress_not_found():
                self._index.update(id=vector_id, set_metadata=dict(fields), namespace=namespace)

        for _ in self._requests.send_each(change, list(changes.items())):
            pass

    def delete(self, namespace: str, ids: Iterable[str]) -> None:
        """Delete vectors. Unknown ids are ignored."""

        def delete(chunk: list[str]) -> None:
            # A namespace without records does not exist.
            with suppress_not_found():
                self._index.delete(ids=chunk, namespace=namespace)

        for _ in self._requests.send_each(delete, batches(ids, IDS_PER_DELETE)):
            pass

    def delete_namespace(self, namespace: str) -> None:
        """Delete a namespace with all its vectors. An unknown namespace is not an error."""
        with suppress(NotFoundError):
            self._requests.send(lambda: self._index.delete(delete_all=True, namespace=namespace))
        # An emptied namespace still counts towards the plan's limit of namespaces.
        with suppress(NotFoundError):
            self._requests.send(lambda: self._index.delete_namespace(name=namespace))

    def list_ids(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids with a prefix in order; each page is requested when it is reached."""
        token: str | None = None
        while True:
            ids, token = self._requests.send(lambda: self._page(namespace, prefix, token))  # noqa: B023
            yield from ids
            if token is None:
                return

    def is_empty(self, namespace: str) -> bool:
        """Return whether the namespace has no vector, in one request."""
        ids, _ = self._requests.send(lambda: self._page(namespace, "", None, limit=1))
        return not ids

    def ids_of_groups(self, namespace: str, groups: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the ids of each group, with at least one request per group."""
        names = list(groups)

        def first_page(group: str) -> tuple[list[str], str | None]:
            return self._page(namespace, group, None)

        found = {}
        pages = self._requests.send_each(first_page, names)
        for group, (ids, token) in zip(names, pages, strict=True):
            more = self.list_ids(namespace, group) if token else ()
            found[group] = frozenset((*ids, *more))
        return found

    def query(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        limit: int,
        *,
        include_metadata: bool,
    ) -> Iterator[list[Any]]:
        """Yield the matches of each probe: id, score (the squared distance), metadata."""

        def query(probe: list[float]) -> list[Any]:
            return list(
                self._index.query(
                    vector=probe,
                    top_k=limit,
                    namespace=namespace,
                    include_metadata=include_metadata,
                ).matches
            )

        return self._requests.send_each(query, probes.tolist())

    def count(self, namespace: str) -> int:
        """Return the number of vectors of the namespace; recent writes may be missing."""
        stats = self._requests.send(self._index.describe_index_stats)
        summary = stats.namespaces.get(namespace)
        return 0 if summary is None else summary.vector_count

    def namespaces(self) -> set[str]:
        """Return the names of all namespaces; recent ones may be missing."""
        stats = self._requests.send(self._index.describe_index_stats)
        return set(stats.namespaces)

    def close(self) -> None:
        """Close threads and connections."""
        self._requests.close()
        self._index.close()

    def _page(
        self, namespace: str, prefix: str, token: str | None, limit: int = IDS_PER_PAGE
    ) -> tuple[list[str], str | None]:
        page = self._index.list_paginated(
            prefix=prefix or None, limit=limit, pagination_token=token, namespace=namespace
        )
        ids = [item.id for item in page.vectors if item.id is not None]
        return ids, (page.pagination.next or None) if page.pagination else None


def _vectors(answer: Mapping[str, Any]) -> dict[str, Vector]:
    """Return the vectors in a response of the client, by id."""
    return {
        vector_id: Vector(vector_id, vector.metadata, np.array(vector.values, np.float32))
        for vector_id, vector in answer.items()
    }


def suppress_not_found() -> suppress:
    """Return a context that ignores the client's "not found" error."""
    from pinecone.errors import NotFoundError as PineconeNotFoundError

    return suppress(PineconeNotFoundError)
