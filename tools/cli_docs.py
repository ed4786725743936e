"""Writes the generated sections of ``docs/cli.md``: ``python -m tools.cli_docs``.

A generated section stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; the rest of
the page is written by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"


def updated(page: str) -> str:
    """Return a page with its generated sections as the code has them now."""
    sections = {"commands": "\n".join(_commands()), "exit codes": "\n".join(_exit_codes())}
    for name, text in sections.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, found, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not found or not found_end:
            raise ValueError(f"the page has no section {name!r}")
        page = f"{before}{begin}\n{text}\n\n{end}{after}"
    return page


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands with their full names, groups before their commands."""
    for name in main.list_commands(click.Context(main)):
        command = main.get_command(click.Context(main), name)
        assert command is not None  # noqa: S101 - it was just listed
        yield name, command
        if isinstance(command, click.Group):
            for child in command.list_commands(click.Context(command)):
                subcommand = command.get_command(click.Context(command), child)
                assert subcommand is not None  # noqa: S101 - it was just listed
                yield f"{name} {child}", subcommand


def _commands() -> Iterator[str]:
    blocks = []
    for name, command in every_command():
        level = "###" if " " not in name else "####"
        arguments = "".join(
            f" {argument.make_metavar(click.Context(command))}"
            for argument in command.params
            if isinstance(argument, click.Argument)
        )
        block = [f"{level} `facerec {name}{arguments}`", "", *_help(command)]
        options = [each for each in command.params if isinstance(each, click.Option)]
        if options:
            block += ["", "| option | meaning |", "| --- | --- |"]
            block += [_option(option, command) for option in options]
        blocks.append("\n".join(block))
    yield "\n\n".join(blocks)


def _help(command: click.Command) -> Iterator[str]:
    """Yield the lines of a command's help; a paragraph with click's mark becomes a code block."""
    text = inspect.cleandoc(command.help or "")
    for number, paragraph in enumerate(re.split(r"\n\n+", text)):
        if number:
            yield ""
        if paragraph.startswith("\b\n"):
            yield from ["```console"]
            for line in paragraph.splitlines()[2:]:
                yield f"$ {line.strip()}"
            yield "```"
        else:
            yield from paragraph.splitlines()


def _option(option: click.Option, command: click.Command) -> str:
    context = click.Context(command)
    record = option.get_help_record(context)
    assert record is not None  # noqa: S101 - no option is hidden
    names, meaning = record
    notes = ""
    if match := re.search(r"\s+\[(.*)\]$", meaning):
        meaning = meaning[: match.start()]
        # The range comes first, before the default.
        facts = sorted((fact.strip() for fact in match.group(1).split(";")), key=lambda f: ":" in f)
        notes = "".join(f" {_fact(fact)}" for fact in facts)
    names, meaning = (text.replace("|", "\\|") for text in (names, f"{meaning}{notes}"))
    return f"| `{names}` | {meaning} |"


def _fact(fact: str) -> str:
    """Return what click notes in brackets (``default: 5``, ``required``) as a sentence."""
    name, colon, value = fact.partition(": ")
    if fact == "required":
        return "Required."
    if not colon:
        return f"{fact[0].upper()}{fact[1:]}."
    names = {"default": "Default", "env var": "Environment variable"}
    return f"{names.get(name, name.capitalize())}: `{value}`."


def _exit_codes() -> Iterator[str]:
    yield "| code | meaning | advice |"
    yield "| --- | --- | --- |"
    for code in ExitCode:
        yield f"| {code.value} | {code.meaning} | {code.advice} |"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text("utf-8")), "utf-8")
