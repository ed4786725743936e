"""A command works on the stack that is named, or says that it works on this machine only."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.errors import NotFoundError
from tests.support.chosen_stack import find_stacks_by
from tests.unit.cli.test_main import command_of, commands, run


def option_names(words: list[str]) -> set[str]:
    return {name for each in command_of(words).params for name in each.opts}


WITH_DATA = [words for words in commands() if "--data" in option_names(words)]
LOCAL = [words for words in WITH_DATA if "--stack" not in option_names(words)]
ON_STACKS = [words for words in WITH_DATA if "--stack" in option_names(words)]


def complete(words: list[str], folder: Path) -> list[object]:
    """Return a command with a value for each argument and each option that it needs."""
    photo = folder / "photo.jpg"
    photo.write_bytes(b"\xff\xd8")
    values: dict[str, object] = {"--consent": "2026-11-26", "--expires": "2099-11-26"}
    values |= {"--expire-after": "30d", "--output": folder / "out"}
    line: list[object] = [*words]
    for parameter in command_of(words).params:
        name = parameter.opts[0]
        if isinstance(parameter, click.Argument):
            value = "0.9" if isinstance(parameter.type, click.FloatRange) else photo
            line += [value] * max(parameter.nargs, 1)
        elif parameter.required:
            line += [name, values.get(name, "staff")]
    return line


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACEREC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FACEREC_STACK", "ours")


@pytest.mark.parametrize("words", LOCAL, ids=" ".join)
def test_a_command_of_this_machine_refuses_to_run_while_a_stack_is_chosen(
    words: list[str], tmp_path: Path
) -> None:
    result = run(*complete(words, tmp_path))
    assert result.exit_code == ExitCode.INVALID_INPUT, result.output
    error, hint = result.stderr.splitlines()
    assert f"facerec {' '.join(words)}` works on this machine only" in error
    assert "--data" in hint
    assert "FACEREC_STACK" in hint
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", LOCAL, ids=" ".join)
def test_the_help_of_a_command_of_this_machine_is_shown_all_the_same(words: list[str]) -> None:
    assert run(*words, "--help").exit_code == 0


def test_a_folder_on_the_command_line_is_used_whatever_stack_is_chosen(tmp_path: Path) -> None:
    here = ("--data", tmp_path / "here")
    assert run("collections", "create", "staff", *here).exit_code == 0
    assert "staff" in run("collections", "list", *here).stdout
    assert "staff" in run("collections", "describe", "staff", *here).stdout


@pytest.mark.parametrize("words", ON_STACKS, ids=" ".join)
def test_a_command_takes_a_folder_or_a_stack_but_not_both(words: list[str], tmp_path: Path) -> None:
    places = ("--data", tmp_path / "here"), ("--stack", "ours")
    for first, second in (places, places[::-1]):
        result = run(*complete(words, tmp_path), *first, *second)
        assert result.exit_code == ExitCode.USAGE, result.output
        assert "--data cannot be used with --stack" in result.stderr


@pytest.mark.parametrize("words", ON_STACKS, ids=" ".join)
def test_a_command_of_stacks_does_not_touch_the_faces_of_this_machine(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_stack(name: str) -> NoReturn:
        raise NotFoundError(f"there is no stack {name!r}")

    find_stacks_by(monkeypatch, find_stack)
    result = CliRunner().invoke(main, [str(each) for each in complete(words, tmp_path)], input="y")
    assert not (tmp_path / "data").exists()
    assert result.exit_code in (ExitCode.NOT_FOUND, ExitCode.USAGE, ExitCode.INVALID_INPUT)
