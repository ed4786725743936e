"""Options of the commands that change people: who requested the change, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click


def change_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that changes people, for the history."""

    @wraps(command)
    def with_requester(*args: Any, by: str | None, why: str | None, **given: Any) -> None:  # noqa: ANN401
        with requested_by(by, why):
            command(*args, **given)

    by = click.option(
        "--by",
        metavar="WHO",
        help="Who requested the change, for the history (default: your account on this machine).",
    )
    why = click.option("--why", metavar="REASON", help="Reason for the change, for the history.")
    return by(why(with_requester))


@contextmanager
def requested_by(by: str | None = None, why: str | None = None) -> Iterator[None]:
    """Record in the history who requests the changes of a block, and why.

    By default, the requester is the account on this machine, if it has a name.

    Raises:
        InvalidInputError: The requester or the reason is not valid.
    """
    from facerec.core import recording
    from facerec.core.names import checked_reason, checked_requester

    who = _user() if by is None else checked_requester(by)
    with recording.requested_by(who, None if why is None else checked_reason(why)):
        yield


def _user() -> str | None:
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError):
        # A container may have no name for its account.
        return None
