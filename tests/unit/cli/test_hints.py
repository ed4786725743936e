"""Hints of the command line name commands that work where the failed command works."""

from __future__ import annotations

import re

import click
import pytest

from facerec.cli.exit_codes import (
    HINTS,
    MIGRATION_HINTS,
    STACK_COMPLETES,
    STACK_MIGRATION_HINTS,
)
from facerec.cli.main import main
from facerec.errors import AccessKeyNotFoundError

ON_STACK = {**MIGRATION_HINTS, **STACK_MIGRATION_HINTS, **HINTS, "completion": STACK_COMPLETES}
# A stack has no access keys.
del ON_STACK[AccessKeyNotFoundError]


def command(words: str) -> click.Command:
    """Return the command that a text begins with."""
    found: click.Command = main
    for word in words.split():
        if not isinstance(found, click.Group):
            break
        following = found.get_command(click.Context(found), word)
        assert following is not None, words
        found = following
    return found


@pytest.mark.parametrize("hint", ON_STACK.values())
def test_hints_of_a_stack_name_commands_that_work_on_it(hint: str) -> None:
    for words in re.findall(r"`facerec ([^`]+)`", hint):
        named = command(words)
        assert "stack" in {parameter.name for parameter in named.params}, hint
        taken = {option for parameter in named.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", words)) <= taken
