"""No command overwrites a file of the caller unless somebody has agreed to lose it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from facerec.cli.main import main
from facerec.cli.new_files import whole_file
from facerec.errors import InvalidInputError
from facerec.testing.engine import fake_face, fake_photo

ASKING = {
    ("detect", "draw"): ["detect", "photo.jpg", "--draw", "out.jpg"],
    ("faces thumbnail", "output"): ["faces", "thumbnail", "--collection", "c", "face", "out.jpg"],
    ("evaluate", "html_file"): ["evaluate", "pairs.csv", "--images", ".", "--html", "out.jpg"],
    ("calibrate", "html_file"): ["calibrate", "--collection", "c", "--html", "out.jpg"],
}
"""Commands that ask before they overwrite a file, by command and parameter."""
REFUSING = {
    ("find", "csv_file"): ["find", "photo.jpg", "--collection", "c", "--csv", "out.jpg"],
    ("find", "html_file"): ["find", "photo.jpg", "--collection", "c", "--html", "out.jpg"],
    ("match", "csv_file"): ["match", "photo.jpg", "--collection", "c", "--csv", "out.jpg"],
    ("import rekognition", "report"): [
        *("import", "rekognition", "--collection", "c", "--photo-template", "{face_id}"),
        *("--report", "out.jpg"),
    ],
    ("import compreface", "report"): [
        *("import", "compreface", "http://localhost:9", "--api-key", "k", "--collection", "c"),
        *("--report", "out.jpg"),
    ],
}
"""Commands that refuse to overwrite a file."""


def output_files(command: click.Command, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield command and name of each parameter that names a file to write."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for part in command.list_commands(context):
            inner = command.get_command(context, part)
            assert inner is not None
            yield from output_files(inner, f"{name} {part}".strip())
        return
    for parameter in command.params:
        kind = parameter.type
        if isinstance(kind, click.Path) and kind.file_okay and not kind.exists:
            yield name, str(parameter.name)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that exists, in the current folder, with the inputs of the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACEREC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    Path("photo.jpg").write_bytes(fake_photo(fake_face("ann")))
    Path("pairs.csv").write_text("image_a,image_b,same\n")
    Path("out.jpg").write_text("dear")
    return tmp_path / "out.jpg"


def test_every_parameter_that_names_a_file_to_write_is_attacked_here() -> None:
    not_written = {
        ("collections import", "folder"),
        # folders, which must be empty
        ("find", "copy_to"),
        ("find", "link_to"),
    }
    assert set(output_files(main)) - not_written == {*ASKING, *REFUSING}


@pytest.mark.parametrize("words", ASKING.values(), ids=map(str, ASKING))
def test_without_a_terminal_an_existing_file_is_kept_and_the_option_is_named(
    out: Path, words: list[str]
) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 4
    assert result.stderr.splitlines() == [
        "error: out.jpg already exists",
        "hint: name a file that does not exist, or specify --overwrite",
    ]
    assert out.read_text() == "dear"


@pytest.mark.parametrize("words", REFUSING.values(), ids=map(str, REFUSING))
def test_other_commands_refuse_to_overwrite_a_file(out: Path, words: list[str]) -> None:
    CliRunner().invoke(main, ["collections", "create", "c"])
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 4
    assert "out.jpg already exists" in result.stderr
    assert out.read_text() == "dear"


@pytest.mark.parametrize("words", ASKING.values(), ids=map(str, ASKING))
def test_with_the_option_nobody_is_asked(out: Path, words: list[str]) -> None:
    result = CliRunner().invoke(main, [*words, "--overwrite"])
    assert "already exists" not in result.stderr


def test_a_link_to_nothing_is_a_file_too(out: Path) -> None:
    out.unlink()
    out.symlink_to("elsewhere.jpg")
    result = CliRunner().invoke(main, ASKING["detect", "draw"])
    assert result.exit_code == 4
    assert not Path("elsewhere.jpg").exists()


@pytest.mark.parametrize("answer", [b"n\n", b"\n"])
def test_at_a_terminal_the_caller_is_asked_and_no_is_the_default(out: Path, answer: bytes) -> None:
    keyboard, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "facerec.cli.main", *ASKING["detect", "draw"]],
        stdin=terminal,
        stderr=subprocess.PIPE,
    ) as command:
        os.write(keyboard, answer)
        _, errors = command.communicate()
    os.close(keyboard)
    os.close(terminal)
    assert b"overwrite out.jpg?" in errors
    assert b"cancelled" in errors
    assert command.returncode == 130
    assert out.read_text() == "dear"


@pytest.mark.parametrize(
    "words",
    [
        ["people", "create", "--collection", "c", "--name"],
        ["people", "rename", "--collection", "c", "ann"],
        ["people", "list", "--collection", "c", "--contains"],
        ["people", "create", "--collection", "c", "bob", "--why"],
        ["collections", "create", "d", "--tag"],
        ["collections", "describe"],
        ["faces", "list", "--collection", "c", "--next-token"],
        ["faces", "list", "--collection", "c", "--person"],
        ["keys", "create"],
        ["erase", "--collection", "c", "--yes", "--person"],
        ["jobs", "show"],
    ],
    ids=" ".join,
)
def test_arguments_that_are_not_utf_8_end_with_a_sentence(out: Path, words: list[str]) -> None:
    CliRunner().invoke(main, ["collections", "create", "c"])
    result = CliRunner().invoke(main, [*words, b"a=\xff\xfe".decode(errors="surrogateescape")])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code not in (0, 1)
    assert result.stderr.startswith(("error: ", "Usage: "))


@pytest.mark.parametrize(
    "words",
    [
        *map(tuple, [*ASKING.values(), *REFUSING.values()]),
        ("find", "photo.jpg", "--collection", "c", "--copy-to", "out.jpg"),
        ("find", "photo.jpg", "--collection", "c", "--link-to", "out.jpg"),
        ("export", "--collection", "c", "--person", "ann", "--output", "out.jpg"),
        ("collections", "export", "c", "--output", "out.jpg"),
        ("collections", "list", "--data", "out.jpg"),
        ("rebuild", "c", "--into", "out.jpg"),
        ("index", ".", "--collection", "c", "--job-folder", "out.jpg"),
    ],
    ids=" ".join,
)
def test_no_command_writes_a_local_folder_that_is_named_like_an_address(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(fake_photo(fake_face("ann")))
    (tmp_path / "pairs.csv").write_text("a,b\n")
    address = [word.replace("out.jpg", "s3://bucket/out") for word in words]
    refused = CliRunner().invoke(main, address)
    assert refused.exit_code == 2, refused.output
    assert "s3://bucket/out is not a path on this machine" in refused.output
    assert not (tmp_path / "s3:").exists()


def test_a_file_in_a_missing_folder_is_refused_by_the_name_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "out.jpg"
    refused = pytest.raises(InvalidInputError, match="missing is not a folder")
    with refused, whole_file(path) as part:
        part.write_bytes(b"never written")
