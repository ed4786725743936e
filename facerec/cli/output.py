"""Prints results to stdout, and progress and errors to stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.table import Table


def say(text: str, *, err: bool = False, fg: str | None = None) -> None:
    """Print a line in which names have no control characters and no line breaks.

    Args:
        text: The line.
        err: Whether to print to stderr.
        fg: Colour of the line on a terminal.
    """
    click.secho(printable(text), fg=fg, err=err)


def confirm(question: str) -> None:
    """Ask a question on stderr.

    Raises:
        Abort: The answer is no, or nobody answers.
    """
    click.confirm(printable(question), abort=True, err=True)


def print_json(document: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Print a result as JSON: an object, to which a later release can add fields.

    Args:
        document: The object.
        indent: None prints it in one line.
    """
    click.echo(json.dumps(document, indent=indent))


def print_json_text(text: str) -> None:
    """Print a piece of a JSON document, in which control characters are already escaped."""
    click.echo(text, nl=False)


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints numbers and brackets unchanged, and each text in one line."""
    from facerec.cli.safe_console import SafeConsole

    result = SafeConsole(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if not result.is_terminal:
        # Programs that read a pipe expect whole lines.
        result.width = 400
    return result


def table(*columns: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Table:
    """Return a table with these columns.

    Args:
        columns: Titles of the columns.
        right: Columns of numbers, which are aligned right and never broken.
        whole: Columns that are never broken into lines, such as ids to copy.
    """
    from rich import box
    from rich.table import Table

    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        result.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=column in whole or column in right,
        )
    return result


def print_page(rows: Table, next_token: str | None, *, nothing: str) -> None:
    """Print a page of a listing and how to continue, or ``nothing`` if it has no rows."""
    console().print(rows if rows.row_count else nothing)
    if next_token:
        console().print(f"more: --next-token {next_token}")


def duration(seconds: float) -> str:
    """Format seconds for a person: ``3 days 04 h``, ``3 h 05 min``, ``4 min 10 s``.

    More than 0 and less than 0.5 seconds is ``less than 1 s``.
    """
    if 0 < seconds < 0.5:
        return "less than 1 s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, rest_of_day = divmod(hours, 24)
    if days > 1:
        return f"{days} days {rest_of_day:02d} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def dollars(amount: float) -> str:
    """Format an amount of money: ``$1,234.50``, or ``less than $0.01``."""
    return f"${amount:,.2f}" if amount >= 0.01 else "less than $0.01"


def more_matches(limit: int, max_limit: int) -> str:
    """Return a remark that a search found more matches than it returned, with advice if any."""
    advice = "; see more with a higher --limit" if limit < max_limit else ""
    return f"these are the {limit} most similar{advice}"


def shown_name(external_image_id: str | None) -> str:
    """Return an external image id for display, or "-" if there is none."""
    from facerec.core.derived_names import readable_name

    return readable_name(external_image_id) if external_image_id else "-"


def shown_person(person: Mapping[str, Any]) -> str:
    """Return the display name of a person for display, or else the id (``person.json``)."""
    return name_or_id(person["name"], person["user_id"])


def name_or_id(name: str | None, user_id: str | None) -> str:
    """Return the display name of a person for display, or else the id; "-" if there is nobody."""
    return name or shown_name(user_id)


def shortened(uri: str) -> str:
    """Return a path relative to the working folder if it is in that folder, else unchanged."""
    here = f"{Path.cwd()}/"
    return uri.removeprefix(here)
