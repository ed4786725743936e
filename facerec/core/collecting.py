"""Collects errors, so that one part that fails does not keep the others from being done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from facerec.errors import FacerecError, ObjectNotFoundError


@contextmanager
def collected(errors: list[FacerecError]) -> Iterator[None]:
    """Append a ``FacerecError`` of the block to a list; what follows the block is still done."""
    try:
        yield
    except FacerecError as error:
        errors.append(error)


@contextmanager
def collected_unless_missing(errors: list[FacerecError]) -> Iterator[None]:
    """Append a ``FacerecError`` of the block to a list; raise it if a file has been deleted."""
    try:
        yield
    except ObjectNotFoundError:
        raise
    except FacerecError as error:
        errors.append(error)


def raise_first(
    errors: Sequence[FacerecError], on_error: Callable[[FacerecError], None] | None = None
) -> None:
    """Pass errors to a function; without a function, raise the first error if there are any."""
    if on_error is not None:
        for error in errors:
            on_error(error)
    elif errors:
        raise errors[0]
