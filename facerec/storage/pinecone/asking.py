"""Reads the shape of a Pinecone index without the ``pinecone`` package.

The functions of the stack do not contain that package.
"""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from facerec.core.faces import EMBEDDING_SIZE, METRIC
from facerec.errors import ConfigurationError, StoreUnavailableError
from facerec.storage.index_shape import index_misfit
from facerec.storage.pinecone.errors import CHECK_API_KEY, error_of_status
from facerec.storage.pinecone.limits import REQUEST_TIMEOUT

_API_VERSION = "2026-07"
"""https://docs.pinecone.io/reference/api/2026-07/data-plane/describeindexstats"""

_LOOPBACK = ("127.0.0.1", "localhost")
"""The only hosts that receive the key without encryption."""

MAX_ANSWER = 4_000_000
"""Maximum size of a response in bytes. An index has up to 100,000 namespaces, each with a line."""

CREATE_HINT = (
    f"create one with dimension {EMBEDDING_SIZE} and metric {METRIC}, see docs/pinecone.md"
)


def require_fitting_index(api_key: str, host: str, *, timeout: float = REQUEST_TIMEOUT) -> None:
    """Check the dimension and the metric of an index, with one request that is not retried.

    Redirects are not followed, so no other server receives the key.

    Args:
        api_key: API key of the Pinecone project.
        host: Address of the index, with or without ``https://``; ``http://`` only for this machine.
        timeout: Seconds to wait for a connection, for each part of a response, and for the whole
            response.

    Raises:
        AccessDeniedError: Pinecone does not accept the key, or denies the request.
        ConfigurationError: The key or the host is malformed, Pinecone refuses the request, or the
            index has another dimension or metric.
        NotFoundError: The host serves no index.
        StoreUnavailableError: Pinecone cannot be reached, throttles, or does not answer as
            documented.
    """
    if not is_sendable(api_key):
        raise invalid_key()
    stats = _parsed(_stats(api_key, host, timeout))
    require_fitting(stats.get("dimension"), stats.get("metric"))


def require_fitting(dimension: int | None, metric: str | None) -> None:
    """Check the dimension and the metric of an index; a value of None is not checked.

    Raises:
        ConfigurationError: They do not fit embeddings.
    """
    misfit = index_misfit(dimension, metric)
    if misfit is not None:
        raise ConfigurationError(f"the Pinecone index {misfit}", CREATE_HINT)


def is_sendable(api_key: str) -> bool:
    """Return whether a text has only characters that a header can have, and at least one."""
    return bool(api_key) and api_key.isascii() and api_key.isprintable()


def invalid_key() -> ConfigurationError:
    """Return the error for an API key that cannot be sent; it does not contain the key."""
    return ConfigurationError(
        "the Pinecone API key contains invalid characters",
        CHECK_API_KEY,
    )


def invalid_host(host: str) -> ConfigurationError:
    """Return the error for a text that is not the address of an index."""
    return ConfigurationError(
        f"{host!r} is not the host of a Pinecone index", "copy it from the Pinecone console"
    )


def _stats(api_key: str, host: str, timeout: float) -> bytes:
    try:
        parts = urlsplit(host if "://" in host else f"https://{host}")
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise invalid_host(host) from error
    if not name:
        raise invalid_host(host)
    plain = parts.scheme == "http" and name in _LOOPBACK
    connection = (HTTPConnection if plain else HTTPSConnection)(name, port, timeout=timeout)
    headers = {
        "Api-Key": api_key,
        "Content-Type": "application/json",
        "X-Pinecone-Api-Version": _API_VERSION,
    }
    try:
        connection.request("POST", "/describe_index_stats", b"{}", headers)
        response = connection.getresponse()
        content = _content(response, time.monotonic() + timeout)
    except (OSError, HTTPException, UnicodeError) as error:
        raise StoreUnavailableError(
            "Pinecone cannot be reached", "check the network and the index's host, then try again"
        ) from error
    finally:
        connection.close()
    if 300 <= response.status < 400:
        raise StoreUnavailableError(
            "Pinecone redirects requests for the index", "check the host of the index"
        )
    if response.status != 200:
        raise error_of_status(response.status)
    return content


def _content(response: HTTPResponse, deadline: float) -> bytes:
    """Read a response until a deadline of the monotonic clock.

    Raises:
        TimeoutError: The deadline has passed.
        StoreUnavailableError: The response is too large to be the statistics of an index.
    """
    content = b""
    while part := response.read1(MAX_ANSWER):
        content += part
        if len(content) > MAX_ANSWER:
            raise _unexpected("the statistics of an index")
        if time.monotonic() > deadline:
            raise TimeoutError
    return content


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        stats = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _unexpected("JSON") from error
    if not isinstance(stats, dict):
        raise _unexpected("the statistics of an index")
    return stats


def _unexpected(expected: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"the response of Pinecone is not {expected}", "check the host of the index"
    )
