"""Decides whether a command works on this machine or on a stack.

Only commands with ``--stack`` work on a stack. The others refuse to run while ``FACEREC_STACK`` is
set, so that nobody changes the faces of this machine by mistake. ``--data`` names the faces of this
machine, even while the variable is set.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.core import ParameterSource

from facerec.cli.place import Place, with_place
from facerec.errors import ConfigurationError

STACK_VARIABLE = "FACEREC_STACK"


def is_on_stack() -> bool:
    """Return whether the running command works on a stack."""
    return _current_place().stack is not None


def here(text: str) -> str:
    """Return a text whose commands work on the same machine or stack as the running command.

    Args:
        text: A text with commands in backticks.
    """
    context = click.get_current_context(silent=True)
    root = None if context is None else context.find_root().command
    return with_place(text, root, _current_place()) if isinstance(root, click.Group) else text


def _current_place() -> Place:
    context = click.get_current_context(silent=True)
    place = None if context is None else context.find_object(Place)
    return place or Place()


def checked_data(
    context: click.Context, _parameter: click.Parameter, folder: Path | None
) -> Path | None:
    """Return the folder of ``--data``, if the command may use this machine.

    Raises:
        ConfigurationError: The command works on this machine only, and the environment names a
            stack.
        UsageError: The command is given ``--stack`` too.
    """
    if _is_given(context, "data"):
        _require_one_place(context)
        if (place := context.find_object(Place)) is not None:
            place.data = folder
    elif os.environ.get(STACK_VARIABLE) and not _takes_stack(context):
        raise ConfigurationError(
            f"`{context.command_path}` works on this machine only, and {STACK_VARIABLE} is set",
            f"add --data FOLDER to use the faces of this machine, or unset {STACK_VARIABLE}",
        )
    return folder


def checked_stack(
    context: click.Context, _parameter: click.Parameter, stack: str | None
) -> str | None:
    """Return the stack to use; None if ``--data`` chooses this machine.

    Raises:
        UsageError: The command is given both options.
    """
    if _is_given(context, "stack"):
        _require_one_place(context)
    elif _is_given(context, "data"):
        stack = None
    if (place := context.find_object(Place)) is not None:
        place.stack = stack
    return stack


def _require_one_place(context: click.Context) -> None:
    """Check that only one of the options is given; called after each of them is read."""
    if _is_given(context, "data") and _is_given(context, "stack"):
        raise click.UsageError("--data cannot be used with --stack")


def _is_given(context: click.Context, option: str) -> bool:
    # click reads options of the command line before those that only the environment has.
    return context.get_parameter_source(option) is ParameterSource.COMMANDLINE


def _takes_stack(context: click.Context) -> bool:
    return any(parameter.name == "stack" for parameter in context.command.params)
