"""The page on accuracy: each figure has a command that makes it, and people it was measured on."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import pytest

from facerec.cli.main import main
from facerec.core.options import QualityFilter
from facerec.engine.describe.quality import LIMITS
from facerec.gallery.scores.normalisation import false_match_rate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "accuracy.md"
RESULTS = ROOT / "benchmarks" / "results"
"""Results of the last runs of some commands of the page (``benchmarks/kept_results.py``)."""

LIST = "Which command makes which figure"
QUOTED = re.compile(r"`((?:python -m|facerec) [^`]+)`")
INDENTED = re.compile(r"^    ((?:python -m|facerec) .+)$", re.MULTILINE)
LINK = re.compile(r"\]\(#([\w-]+)\)")
NO_SOURCE = re.compile(r"measured once|no command|were once|once measured", re.IGNORECASE)


def sections() -> dict[str, str]:
    """Return the text below each heading, by heading."""
    parts = re.split(r"^#+ (.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def rows(text: str) -> list[list[str]]:
    """Return the rows of the tables of a text, without their heads."""
    lines = [line.strip("| ") for line in text.splitlines() if line.startswith("|")]
    ends = [number for number, line in enumerate(lines) if set(line) <= set("-| ")]
    heads = {number - 1 for number in ends} | set(ends)
    return [
        [cell.strip() for cell in line.split(" | ")]
        for number, line in enumerate(lines)
        if number not in heads
    ]


def commands(text: str) -> list[str]:
    """Return the commands in a text."""
    quoted = [" ".join(found.split()) for found in QUOTED.findall(text)]
    return [*quoted, *INDENTED.findall(text)]


LISTED = [command for row in rows(sections()[LIST]) for command in commands(row[1])]


def test_every_section_with_figures_is_in_the_list_of_commands() -> None:
    with_tables = {
        anchor(heading)
        for heading, text in sections().items()
        if heading != LIST and any(re.search(r"\d", cell) for row in rows(text) for cell in row)
    }
    assert with_tables
    assert with_tables <= set(LINK.findall(sections()[LIST]))


def test_every_row_of_the_list_names_a_command_and_people() -> None:
    for row in rows(sections()[LIST]):
        assert len(row) == 4
        assert all(row), row
        assert commands(row[1]), row


def test_every_section_with_a_table_names_a_command_that_is_in_the_list() -> None:
    listed = {command.split(" --")[0] for command in LISTED}
    for heading, text in sections().items():
        if heading == LIST or not any(re.search(r"\d", cell) for row in rows(text) for cell in row):
            continue
        named = {command.split(" --")[0] for command in commands(text)}
        named |= {command for command in listed if f"#{anchor(heading)})" in listed_row(command)}
        assert named & listed, heading


def listed_row(command: str) -> str:
    """Return the figures that a command of the list makes."""
    return " ".join(row[0] for row in rows(sections()[LIST]) if command in row[1])


def test_the_levels_of_the_filter_are_those_of_the_code() -> None:
    table = rows(sections()["The quality filter"])[: len(QualityFilter)]
    shown = {row[0].lower(): row[1:6] for row in table}
    for level, limits in LIMITS.items():
        assert shown[level.value.lower()] == [
            f"{limits.min_size:g}",
            f"{limits.min_sharpness:g}",
            f"{limits.min_brightness:g} to {limits.max_brightness:g}",
            f"{limits.max_yaw:g}",
            f"{limits.max_pitch:g}",
        ]


def test_the_rates_of_the_scale_are_those_of_the_code() -> None:
    table = rows(sections()["Similarity: do two faces show one person?"])
    predicted = [
        (float(row[0].strip("*")), row[1]) for row in table if re.fullmatch(r"\**0\.\d+\**", row[0])
    ]
    assert len(predicted) == 9
    for similarity, rate in predicted:
        assert f"{false_match_rate_of(similarity):.1e}".replace("e-0", "e-") == rate


def kept(name: str) -> dict[str, Any]:
    """Return the kept result of a command."""
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return result


def row_of(section: str, start: str) -> list[str]:
    """Return the row of a section's tables whose first cell starts with a text."""
    (row,) = [row for row in rows(sections()[section]) if row[0].startswith(start)]
    return row


def percent(share: float, digits: int = 1) -> str:
    """Return a share as the page writes it, without the sign."""
    return f"{100 * share:.{digits}f}"


def short(rate: float, digits: int = 1) -> str:
    """Return a rate as the page writes it, such as 9.7e-3."""
    return f"{rate:.{digits}e}".replace("e-0", "e-")


def test_the_rates_and_misses_of_similarities_are_those_of_the_last_run() -> None:
    for each in kept("evaluate_lfw")["thresholds"]:
        (row,) = [
            row
            for row in rows(sections()["Similarity: do two faces show one person?"])
            if row[0].strip("*") == f"{each['similarity']:g}" and "e-" in row[1]
        ]
        misses = percent(each["false_non_match_rate"]["rate"])
        assert row[2:4] == [short(each["false_match_rate"]), f"{misses} %"]


@pytest.mark.parametrize(("field", "column"), [("plain_miss_rates", 1), ("miss_rates", 2)])
def test_the_misses_at_each_rate_are_those_of_the_last_run(field: str, column: int) -> None:
    for each in kept("evaluate_lfw")[field]:
        rate = short(each["false_match_rate"], 0)
        (row,) = [
            row
            for row in rows(sections()["Similarity: do two faces show one person?"])
            if row[0] == rate
        ]
        misses, low, high = (
            percent(each["false_non_match_rate"][name]) for name in ("rate", "low", "high")
        )
        assert row[column] == f"{misses} % ({low} to {high})"


def test_what_is_reached_on_lfw_is_what_the_last_run_reached() -> None:
    result = kept("evaluate_lfw")
    at = {
        short(each["false_match_rate"], 0): percent(each["false_non_match_rate"]["rate"])
        for each in result["miss_rates"]
    }
    accuracies = [
        sum(fold[0] for fold in result[name].values()) / len(result[name])
        for name in ("accuracy", "plain_accuracy")
    ]
    reached = "Targets and misses"
    assert row_of(reached, "misses at 1e-3, `fast`")[1] == f"{at['1e-3']} %"
    assert row_of(reached, "misses at 1e-4 and 1e-5")[1] == f"{at['1e-4']} and {at['1e-5']} %"
    own, plain = map(percent, accuracies)
    assert re.fullmatch(
        rf"{own} and [\d.]+ %; {plain} % by plain distance", row_of(reached, "accuracy by fold")[1]
    )


def test_the_times_that_are_reached_are_those_of_the_last_run() -> None:
    sizes = {each["faces"]: each for each in kept("rescoring")["sizes"]}
    largest = sizes[10**6]
    alone, some, many = (
        f"{largest[f'stats of a face, {count} together']:.2f}" for count in (1, 8, 64)
    )
    reached = "Targets and misses"
    assert row_of(reached, "normalisation of a face")[1] == (
        f"{some} among 8 faces, {many} among 64; {alone} for one alone"
    )
    assert row_of(reached, "re-scoring in a search")[1] == "; among 10^5 ".join(
        f"{percent(sizes[faces]['ratio'] - 1, 0)} %" for faces in (10**6, 10**5)
    )


def test_every_measuring_command_of_the_page_is_in_the_list() -> None:
    named = {
        command.removeprefix("python -m ").split()[0]
        for text in sections().values()
        for command in commands(text)
        if command.startswith("python -m")
    }
    listed = {command.removeprefix("python -m ").split()[0] for command in LISTED}
    assert named
    assert named <= listed


def test_no_figure_of_the_page_lacks_a_command() -> None:
    for heading, text in sections().items():
        assert not NO_SOURCE.search(text), heading


class ParsedError(Exception):
    """A script has parsed its arguments."""


@pytest.mark.parametrize("command", sorted({each for each in LISTED if each.startswith("python")}))
def test_a_listed_script_accepts_its_arguments(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = argparse.ArgumentParser.parse_args

    def stop(parser: argparse.ArgumentParser, args: Sequence[str] | None = None) -> NoReturn:
        parse(parser, args)
        raise ParsedError

    module, *words = shlex.split(command.removeprefix("python -m "))
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.setattr(sys, "argv", [module, *words])
    script: Any = import_module(module)
    with pytest.raises(ParsedError):
        script.main()


@pytest.mark.parametrize("command", sorted({each for each in LISTED if each.startswith("facerec")}))
def test_a_listed_command_of_facerec_accepts_its_arguments(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name, *words = shlex.split(command.removeprefix("facerec "))
    for word in words:
        path = tmp_path / word
        if "." in word:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        elif "/" in word:
            path.mkdir(parents=True)
    found = main.get_command(click.Context(main), name)
    assert found is not None
    found.make_context(name, words)
