"""Collects errors, so that one part that fails does not keep the others from being done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from facerec.errors import FacerecError


@contextmanager
def collected(errors: list[FacerecError]) -> Iterator[None]:
    """Append a ``FacerecError`` of the block to a list; what follows the block is still done."""
    try:
        yield
    except FacerecError as error:
        errors.append(error)
