"""The errors that facerec raises, each with the exit code that the command line ends with.

What is wrong with a single photo is never an exception: it is an outcome (see
``facerec.core.photos``).
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; documented in ``docs/cli.md``."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    NOT_FOUND = 3
    INVALID_INPUT = 4
    NO_FACE = 5
    MODEL_MISMATCH = 6
    TOO_MANY_FAILURES = 7
    INTERRUPTED = 130


class FacerecError(Exception):
    """Base of every error that facerec raises on purpose.

    Attributes:
        message: one line that says what is wrong.
        hint: one line that says what to do about it, or None.
        exit_code: what the command line exits with.
    """

    exit_code: ExitCode = ExitCode.FAULT

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInputError(FacerecError):
    """What the caller gave cannot be used as it is."""

    exit_code = ExitCode.INVALID_INPUT


class NotFoundError(FacerecError):
    """What the caller named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class CollectionNotFoundError(NotFoundError):
    """The collection does not exist.

    Attributes:
        collection_id: the name that was asked for.
    """

    def __init__(self, collection_id: str) -> None:
        super().__init__(
            f"collection {collection_id!r} does not exist",
            "see `facerec collections list`, or make it with `facerec collections create`",
        )
        self.collection_id = collection_id


class CollectionExistsError(InvalidInputError):
    """A collection of this name exists already.

    Attributes:
        collection_id: the name that was asked for.
    """

    def __init__(self, collection_id: str) -> None:
        super().__init__(f"collection {collection_id!r} exists already")
        self.collection_id = collection_id


class ObjectNotFoundError(NotFoundError):
    """A file or an S3 object does not exist.

    Attributes:
        uri: where it was looked for.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri} does not exist", "check the path or address")
        self.uri = uri


class ObjectChangedError(InvalidInputError):
    """An object is no longer the version that was pinned.

    Attributes:
        uri: the object.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"{uri} changed after the job was planned", "start a new job for the new content"
        )
        self.uri = uri


class AccessDeniedError(FacerecError):
    """The caller's credentials do not allow the access.

    Attributes:
        uri: what was asked for.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(f"access to {uri} is denied", "check the credentials and the policy")
        self.uri = uri


class NoFaceError(FacerecError):
    """A photo that must hold a face holds none."""

    exit_code = ExitCode.NO_FACE


class ModelMismatchError(FacerecError):
    """Faces of different model versions cannot be compared.

    Attributes:
        expected: the version of the engine at work.
        found: the version that the stored faces carry.
    """

    exit_code = ExitCode.MODEL_MISMATCH

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"the collection holds faces of model {found!r}, this engine is {expected!r}",
            "index the photos again into a new collection",
        )
        self.expected = expected
        self.found = found


class StoreUnavailableError(FacerecError):
    """A store cannot be reached, is full or refuses for now; the same call may go through later."""


class UserNotFoundError(NotFoundError):
    """The collection has no such user.

    Attributes:
        user_id: the name that was asked for.
    """

    def __init__(self, user_id: str) -> None:
        super().__init__(f"user {user_id!r} does not exist")
        self.user_id = user_id


class UserExistsError(InvalidInputError):
    """The collection has a user of this name already.

    Attributes:
        user_id: the name that was asked for.
    """

    def __init__(self, user_id: str) -> None:
        super().__init__(f"user {user_id!r} exists already")
        self.user_id = user_id


class ConflictError(FacerecError):
    """Another caller changed the same thing meanwhile; the same call may go through later."""


class QuotaExceededError(InvalidInputError):
    """A limit on how much may be stored would be exceeded."""
