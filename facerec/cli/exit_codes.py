"""How the command line presents errors: an exit code and a hint for each class.

This is the one table of both; ``docs/cli.md`` is generated from it.
"""

from __future__ import annotations

from enum import IntEnum

from facerec.errors import (
    AccessKeyNotFoundError,
    CollectionNotFoundError,
    ConfigurationError,
    FaceNotFoundError,
    FacerecError,
    InvalidInputError,
    JobNotFoundError,
    ModelMismatchError,
    NoFaceError,
    NotFoundError,
)


class ExitCode(IntEnum):
    """Exit codes of the command line, each with a ``meaning``."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> ExitCode:
        """Create a member from its code and what it means."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done"
    ERROR = 1, "unexpected error, or a store or service that is unavailable"
    USAGE = 2, "wrong usage"
    NOT_FOUND = 3, "not found"
    INVALID_INPUT = 4, "invalid input or configuration"
    NO_FACE = 5, "no face in a photo"
    MODEL_MISMATCH = 6, "faces of another model version"
    TOO_MANY_FAILURES = 7, "more photos failed than tolerated"
    INTERRUPTED = 130, "interrupted"


EXIT_CODES: dict[type[FacerecError], ExitCode] = {
    FacerecError: ExitCode.ERROR,
    NotFoundError: ExitCode.NOT_FOUND,
    InvalidInputError: ExitCode.INVALID_INPUT,
    ConfigurationError: ExitCode.INVALID_INPUT,
    NoFaceError: ExitCode.NO_FACE,
    ModelMismatchError: ExitCode.MODEL_MISMATCH,
}
"""Exit code of each class; a class that is not listed has that of its base class."""

HINTS: dict[type[FacerecError], str] = {
    AccessKeyNotFoundError: "see `facerec keys list`",
    CollectionNotFoundError: (
        "see `facerec collections list`, or create it with `facerec collections create`"
    ),
    FaceNotFoundError: "see `facerec faces list`",
    JobNotFoundError: "see `facerec jobs list`",
}
"""Hint of each class, for errors that carry none; a subclass has that of its base class."""


def exit_code_of(error: FacerecError) -> ExitCode:
    """Return the exit code of an error."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def hint_of(error: FacerecError) -> str | None:
    """Return what to do about an error in words of the command line, or None."""
    if error.hint is not None:
        return error.hint
    return next((HINTS[kind] for kind in type(error).__mro__ if kind in HINTS), None)
