"""How commands print: results on stdout, progress and complaints on stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def print_json(document: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print a result for scripts."""
    click.echo(json.dumps(document, indent=2))


def console(*, stderr: bool = False) -> Console:
    """Return a console that leaves names, numbers and brackets of results as they are."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)
    if not made.is_terminal:
        # What reads a pipe wants whole lines.
        made.width = 400
    return made


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return a table with these columns; those named in ``right`` are aligned right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 face``, ``2 faces``, ``1,000 photos``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def dollars(amount: float) -> str:
    """Return an amount of money: ``$1,234.50``, or that it is less than a cent."""
    return f"${amount:,.2f}" if amount >= 0.01 else "less than $0.01"


def shortened(uri: str) -> str:
    """Return a path below the working directory relative to it, anything else as it is."""
    here = f"{Path.cwd()}/"
    return uri.removeprefix(here)
