"""`docs/cli.md` describes the command line as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from facerec.cli.main import main
from facerec.core import limits
from tools.cli_docs import PAGE, every_command, updated

ROOT = PAGE.parents[1]
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").glob("*.md")) - {PAGE})]
WRITTEN = re.compile(
    r"`facerec ([^`]+)`|^(?:\$ )?(?:[A-Z_]+=\S+ )*facerec ((?:.|\\\n)*)$", re.MULTILINE
)
"""A command in a sentence, or in a block of code."""


def commands_of(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command of facerec in a page."""
    for match in WRITTEN.finditer(page.read_text("utf-8")):
        words = re.split(r" [#|>]", match[1] or match[2])[0].replace("\\\n", " ").split()
        if words and (words[0] in main.list_commands(click.Context(main))):
            yield words


def test_the_generated_sections_are_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert updated(page) == page, "docs/cli.md is out of date: run `python -m tools.cli_docs`"


def test_the_format_of_every_json_output_is_listed() -> None:
    section = PAGE.read_text("utf-8").partition("## JSON output")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`facerec ([a-z -]+)`", section))
    printing = {
        name
        for name, command in every_command()
        if any("--json" in option.opts for option in command.params)
    }
    assert listed == printing


def test_every_command_has_a_place_in_the_reference() -> None:
    page = PAGE.read_text("utf-8")
    for name, command in every_command():
        assert f"`facerec {name}" in page
        for option in command.params:
            if isinstance(option, click.Option):
                assert f"`{option.opts[0]}" in page


def test_every_format_that_the_page_names_is_a_schema() -> None:
    section = PAGE.read_text("utf-8").partition("## JSON output")[2].partition("\n## ")[0]
    schemas = {path.name for path in (PAGE.parents[1] / "facerec" / "schemas").iterdir()}
    assert set(re.findall(r"`([a-z-]+\.json)`", section)) <= schemas


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_has_the_options_that_the_page_names(page: Path) -> None:
    for words in commands_of(page):
        command: click.Command | None = main
        for word in words:
            if not isinstance(command, click.Group):
                break
            command = command.get_command(click.Context(command), word)
        assert command is not None, words
        options = {"--help", *(name for each in command.params for name in each.opts)}
        options |= {name for each in command.params for name in each.secondary_opts}
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= options, words


def test_the_page_about_http_names_the_defaults_of_lists() -> None:
    page = " ".join((ROOT / "docs" / "api.md").read_text("utf-8").split())
    defaults = {limits.DEFAULT_CLUSTERS, limits.DEFAULT_EVENTS, limits.DEFAULT_HISTORY}
    assert len(defaults) == 1
    assert (
        f"a page has {limits.DEFAULT_PAGE:,} collections, faces or corrections, "
        f"{limits.MAX_USER_PAGE} people, or {defaults.pop()} clusters, events or entries"
    ) in page
    assert f"newest {limits.DEFAULT_JOBS} jobs and {limits.DEFAULT_RECEIPTS} receipts" in page
