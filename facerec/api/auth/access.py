"""What a request is, before anything of it is parsed, and what its sender may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came over the wire.

    Attributes:
        method: in capital letters.
        path: as sent, percent signs and all.
        query: as sent, without the question mark.
        headers: by name in lower case.
        body: the whole body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Principal:
    """What the sender of a request may do.

    Attributes:
        collections: the only collections that it may use, or None for all.
        writes: whether it may change anything.
    """

    collections: frozenset[str] | None = None
    writes: bool = True

    def may_use(self, collection_id: str) -> bool:
        """Tell whether the sender may use a collection."""
        return self.collections is None or collection_id in self.collections


class RefusedError(Exception):
    """A request is refused before anything of it is parsed.

    Attributes:
        kind: the exception's name in AWS's protocols.
        message: one line for a person.
        status: of the HTTP response to a REST request.
    """

    def __init__(self, kind: str, message: str, status: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status


class Guard(Protocol):
    """Decides who sends a request."""

    def check(self, request: RawRequest) -> Principal:
        """Return what the sender may do.

        Raises:
            RefusedError: nothing at all.
        """
        ...


class OpenGuard:
    """Lets every request pass: for where something in front has checked it, as API Gateway does."""

    def check(self, request: RawRequest) -> Principal:
        """Return the right to everything."""
        return Principal()
