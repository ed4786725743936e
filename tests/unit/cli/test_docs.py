"""`docs/cli.md` describes the command line as it is."""

from __future__ import annotations

import re

import click

from tools.cli_docs import PAGE, every_command, updated


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
