"""Hints of the command line name commands that work where the failed command works."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from facerec.cli.exit_codes import (
    HINTS,
    MIGRATION_HINTS,
    STACK_COMPLETES,
    STACK_MIGRATION_HINTS,
)
from facerec.cli.main import main
from facerec.cli.place import Place, with_place
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


@pytest.mark.parametrize("hint", ON_STACK.values())
def test_commands_of_hints_name_the_stack_on_which_a_command_worked(hint: str) -> None:
    shown = with_place(hint, main, Place("my stack"))
    for words in re.findall(r"`facerec ([^`]+)`", shown):
        assert words.endswith(" --stack 'my stack'")
    assert shown.replace(" --stack 'my stack'", "") == hint
    assert with_place(hint, main, Place()) == hint
    assert with_place(shown, main, Place("other")) == shown


def test_commands_of_hints_name_the_folder_that_was_given() -> None:
    hint = "see `facerec jobs list` or `facerec keys create`"
    shown = with_place(hint, main, Place(data=Path("my faces")))
    assert "`facerec jobs list --data 'my faces'`" in shown


def test_a_command_that_has_no_stack_is_named_as_it_is() -> None:
    hint = "see `facerec keys list`, `facerec index`, `facerec nothing` or `facerec jobs list`"
    assert with_place(hint, main, Place("s")) == hint.replace("jobs list", "jobs list --stack s")
