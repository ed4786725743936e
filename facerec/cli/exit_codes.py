"""The exit code and the hint of each class of errors on the command line.

``docs/cli.md`` is generated from these tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from facerec.errors import (
    AccessKeyNotFoundError,
    ClusterNotFoundError,
    CollectionNotFoundError,
    ConfigurationError,
    DeletedCollectionError,
    ErasureDamagedError,
    ErasureNotFoundError,
    FaceInUseError,
    FaceNotFoundError,
    FacerecError,
    FirstPhotosFailedError,
    HistoryEntryNotFoundError,
    InvalidInputError,
    JobNotFoundError,
    MigrationError,
    MigrationRemedy,
    ModelMismatchError,
    NoFaceError,
    NotFoundError,
    StoreDamagedError,
    UserNotFoundError,
)


class ExitCode(IntEnum):
    """Exit codes of the command line.

    Attributes:
        meaning: The result of the command.
        advice: The remedy, or an empty text.
    """

    meaning: str
    advice: str

    def __new__(cls, code: int, meaning: str, advice: str = "") -> ExitCode:
        """Create a member from its code, meaning and advice."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.advice = advice
        return member

    DONE = 0, "done"
    ERROR = (
        1,
        "another error, such as a store or service that is unavailable",
        "Fix the cause and run the command again; results that were reported are stored.",
    )
    USAGE = 2, "wrong usage", "See `--help`."
    NOT_FOUND = (
        3,
        "not found",
        "Check the name, id or path that the message shows.",
    )
    INVALID_INPUT = (
        4,
        "invalid input or configuration",
        "Check the photo, manifest, name or setting that the message names.",
    )
    NO_FACE = (
        5,
        "no face in a photo",
        "Try a smaller `--smallest-face` or a lower `--min-confidence`.",
    )
    MODEL_MISMATCH = (
        6,
        "faces of another model version",
        "Index the photos into a new collection.",
    )
    TOO_MANY_FAILURES = (
        7,
        "more photos failed than tolerated, or an import added no face",
        "See `facerec jobs failures`, or the report of the import. The job is complete, unless it "
        "was ended because nearly all of its first photos failed.",
    )
    REMAINDER = (
        8,
        "some of the erased data is left",
        "Erase it again; if that does not help, remove it by hand from the places that are shown.",
    )
    INTERRUPTED = (
        130,
        "interrupted",
        "Results so far are stored; run a job again to resume it.",
    )


EXIT_CODES: dict[type[FacerecError], ExitCode] = {
    FacerecError: ExitCode.ERROR,
    NotFoundError: ExitCode.NOT_FOUND,
    InvalidInputError: ExitCode.INVALID_INPUT,
    ConfigurationError: ExitCode.INVALID_INPUT,
    NoFaceError: ExitCode.NO_FACE,
    FirstPhotosFailedError: ExitCode.TOO_MANY_FAILURES,
    ModelMismatchError: ExitCode.MODEL_MISMATCH,
}
"""Exit code of each class of errors; other classes have the exit code of their base class."""

COMPLETES = "`facerec erasures resume` completes it"
"""Hint for an unfinished erasure."""

STACK_COMPLETES = "the stack completes it in its next hourly run"
"""Hint for an unfinished erasure of a stack."""

HINTS: dict[type[FacerecError], str] = {
    AccessKeyNotFoundError: "see `facerec keys list`",
    ClusterNotFoundError: "see `facerec people suggest`",
    CollectionNotFoundError: "see `facerec collections list`; if the database was lost, "
    "`facerec rebuild` restores the collection from its job folders",
    DeletedCollectionError: "delete it again with `facerec collections delete`, then repeat "
    "this command; `facerec rebuild` restores a later collection of the same name",
    ErasureDamagedError: "repeat the erasure, then run `facerec erasures discard ERASURE`",
    ErasureNotFoundError: "see `facerec erasures list`",
    HistoryEntryNotFoundError: "see `facerec people history`",
    FaceInUseError: "run `facerec people remove` for that person first; to delete the face, "
    "`facerec faces delete --disassociate` does both",
    FaceNotFoundError: "see `facerec faces list`",
    JobNotFoundError: "see `facerec jobs list`",
    StoreDamagedError: "restore the file from a backup, or move it away and run `facerec rebuild` "
    "for each collection in `facerec jobs list`",
    UserNotFoundError: "see `facerec people list`",
}
"""Hints that name commands, by class of error. They replace the hints of errors of exactly these
classes; an error of a subclass uses them if it has no hint."""

MIGRATION_HINTS: dict[MigrationRemedy, str] = {
    MigrationRemedy.CANCEL: "return to it with `facerec collections migrate --rollback`",
    MigrationRemedy.CHECK: "check that the photos are complete, for example that their disk is "
    "mounted; if they are, raise --drop-limit",
    MigrationRemedy.DELETE: "bring back photos that are gone or changed, or delete these faces "
    "with --drop-missing",
    MigrationRemedy.DELETE_JOB: "delete it with `facerec jobs delete`, and index its photos again",
    MigrationRemedy.END: "run `facerec collections migrate` with --finish or --rollback first",
    MigrationRemedy.FINISH: "run `facerec collections migrate --finish`",
    MigrationRemedy.PREPARE: "run `facerec collections migrate` again",
    MigrationRemedy.RELEASE: "use the release of facerec that began the migration, or cancel it "
    "with --rollback",
    MigrationRemedy.REPAIR: "run `facerec collections migrate --rollback`, then `facerec verify "
    "--repair`, and migrate it again",
    MigrationRemedy.SWITCH: "run `facerec collections migrate` with --recipe to switch it, or with "
    "--rollback to cancel the migration",
}
"""Hints for remedies of migrations that the command line names by its options."""

STACK_MIGRATION_HINTS: dict[MigrationRemedy, str] = {
    MigrationRemedy.REPAIR: "run `facerec collections migrate --rollback`, then `facerec rebuild`, "
    "and migrate it again",
}
"""Hints for remedies of migrations on a stack, where they differ."""


def exit_code_of(error: FacerecError) -> ExitCode:
    """Return the exit code of an error."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def raise_first(errors: Iterable[FacerecError]) -> None:
    """Raise the error with the lowest exit code, if there is any, and print the others.

    The exit code of a command with several failures then does not depend on their order.
    """
    from facerec.cli.output import say

    ordered = sorted(errors, key=exit_code_of)
    for error in ordered[1:]:
        say(f"error: {'; '.join(filter(None, (error.message, error.consequence)))}", err=True)
    if ordered:
        raise ordered[0]


def completion_hint(*, on_stack: bool) -> str:
    """Return a hint that names the command which completes an unfinished erasure."""
    return STACK_COMPLETES if on_stack else COMPLETES


def hint_of(error: FacerecError, *, on_stack: bool) -> str | None:
    """Return the hint for an error of a command, for a stack or this machine; None without one."""
    own = _own_hint_of(error, on_stack=on_stack)
    if error.consequence is None:
        return own
    resume = f"{completion_hint(on_stack=on_stack)} once the cause is gone"
    return resume if own is None else f"{own}; {resume}"


def _own_hint_of(error: FacerecError, *, on_stack: bool) -> str | None:
    if isinstance(error, MigrationError) and error.remedy is not None:
        hints = MIGRATION_HINTS | (STACK_MIGRATION_HINTS if on_stack else {})
        return hints.get(error.remedy, error.hint)
    if type(error) in HINTS:
        return HINTS[type(error)]
    if error.hint is not None:
        return error.hint
    return next((HINTS[kind] for kind in type(error).__mro__ if kind in HINTS), None)
