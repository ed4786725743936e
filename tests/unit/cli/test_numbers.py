"""Numbers that no option means are refused by one short line that names the option."""

from __future__ import annotations

import click
import pytest

from facerec.cli.exit_codes import ExitCode
from tests.unit.cli.test_main import command_of, commands, run

NO_NUMBERS = ("9" * 400, "-" + "9" * 400, "1" + "0" * 5000, "nan", "inf", "-inf", "1e999", "x")


def numeric_options() -> list[tuple[list[str], str]]:
    found = []
    for words in commands():
        for option in command_of(words).params:
            kind = option.type
            if isinstance(option, click.Option) and isinstance(
                kind, click.types.IntParamType | click.types.FloatParamType
            ):
                found.append((words, option.opts[0]))
    return found


@pytest.mark.parametrize(("words", "option"), numeric_options(), ids=str)
@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: value[:8])
def test_an_option_refuses_what_is_no_number_it_can_use(
    words: list[str], option: str, value: str
) -> None:
    result = run(*words, f"{option}={value}")
    assert result.exit_code == ExitCode.USAGE, result.output
    error, hint = result.stderr.splitlines()
    assert f"'{option}'" in error
    assert len(error) < 200
    assert hint.startswith("hint: see `facerec")


@pytest.mark.parametrize("days", ["9" * 400, "9" * 400 + "d", "-1d", "0d", "nand", "infd", ""])
@pytest.mark.parametrize("words", ["collections create staff", "collections update staff"])
def test_a_retention_is_a_number_of_days(words: str, days: str, tmp_path: object) -> None:
    result = run(*words.split(), "--data", tmp_path, f"--expire-after={days}")
    assert result.exit_code == ExitCode.INVALID_INPUT, result.output
    error, hint = result.stderr.splitlines()
    assert "is not a valid number of days" in error
    assert len(error) < 200
    assert hint == "hint: use 1d to 36500d, such as 365d"
