"""The head of a request, which is checked before the body, and the permissions of its sender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of a request as it was received.

    Attributes:
        method: HTTP method in capital letters.
        path: Path as it was sent, percent-encoded.
        query: Query string as it was sent, without the question mark.
        headers: Values of headers by their names in lower case.
        gateway: The ``requestContext`` of API Gateway's event; None if the request did not pass a
            gateway. A client cannot set it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    gateway: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a request, with the sender's permissions.

    Attributes:
        collections: Collections that the sender can use; None for all.
        writes: Whether the sender can change data.
        writable: Collections that the sender can change; None for all that the sender can use.
        name: Name of the sender, for the access log, the history and idempotency tokens; "" if
            it is not known.
    """

    collections: frozenset[str] | None = None
    writes: bool = True
    writable: frozenset[str] | None = None
    name: str = ""

    def may_use(self, collection_id: str) -> bool:
        """Return whether the sender may use a collection."""
        return self.collections is None or collection_id in self.collections

    def may_change(self, collection_id: str | None) -> bool:
        """Return whether the sender may change a collection.

        Args:
            collection_id: The collection; None for a change outside of collections.
        """
        if not self.writes or (collection_id is not None and not self.may_use(collection_id)):
            return False
        return self.writable is None or collection_id in self.writable


BodyCheck = Callable[[bytes], Principal]
"""Returns the sender of a request with this body, or raises ``RefusedError``."""


class RefusedError(Exception):
    """The sender is not authenticated or not authorised, or the request exceeds a limit.

    Attributes:
        kind: Name of the exception in AWS's protocols.
        message: One line of explanation.
        status: Status of the HTTP response to a REST request.
        sender: Name of the sender, for the access log; empty if it was not authenticated.
    """

    def __init__(self, kind: str, message: str, status: int, sender: str = "") -> None:
        super().__init__(message)
        self.sender = sender
        self.kind = kind
        self.message = message
        self.status = status


class Guard(Protocol):
    """Identifies the sender of a request."""

    def admit(self, head: RequestHead) -> BodyCheck:
        """Check the head of a request, before its body is read.

        Returns:
            The check of the body, which returns the permissions of the sender.

        Raises:
            RefusedError: The sender has no permission at all.
            FacerecError: The identity or the permissions of the sender cannot be read.
        """
        ...


class OpenGuard:
    """Admits every request; for deployments in which API Gateway has checked it."""

    def admit(self, head: RequestHead) -> BodyCheck:
        """Admit the request with all permissions."""
        return allow_everything


def allow_everything(_body: bytes) -> Principal:
    """Return a principal with all permissions, regardless of the body."""
    return Principal()
