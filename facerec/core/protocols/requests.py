"""The protocol of stores of answered requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.core.records import AnsweredRequest


class RequestRecords(Protocol):
    """Answers to requests, for clients that repeat a request. Times are in seconds since 1970."""

    def get_request(self, token: str, now: float) -> AnsweredRequest | None:
        """Return the answer to the request with this token, or None if unknown or expired."""
        ...

    def keep_request(self, token: str, request: AnsweredRequest, now: float) -> None:
        """Store an answer until it expires, unless the token has one that is not expired."""
        ...

    def get_answers(self, ids: Sequence[str]) -> list[str]:
        """Return the stored answers that name a person or a face, ordered.

        Args:
            ids: Ids of people and faces, as for ``forget_answers``.
        """
        ...

    def forget_answers(self, ids: Sequence[str]) -> int:
        """Delete the stored answers that name a person or a face, and return their number.

        The tokens can be used again.

        Args:
            ids: Ids of people and faces, as they are in the answers.
        """
        ...
