"""How the Pinecone server of the tests refuses a request."""

from __future__ import annotations


class RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def require(truth: bool, message: str, status: int = 400) -> None:
    if not truth:
        raise RefusedError(status, message)
