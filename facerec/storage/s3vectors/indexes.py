"""Requests to the indexes of a vector bucket, split to fit the service's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from facerec.core.aws_errors import aws_errors
from facerec.core.batches import batches
from facerec.core.faces import EMBEDDING_SIZE
from facerec.core.limits import MAX_NEIGHBOURS
from facerec.errors import (
    ConfigurationError,
    ConflictError,
    FacerecError,
    NotFoundError,
)
from facerec.storage.s3vectors.limits import (
    DOCUMENTED_TOP_K,
    MAX_BODY,
    MAX_DELETE,
    MAX_GET,
    MAX_LIST,
    MAX_PUT,
    SEGMENTS,
)

if TYPE_CHECKING:
    from facerec.storage.retrying import Retries

DOCUMENT = "document"
"""The only metadata key of a vector: JSON text that cannot be filtered."""

_ITEM_BYTES = EMBEDDING_SIZE * 26 + 1024
"""Maximum number of bytes of a vector in a request, without its document."""

Result = TypeVar("Result")

Item = dict[str, Any]
"""A vector in the service's format: ``key``, ``data`` and ``metadata``."""


class VectorIndexes:
    """Indexes of one vector bucket, each created by the first vectors that are put into it.

    An index that does not exist has no vectors. Methods raise the errors of
    ``facerec.core.aws_errors``, after retries of the requests (``Retries``); a bucket that does not
    exist raises ``ConfigurationError`` when an index is created or all are listed.

    Attributes:
        max_neighbours: Maximum number of vectors that a query returns; ``query`` lowers it if the
            service refuses as many.
    """

    def __init__(self, client: Any, bucket: str, retries: Retries) -> None:  # noqa: ANN401
        """Create the indexes from a client of ``s3vectors`` and the name of the bucket."""
        self._client = client  # boto3 has no types
        self._bucket = bucket
        self._retries = retries
        self.max_neighbours = MAX_NEIGHBOURS
        self._threads = ThreadPoolExecutor(SEGMENTS, thread_name_prefix="s3vectors")

    def put(self, index: str, items: Sequence[Item]) -> None:
        """Put vectors; all are durable when this returns."""
        for batch in _bodies(items):
            try:
                self._call("put_vectors", index, vectors=batch)
            except NotFoundError:
                self._create(index)
                self._call("put_vectors", index, vectors=batch)

    def get(self, index: str, keys: Iterable[str], *, data: bool) -> dict[str, Item]:
        """Return the stored vectors by key; unknown keys are omitted.

        Args:
            index: Name of the index.
            keys: Keys of the vectors.
            data: Whether to return the embeddings too, and not only the metadata.
        """

        def get(batch: list[str]) -> list[Item]:
            answer = self._call(
                "get_vectors", index, keys=batch, returnData=data, returnMetadata=True
            )
            return list(answer["vectors"])

        pages = self._known(lambda: list(self._threads.map(get, batches(keys, MAX_GET))))
        return {item["key"]: item for item in chain.from_iterable(pages)}

    def delete(self, index: str, keys: Iterable[str]) -> None:
        """Delete vectors; unknown keys are ignored."""

        def delete(batch: list[str]) -> list[Any]:
            return self._known(lambda: [self._call("delete_vectors", index, keys=batch)])

        for batch in batches(keys, MAX_DELETE):
            delete(batch)

    def query(self, index: str, probes: Sequence[Sequence[float]], count: int) -> list[list[str]]:
        """Return the keys of the approximately nearest vectors of each probe.

        There are at most ``max_neighbours``, which the call reduces if the service refuses
        ``count``.

        Raises:
            ConfigurationError: The service refuses the query with a lower count too.
        """
        try:
            return self._query(index, probes, min(count, self.max_neighbours))
        except ConfigurationError:
            if min(count, self.max_neighbours) <= DOCUMENTED_TOP_K:
                raise
        found = self._query(index, probes, DOCUMENTED_TOP_K)
        self.max_neighbours = DOCUMENTED_TOP_K
        return found

    def _query(self, index: str, probes: Sequence[Sequence[float]], count: int) -> list[list[str]]:
        def query(probe: Sequence[float]) -> list[str]:
            named = {"queryVector": {"float32": probe}, "topK": count}
            pages = self._known(lambda: list(self._pages("query_vectors", index, **named)))
            return [item["key"] for page in pages for item in page["vectors"]]

        return list(self._threads.map(query, probes))

    def keys(self, index: str) -> list[str]:
        """Return the keys of all vectors, sorted; takes one request per 1,000, 16 at a time."""

        def list_segment(segment: int) -> list[str]:
            named = {"segmentCount": SEGMENTS, "segmentIndex": segment, "maxResults": MAX_LIST}
            pages = self._known(lambda: list(self._pages("list_vectors", index, **named)))
            return [item["key"] for page in pages for item in page["vectors"]]

        return sorted(chain.from_iterable(self._threads.map(list_segment, range(SEGMENTS))))

    def map_all(self, index: str, convert: Callable[[list[Item]], Result]) -> list[Result]:
        """Read all vectors with data and metadata; return the result of ``convert`` for each page.

        The parts of the index are read in parallel.
        """

        def read_segment(segment: int) -> list[Result]:
            named = {
                "segmentCount": SEGMENTS,
                "segmentIndex": segment,
                "maxResults": MAX_LIST,
                "returnData": True,
                "returnMetadata": True,
            }
            pages = self._pages("list_vectors", index, **named)
            return self._known(
                lambda: [convert(page["vectors"]) for page in pages if page["vectors"]]
            )

        return list(chain.from_iterable(self._threads.map(read_segment, range(SEGMENTS))))

    def drop(self, index: str) -> None:
        """Delete an index with all its vectors. An unknown index is not an error."""
        self._known(lambda: [self._call("delete_index", index)])

    def names(self) -> set[str]:
        """Return the names of all indexes of the bucket."""
        pages = self._pages("list_indexes", None)
        return {index["indexName"] for page in pages for index in page["indexes"]}

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _create(self, index: str) -> None:
        # The dimension and the metric of an index cannot be changed later. Another process may have
        # created the index first.
        with suppress(ConflictError):
            self._call(
                "create_index",
                index,
                dataType="float32",
                dimension=EMBEDDING_SIZE,
                distanceMetric="euclidean",
                metadataConfiguration={"nonFilterableMetadataKeys": [DOCUMENT]},
            )

    def _pages(
        self, operation: str, index: str | None, **named: object
    ) -> Iterator[Mapping[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._call(operation, index, **named, **token)
            yield page
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def _call(self, operation: str, index: str | None, **named: object) -> Mapping[str, Any]:
        """Send a request about an index, or about the bucket if it is None; see ``Retries``."""
        codes: dict[str, FacerecError] = {
            "NotFoundException": NotFoundError(f"index {index!r} does not exist")
        }
        if index is None or operation == "create_index":
            codes = {
                "NotFoundException": ConfigurationError(
                    f"there is no vector bucket {self._bucket!r} in this region",
                    "check its name and region; deploy the stack again if it was deleted",
                ),
                "ConflictException": ConflictError(f"the index {index} already exists"),
            }
        if operation == "query_vectors":
            codes["ValidationException"] = ConfigurationError(
                "S3 Vectors refuses the query",
                "use a vector bucket whose indexes facerec has created",
            )
        named |= {"vectorBucketName": self._bucket}
        if index is not None:
            named["indexName"] = index
        resource = "the indexes of the bucket" if index is None else f"the index {index}"

        def send_once() -> Mapping[str, Any]:
            with aws_errors("S3 Vectors", resource, codes=codes):
                answer: Mapping[str, Any] = getattr(self._client, operation)(**named)
                return answer

        return self._retries.send(send_once)

    @staticmethod
    def _known(ask: Callable[[], list[Any]]) -> list[Any]:
        """Return a response, or an empty one if the index does not exist."""
        try:
            return ask()
        except NotFoundError:
            return []


def _bodies(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Yield vectors in batches that fit into a request."""
    batch: list[Item] = []
    size = 0
    for item in items:
        own = _ITEM_BYTES + len(item["metadata"][DOCUMENT].encode())
        if batch and (len(batch) == MAX_PUT or size + own > MAX_BODY):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += own
    if batch:
        yield batch
