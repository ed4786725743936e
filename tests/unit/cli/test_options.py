"""Options have one meaning each over all commands, and are named and refused in plain words."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import click
import pytest

from facerec.cli.exit_codes import ExitCode
from tests.unit.cli.test_main import command_of, commands, run

NOUNS = re.compile(r"(?<=^Show at most N ).*")
"""What a listing lists: all that differs between the texts of ``--limit``."""

SEVERAL_VALUES = {("--collection", "keys create"): "a key can be limited to several collections"}
"""Options that one command takes once and another repeatedly, with the reason."""


def named_options() -> dict[str, list[tuple[str, click.Option]]]:
    found = defaultdict(list)
    for words in commands():
        for option in command_of(words).params:
            if isinstance(option, click.Option):
                for name in option.opts:
                    found[name].append((" ".join(words), option))
    return found


OPTIONS = named_options()


def meaning_of(option: click.Option) -> str:
    """Return the first clause of the help; what follows are consequences and defaults."""
    return NOUNS.sub("entries", re.split(r"[.,:;](?: |$)| \(", option.help or "")[0])


def values_of(name: str, option: click.Option) -> dict[str, object]:
    """Return what values an option takes; only the maximum of ``--limit`` differs by listing."""
    facts = dict(option.type.to_info_dict())
    if name == "--limit":
        del facts["max"]
    return {**facts, "metavar": option.metavar, "flag": option.is_flag}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_means_the_same_in_all_commands(name: str) -> None:
    meanings = {meaning_of(option): command for command, option in OPTIONS[name]}
    assert len(meanings) == 1, meanings


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_takes_the_same_values_in_all_commands(name: str) -> None:
    values = {str(values_of(name, option)): command for command, option in OPTIONS[name]}
    assert len(values) == 1, values
    usual = [
        option.multiple
        for command, option in OPTIONS[name]
        if (name, command) not in SEVERAL_VALUES
    ]
    assert len(set(usual)) == 1


def test_no_two_options_have_the_same_text() -> None:
    names = defaultdict(set)
    for name, uses in OPTIONS.items():
        for _, option in uses:
            if name == option.opts[0]:
                names[option.help].add(name)
    assert not {text: same for text, same in names.items() if len(same) > 1}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_help_has_none_of_the_words_that_click_uses_for_numbers(words: list[str]) -> None:
    help_text = run(*words, "--help").stdout
    assert not re.search(r"\b(RANGE|INTEGER|FLOAT)\b|<=?x|x>=?", help_text), help_text


def numeric_parameters() -> list[tuple[list[str], click.Parameter]]:
    numbers = click.IntRange | click.FloatRange
    return [
        (words, parameter)
        for words in commands()
        for parameter in command_of(words).params
        if isinstance(parameter.type, numbers)
    ]


def words_before(words: list[str], parameter: click.Parameter) -> list[str]:
    """Return a command with the words that come before a value of one of its parameters."""
    if isinstance(parameter, click.Option):
        return [*words, parameter.opts[0]]
    earlier = [each for each in command_of(words).params if isinstance(each, click.Argument)]
    return [*words, *("staff" for _ in earlier[: earlier.index(parameter)])]


@pytest.mark.parametrize(("words", "parameter"), numeric_parameters(), ids=str)
@pytest.mark.parametrize("number", ["-1", "-0.5", "-.5", "-1e3"])
def test_a_negative_number_is_refused_as_a_number_and_not_as_an_option(
    words: list[str], parameter: click.Parameter, number: str
) -> None:
    result = run(*words_before(words, parameter), number)
    assert result.exit_code == ExitCode.USAGE
    assert "no such option" not in result.stderr
    assert re.search(r"must be (a|from \d)|not a valid whole number", result.stderr), result.stderr


@pytest.mark.parametrize(("words", "parameter"), numeric_parameters(), ids=str)
def test_a_refused_number_is_answered_in_words(
    words: list[str], parameter: click.Parameter
) -> None:
    # with a number that is not refused, it would measure the speed of this machine
    words = [*words, "--photos-per-second", "20"] if words == ["estimate"] else words
    for number in ("x", "5.5", "-1", "1e15"):
        result = run(*words_before(words, parameter), number)
        if result.exit_code == ExitCode.USAGE:
            assert not re.search(r"integer|float|<|\[", result.stderr), result.stderr


@pytest.mark.parametrize(
    "words",
    [
        "collections set-threshold staff",
        "collections set-threshold staff 0.9 --default",
        "erase --collection staff",
        "erase --collection staff --face 1 --person ann",
        "evaluate",
        "evaluate --images {folder}",
        "evaluate {file}",
        "evaluate --labels {file} --identify {folder} {folder}",
        "export --collection staff --output out",
        "export --collection staff --output out --photo a.jpg --external-id ann",
        "import rekognition --collection staff",
        "import rekognition --collection staff --photo-template {{face_id}} --manifest {file}",
        "index {folder} --collection staff --person-from folder --external-ids folder",
        "jobs start {folder} --collection staff --photos-per-child 5",
        "people create --collection staff",
        "people match --collection staff",
        "people match --collection staff --person ann --no-rotate",
        "people match --collection staff --face 1 --min-confidence 0.5",
        "people match --collection staff a.jpg --person ann",
        "people rename --collection staff ann",
        "people rename --collection staff ann Ann --remove",
        "rebuild staff --into {folder} --stack facerec",
        "serve --host 0.0.0.0",
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("FACEREC_STACK", "FACEREC_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FACEREC_DATA", str(tmp_path / "data"))
    file = tmp_path / "file"
    file.touch()
    result = run(*words.format(folder=tmp_path, file=file).split())
    assert result.exit_code == ExitCode.USAGE, result.output
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: see `facerec")
    assert not (tmp_path / "data").exists()


def groups() -> list[str]:
    return sorted({words[0] for words in commands() if len(words) > 1})


@pytest.mark.parametrize("group", groups())
def test_a_group_lists_the_whole_summary_of_each_command(group: str) -> None:
    listed = " ".join(run(group, "--help").stdout.split())
    for words in commands():
        if words[0] == group:
            summary = (command_of(words).help or "").partition("\n")[0]
            assert f" {words[-1]} {summary}" in listed


def test_an_argument_is_named_without_the_brackets_of_the_help() -> None:
    result = run("collections", "set-threshold", "staff", "x")
    assert result.stderr.splitlines()[0] == (
        "error: invalid value for 'THRESHOLD': 'x' is not a valid number"
    )


def test_a_misspelt_option_of_a_command_with_a_number_is_refused() -> None:
    result = run("collections", "set-threshold", "staff", "--defualt")
    assert result.exit_code == ExitCode.USAGE
    assert "no such option" in result.stderr
