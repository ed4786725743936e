"""Opens a Pinecone index and checks its dimension and metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.errors import ConfigurationError
from facerec.storage.pinecone.asking import (
    CREATE_HINT,
    invalid_host,
    invalid_key,
    require_fitting,
)
from facerec.storage.pinecone.imports import PineconeImports
from facerec.storage.pinecone.index import VectorIndex
from facerec.storage.pinecone.limits import REQUEST_TIMEOUT, REQUESTS_IN_FLIGHT
from facerec.storage.pinecone.requests import Requests
from facerec.storage.pinecone.vector_store import PineconeVectors
from facerec.storage.retrying import PATIENCE

if TYPE_CHECKING:
    from pinecone import Index, Pinecone
    from pinecone.models.indexes.index import IndexModel


def open_pinecone_vectors(
    api_key: str,
    *,
    index_name: str | None = None,
    host: str | None = None,
    patience: float = PATIENCE,
    throttled: float | None = None,
) -> PineconeVectors:
    """Open the store in an index.

    Args:
        api_key: API key of the Pinecone project.
        index_name: Name of the index; without a host, a request to the control plane looks it up.
        host: Address of the index, instead of or in addition to its name. Without a scheme it
            is https; ``http://127.0.0.1`` is allowed.
        patience: Seconds for which a request is retried. A request that has started is not
            interrupted: the client makes up to four attempts. The time limit of each is
            ``patience`` seconds, but at least 1 and at most 10.
        throttled: Seconds for which a throttled request is retried; None for ``patience``.

    Raises:
        AccessDeniedError: Pinecone does not accept the key, or denies the request.
        ConfigurationError: Neither name nor host is given, the key or host is malformed, the
            pinecone package is not installed, or the index has another dimension or metric.
        NotFoundError: The index does not exist.
        StoreUnavailableError: Pinecone cannot be reached, or throttles.
    """
    return PineconeVectors(
        VectorIndex(*_open(api_key, index_name, host, patience=patience, throttled=throttled))
    )


def open_pinecone_imports(
    api_key: str,
    *,
    index_name: str | None = None,
    host: str | None = None,
) -> PineconeImports:
    """Open the bulk imports of an index; see ``open_pinecone_vectors`` for arguments and errors."""
    return PineconeImports(*_open(api_key, index_name, host, patience=PATIENCE))


def _open(
    api_key: str,
    index_name: str | None,
    host: str | None,
    *,
    patience: float,
    throttled: float | None = None,
) -> tuple[Index, Requests]:
    if not index_name and not host:
        raise ConfigurationError("no Pinecone index is configured", "set PINECONE_INDEX_NAME")
    if not api_key.strip():
        raise ConfigurationError("no Pinecone API key is configured", "set PINECONE_API_KEY")
    requests = Requests(patience, throttled)
    try:
        client = _client(api_key.strip(), patience)
        index = _by_host(client, requests, host) if host else _by_name(client, requests, index_name)
    except BaseException:
        requests.close()
        raise
    return index, requests


@dataclass(frozen=True, slots=True)
class PineconeIndex:
    """Pinecone's description of an index.

    Attributes:
        host: Its address without a scheme; "" while it is being created.
        cloud: The cloud of the index, such as ``aws``; "" if unknown.
        region: The region of that cloud; "" if unknown.
    """

    host: str
    cloud: str
    region: str


def find_pinecone_index(
    api_key: str, index_name: str, *, patience: float = PATIENCE
) -> PineconeIndex:
    """Look up an index by its name.

    Raises:
        AccessDeniedError: Pinecone does not accept the key, or denies the request.
        ConfigurationError: The key is malformed, the pinecone package is not installed, or the
            index has another dimension or metric.
        NotFoundError: The index does not exist.
        StoreUnavailableError: Pinecone cannot be reached, or throttles.
    """
    requests = Requests(patience)
    try:
        found = _describe(_client(api_key.strip(), patience), requests, index_name)
    finally:
        requests.close()
    deployment = found.deployment
    return PineconeIndex(
        bare_host(found.host or ""),
        getattr(deployment, "cloud", "") or "",
        getattr(deployment, "region", "") or "",
    )


def bare_host(host: str) -> str:
    """Return the address of an index without its scheme and its final ``/``."""
    return host.rpartition("://")[2].rstrip("/")


def _client(api_key: str, patience: float) -> Pinecone:
    try:
        from pinecone import Pinecone
        from pinecone.errors import PineconeValueError
    except ImportError as error:
        raise ConfigurationError(
            "the pinecone package is not installed",
            "install it with `pip install 'pinecone>=10,<11'`",
        ) from error
    try:
        return Pinecone(
            api_key=api_key,
            timeout=max(1.0, min(REQUEST_TIMEOUT, patience)),
            connection_pool_maxsize=REQUESTS_IN_FLIGHT,
        )
    except PineconeValueError as error:
        raise invalid_key() from error


def _by_name(client: Pinecone, requests: Requests, index_name: str | None) -> Index:
    return client.index(host=_describe(client, requests, index_name or "").host or "")


def _describe(client: Pinecone, requests: Requests, name: str) -> IndexModel:
    description = requests.send(lambda: client.indexes.describe(name))
    try:
        require_fitting(description.dimension, description.metric)
    except AttributeError as error:
        raise ConfigurationError(
            "the Pinecone index is not a dense vector index", CREATE_HINT
        ) from error
    return description


def _by_host(client: Pinecone, requests: Requests, host: str) -> Index:
    from pinecone.errors import PineconeValueError

    try:
        index = client.index(host=host)
    except PineconeValueError as error:
        raise invalid_host(host) from error
    try:
        stats = requests.send(index.describe_index_stats)
        require_fitting(stats.dimension, stats.metric)
    except BaseException:
        index.close()
        raise
    return index
