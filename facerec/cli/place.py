"""The place where a command works, and hints with commands for the same place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

_COMMAND = re.compile(r"`facerec ([^`]+)`")


@dataclass
class Place:
    """The stack or machine on which a command works; the object of its click context.

    Attributes:
        stack: The stack; None for this machine.
        data: Data folder of this machine, if the command line names one.
    """

    stack: str | None = None
    data: Path | None = None

    def option(self) -> tuple[str, str] | None:
        """Return name and value of the option for this place; None if commands need none."""
        if self.stack is not None:
            return "stack", self.stack
        return None if self.data is None else ("data", str(self.data))


def with_place(text: str, group: click.Group, place: Place) -> str:
    """Return a text whose commands name a place, so that a copied command works there.

    Args:
        text: A hint, with commands in backticks.
        group: The group of all commands.
        place: The place where the commands should work.
    """
    if (option := place.option()) is None:
        return text
    name, value = option

    def placed(match: re.Match[str]) -> str:
        words = match[1].split()
        if not {"--stack", "--data"}.isdisjoint(words) or not _takes(name, group, words):
            return match[0]
        return f"`facerec {match[1]} --{name} {shlex.quote(value)}`"

    return _COMMAND.sub(placed, text)


def _takes(option: str, group: click.Group, words: Sequence[str]) -> bool:
    """Return whether the command of these words has an option."""
    command: click.Command | None = group
    context = click.Context(group)
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(context, word)
    return command is not None and any(each.name == option for each in command.params)
