"""The requests that the store makes of one namespace, each within Pinecone's limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facerec.core.records import StoredFace
from facerec.errors import NotFoundError, StoreUnavailableError
from facerec.storage.pinecone.batches import Record, chunks, upserts
from facerec.storage.pinecone.limits import IDS_PER_DELETE, IDS_PER_FETCH, IDS_PER_PAGE
from facerec.storage.pinecone.metadata import from_metadata
from facerec.storage.pinecone.requests import Requests

if TYPE_CHECKING:
    from pinecone import Index


class FaceIndex:
    """One index, spoken to through the official client."""

    def __init__(self, index: Index, requests: Requests) -> None:
        """Take the client's handle and what sends the requests."""
        self._index = index
        self._requests = requests

    def upsert(self, namespace: str, images: Mapping[str, Sequence[StoredFace]]) -> None:
        """Write the faces of images.

        Raises:
            ValueError: the metadata of a face is too long; nothing was written.
            StoreUnavailableError: some batches may have been written.
        """

        def write(batch: list[Record]) -> int:
            return self._index.upsert(vectors=batch, namespace=namespace).upserted_count

        batches = list(upserts(images))
        written = self._requests.send_each(write, batches)
        for batch, count in zip(batches, written, strict=True):
            if count != len(batch):
                raise StoreUnavailableError(
                    f"Pinecone took {count} of {len(batch)} faces", "do the same again"
                )

    def fetch(self, namespace: str, face_ids: Iterable[str]) -> dict[str, StoredFace]:
        """Return those of the faces that are stored, by id."""

        def fetch(ids: list[str]) -> Mapping[str, Any]:
            return self._index.fetch(ids=ids, namespace=namespace).vectors

        found = {}
        for vectors in self._requests.send_each(fetch, chunks(face_ids, IDS_PER_FETCH)):
            for face_id, vector in vectors.items():
                record = from_metadata(face_id, vector.metadata)
                found[face_id] = StoredFace(record, np.array(vector.values, np.float32))
        return found

    def delete(self, namespace: str, face_ids: Iterable[str]) -> None:
        """Delete faces; those that are not stored are fine."""

        def delete(ids: list[str]) -> None:
            # a namespace without records does not exist
            with suppress_not_found():
                self._index.delete(ids=ids, namespace=namespace)

        for _ in self._requests.send_each(delete, chunks(face_ids, IDS_PER_DELETE)):
            pass

    def delete_namespace(self, namespace: str) -> None:
        """Delete a namespace with all its faces; an unknown one is fine."""
        with suppress(NotFoundError):
            self._requests.send(lambda: self._index.delete(delete_all=True, namespace=namespace))
        # An emptied namespace still counts towards the plan's limit of namespaces.
        with suppress(NotFoundError):
            self._requests.send(lambda: self._index.delete_namespace(name=namespace))

    def list_ids(self, namespace: str, prefix: str) -> Iterator[str]:
        """Yield the ids with a prefix in order; a page of them is asked for when needed."""
        token: str | None = None
        while True:
            ids, token = self._requests.send(lambda: self._page(namespace, prefix, token))  # noqa: B023
            yield from ids
            if token is None:
                return

    def is_empty(self, namespace: str) -> bool:
        """Tell whether the namespace has no face, in one request."""
        ids, _ = self._requests.send(lambda: self._page(namespace, "", None, limit=1))
        return not ids

    def ids_of_images(self, namespace: str, image_keys: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the ids of each image's faces, by image key: a request for each image."""
        keys = list(image_keys)

        def first_page(image_key: str) -> tuple[list[str], str | None]:
            return self._page(namespace, image_key, None)

        found = {}
        pages = self._requests.send_each(first_page, keys)
        for image_key, (ids, token) in zip(keys, pages, strict=True):
            more = self.list_ids(namespace, image_key) if token else ()
            found[image_key] = frozenset((*ids, *more))
        return found

    def query(
        self,
        namespace: str,
        probes: NDArray[np.float32],
        top: int,
        *,
        include_metadata: bool,
    ) -> Iterator[list[Any]]:
        """Yield the matches of each probe: id, score (the squared distance), metadata."""

        def query(probe: list[float]) -> list[Any]:
            return list(
                self._index.query(
                    vector=probe,
                    top_k=top,
                    namespace=namespace,
                    include_metadata=include_metadata,
                ).matches
            )

        return self._requests.send_each(query, probes.tolist())

    def count(self, namespace: str) -> int:
        """Return how many faces the namespace holds, as of a moment ago."""
        stats = self._requests.send(self._index.describe_index_stats)
        summary = stats.namespaces.get(namespace)
        return 0 if summary is None else summary.vector_count

    def close(self) -> None:
        """End threads and connections."""
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


def suppress_not_found() -> suppress:
    """Return a context in which the client's "not found" is no error."""
    from pinecone.errors import NotFoundError as PineconeNotFoundError

    return suppress(PineconeNotFoundError)
