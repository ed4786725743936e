"""The options that choose a job service: the jobs of this machine, or those of a stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from facerec.cli.numbers import FiniteRange
from facerec.cli.options import data_option, stack_option

Command = TypeVar("Command", bound=Callable[..., Any])

interval_option = click.option(
    "--interval",
    type=FiniteRange(min=0.1),
    metavar="SECONDS",
    help="Seconds between refreshes (default: 10 for a stack, 0.5 on this machine).",
)


def service_options(command: Command) -> Command:
    """Add the options that choose the job service."""
    return stack_option(data_option(command))
