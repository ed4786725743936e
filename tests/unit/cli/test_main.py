"""The frame of the command line: help, errors and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from facerec.cli.exit_codes import ExitCode
from facerec.cli.jobs import COMMANDS as JOB_COMMANDS
from facerec.cli.jobs import jobs
from facerec.cli.main import COMMANDS, main

LIST_IMPORTS = """
import json, sys
from facerec.cli.main import main
main(["--help"], standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""


LIST_JOBS_IMPORTS = """
import json, sys
from facerec.cli.main import main
main(["jobs", "list", "--data", sys.argv[1]], standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def commands() -> list[list[str]]:
    found = []
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        is_group = isinstance(command, click.Group)
        children = command.list_commands(click.Context(command)) if is_group else ()
        found += [[name, child] for child in children] or [[name]]
    return found


def command_of(words: list[str]) -> click.Command:
    command: click.Command | None = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    return command


def test_help_imports_no_command_and_no_library_but_click() -> None:
    output = subprocess.run(
        [sys.executable, "-c", LIST_IMPORTS], check=True, capture_output=True, text=True
    ).stdout
    imported = json.loads(output.splitlines()[-1])
    own = {name for name in imported if name.startswith("facerec")}
    assert {"facerec", "facerec.cli", "facerec.cli.main", "facerec.errors"} <= own
    assert not own & {module for module, _ in COMMANDS.values()}
    assert len(own) <= 8
    packages = {name.split(".")[0] for name in imported}
    assert not packages & {"numpy", "rich", "boto3", "fastapi", "PIL", "onnxruntime", "dlib"}


def test_listing_jobs_imports_nothing_that_plans_or_runs_them(tmp_path: Path) -> None:
    output = subprocess.run(
        [sys.executable, "-c", LIST_JOBS_IMPORTS, tmp_path],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    imported = set(json.loads(output.splitlines()[-1]))
    own = {"planner", "verification", "erasure", "progress", "child", "ledger.reading"}
    assert not imported & {f"facerec.jobs.{name}" for name in own}
    assert not imported & {"facerec.jobs.local.supervisor", "facerec.estimate", "multiprocessing"}
    packages = {name.split(".")[0] for name in imported}
    assert not packages & {"numpy", "boto3", "jsonschema", "fastapi", "PIL", "onnxruntime"}


@pytest.mark.parametrize(
    ("group", "name", "summary"),
    [
        (group, name, summary)
        for group, table in ((main, COMMANDS), (jobs, JOB_COMMANDS))
        for name, (_, summary) in table.items()
    ],
)
def test_the_summary_of_a_command_is_the_first_line_of_its_help(
    group: click.Group, name: str, summary: str
) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert (command.help or "").splitlines()[0] == summary


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(words: list[str]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"facerec {' '.join(words)}" in result.stdout


WITHOUT_A_RESULT = {
    ("erasures", "discard"): "deletes a damaged note",
    ("export",): "writes a folder",
    ("faces", "not-same"): "changes a statement",
    ("faces", "thumbnail"): "writes a picture",
    ("keys", "revoke"): "deletes a key",
    ("people", "ignore"): "changes a statement",
    ("people", "not-a-face"): "changes a statement",
    ("people", "not-same"): "changes a statement",
    ("serve",): "runs until it is stopped",
}
"""Commands without ``--json``, and what they do instead of printing a result."""


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_that_prints_a_result_can_print_it_as_json(words: list[str]) -> None:
    options = {name for option in command_of(words).params for name in option.opts}
    assert ("--json" in options) != (tuple(words) in WITHOUT_A_RESULT)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_option_has_a_help_text_that_is_a_sentence(words: list[str]) -> None:
    for option in command_of(words).params:
        if isinstance(option, click.Option):
            assert option.help, option.opts
            assert option.help[0].isupper(), option.help
            assert option.help.endswith("."), option.help


@pytest.mark.parametrize(
    ("words", "message", "called"),
    [
        (["match"], "missing argument 'PHOTO|FOLDER'", "facerec match"),
        (["estimate", "--photos", "0"], "invalid value for '--photos'", "facerec estimate"),
        (["estimate", "--sample", "absent"], "'absent' does not exist", "facerec estimate"),
        (["serve", "--bucket", "photos=absent"], "'absent' is not a folder", "facerec serve"),
        (["keys", "make"], "no such command 'make'", "facerec keys"),
        (["--unknown"], "no such option '--unknown'", "facerec"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_line_and_a_hint(words: list[str], message: str, called: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert hint == f"hint: see `{called} --help`"
    assert result.stdout == ""


def test_a_user_without_a_home_is_told_to_choose_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "FACEREC_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    result = run("collections", "list")
    assert result.exit_code == ExitCode.INVALID_INPUT
    assert result.stderr == ("error: no home folder was found\nhint: choose a folder with --data\n")


def test_a_missing_photo_is_one_line_a_hint_and_its_own_exit_code(tmp_path: Path) -> None:
    result = run("detect", tmp_path / "absent.jpg")
    assert result.exit_code == 3
    error, hint = result.stderr.splitlines()
    assert error == f"error: {tmp_path / 'absent.jpg'} does not exist"
    assert hint.startswith("hint: ")


def test_a_folder_in_place_of_a_photo_is_reported_as_such(tmp_path: Path) -> None:
    result = run("detect", tmp_path)
    assert result.exit_code == 4
    assert result.stderr.splitlines()[0] == f"error: {tmp_path} is a folder, not a photo"


def test_a_question_that_is_not_answered_with_yes_changes_nothing(tmp_path: Path) -> None:
    data = ["--data", tmp_path]
    assert run("collections", "create", "staff", *data).exit_code == 0
    for answer in ("n\n", ""):
        words = ["collections", "delete", "staff", "--data", str(tmp_path)]
        result = CliRunner().invoke(main, words, input=answer)
        assert result.exit_code == 130
        assert "error: cancelled" in result.stderr
    assert run("collections", "describe", "staff", *data).exit_code == 0


def test_a_closed_pipe_ends_a_command_quietly() -> None:
    words = ["estimate", "--simulate", "--photos-per-second", "20", "--json"]
    command = f"{sys.executable} -m facerec.cli.main {' '.join(words)} | head -1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True
    )
    assert result.stdout == "{\n"
    assert result.stderr == ""
    assert result.returncode == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--version", ExitCode.DONE),
        ("collections list", ExitCode.DONE),
        ("collections describe nobody", ExitCode.NOT_FOUND),
        ("erase --collection staff --external-id ann", ExitCode.INTERRUPTED),
        ("no-such-command", ExitCode.USAGE),
    ],
)
def test_closed_streams_do_not_change_how_a_command_ends(
    words: str, code: ExitCode, closed: str, tmp_path: Path
) -> None:
    command = f"{sys.executable} -m facerec.cli.main {words} {closed}"
    environment = {**os.environ, "FACEREC_DATA": str(tmp_path)}
    result = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, input=""
    )
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


def test_what_is_printed_to_a_closed_stream_is_not_written_into_a_file(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from facerec.cli.main import main\n"
        "sys.argv = ['facerec', '--version']\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print(os.open(sys.argv[0] + '.txt', os.O_CREAT | os.O_RDWR) > 2, file=open('answer', 'w'))"
    )
    command = f'{sys.executable} -c "$0" >&- 2>&- <&-'
    subprocess.run(["bash", "-c", command, program], check=True, cwd=tmp_path)
    assert (tmp_path / "answer").read_text() == "True\n"


CREATING = {
    ("collections", "create"),
    ("collections", "import"),
    ("index",),
    ("jobs", "start"),
    ("keys", "create"),
    ("serve",),
}
"""Commands that start with an empty data folder; the imports do, too."""


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_only_commands_that_add_something_create_a_mistyped_data_folder(
    words: list[str], tmp_path: Path
) -> None:
    command = command_of(words)
    options = {option.opts[0]: option for option in command.params}
    if "--data" not in options or tuple(words) in CREATING or words[0] == "import":
        pytest.skip("creates it, or has none")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    arguments: list[object] = []
    for option in command.params:
        if isinstance(option, click.Argument):
            arguments += [tmp_path / "photo.jpg"] * (option.nargs if option.nargs > 1 else 1)
        elif option.required:
            arguments += [option.opts[0], "staff"]
    for extra, value in {"--output": tmp_path / "out", "--external-id": "ann"}.items():
        if extra in options and not options[extra].required:
            arguments += [extra, value]
    arguments += [flag for flag in ("--yes",) if flag in options]
    result = run(*words, *arguments, "--data", tmp_path / "typo")
    assert not (tmp_path / "typo").exists()
    assert result.exit_code in (ExitCode.NOT_FOUND, ExitCode.USAGE, ExitCode.INVALID_INPUT), words
    assert "Traceback" not in result.output
