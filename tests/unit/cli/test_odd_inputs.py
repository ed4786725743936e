"""Every command that reads a file or folder ends soon and in one line, whatever it is given."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import facerec.engine.engine
from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core import input_files, regular_files
from facerec.core.input_files import open_input, read_input
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.options import FaceOptions
from facerec.engine.self_check import known_face
from facerec.errors import InputFileError, ReadTimedOutError
from facerec.estimate.measuring import sample_photos
from facerec.evaluate.faces import describe
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine

READING = {
    ("collections import", "folder"): ["collections", "import", "{}"],
    ("estimate", "sample"): ["estimate", "--photos", "10", "--sample", "{}"],
    ("estimate", "price_file"): ["estimate", "--photos", "10", "--prices", "{}"],
    ("evaluate", "pairs"): ["evaluate", "{}", "--images", "photos"],
    ("evaluate", "labels"): ["evaluate", "--labels", "{}", "--images", "photos"],
    ("evaluate", "images"): ["evaluate", "pairs.csv", "--images", "{}"],
    ("evaluate", "identified"): ["evaluate", "--identify", "{}", "photos"],
    ("import rekognition", "manifest"): [
        *("import", "rekognition", "--collection", "new", "--manifest", "{}"),
    ],
    ("import face-recognition", "file"): ["import", "face-recognition", "{}", "--collection", "c"],
}
"""Commands by the parameter, of click's type of paths, that names a file to read."""

OTHERS = {
    "a dump": ["import", "compreface", "{}", "--collection", "new"],
    "an earlier report": [
        *("import", "rekognition", "--collection", "new", "--photo-template", "{{face_id}}"),
        *("--report", "{}"),
    ],
    "a file of an export": ["collections", "import", "export", "--data", "other"],
    "a photo to detect": ["detect", "{}"],
    "a photo to compare": ["compare", "photos/ann/0.jpg", "{}"],
    "a photo to match": ["match", "{}", "--collection", "staff"],
    "a photo to find": ["find", "{}", "--collection", "staff"],
    "a photo to erase": ["erase", "--photo", "{}", "--collection", "staff", "--yes"],
    "a photo to export": ["export", "--photo", "{}", "--collection", "staff", "--output", "own"],
    "photos to index": ["index", "{}", "--collection", "staff", "--workers", "1"],
    "people to enrol": ["people", "enrol", "{}", "--collection", "staff"],
    "a job folder": ["jobs", "report", "{}"],
    "a store": ["collections", "list"],
}
"""Commands whose inputs are texts, or files in a folder."""

KINDS = ("pipe", "device", "kernel", "circle", "folder", "denied", "endless")


def odd(kind: str, path: Path, patch: pytest.MonkeyPatch) -> None:
    """Put something there that cannot be read as a file."""
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "kernel":
            path.symlink_to("/proc/kmsg")
        case "circle":
            path.symlink_to(path)
        case "folder":
            path.mkdir()
        case "endless":
            with path.open("wb") as file:
                file.truncate(2 * 1024**4)
        case "denied":
            path.write_text("secret")
            path.chmod(0)
            if os.geteuid() == 0:
                deny(path, patch)


def deny(path: Path, patch: pytest.MonkeyPatch) -> None:
    """Refuse to open a file, as the system does for all users but root."""
    opened = os.open

    def denied(name: str, *others: int, **named: int) -> int:
        if Path(name).name == path.name:
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return opened(name, *others, **named)

    patch.setattr(regular_files.open_regular, "__defaults__", (denied,))
    patch.setattr(os, "open", denied)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Return a command line in a folder with photos, and a collection of them."""
    monkeypatch.chdir(tmp_path)
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    monkeypatch.setattr(facerec.engine.engine, "open_engine", lambda **_: FakeEngine())
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for person, shot in (("ann", 0), ("ann", 1), ("bob", 0)):
        photo = Path("photos", person, f"{shot}.jpg")
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(fake_photo(fake_face(person, shot=shot)))
    Path("pairs.csv").write_text(
        "image_a,image_b,same\n"
        "ann/0.jpg,ann/1.jpg,1\nann/0.jpg,bob/0.jpg,0\nann/1.jpg,ann/odd.jpg,0\n"
    )
    return CliRunner(env={"FACEREC_DATA": str(tmp_path / "data"), "AWS_REGION": "eu-west-1"})


def test_every_parameter_that_names_a_file_to_read_is_attacked_here() -> None:
    def files(command: click.Command, name: str = "") -> Iterator[tuple[str, str]]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for part in command.list_commands(context):
                inner = command.get_command(context, part)
                assert inner is not None
                yield from files(inner, f"{name} {part}".strip())
        for each in command.params:
            kinds = each.type.types if isinstance(each.type, click.Tuple) else [each.type]
            if any(isinstance(kind, click.Path) and kind.exists for kind in kinds):
                yield name, str(each.name)

    assert set(files(main)) == READING.keys() - {("collections import", "folder")}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "words", [*READING.values(), *OTHERS.values()], ids=[*map(" ".join, READING), *OTHERS]
)
def test_a_command_ends_soon_and_in_one_line_whatever_its_input_is(
    here: CliRunner,
    words: list[str],
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert here.invoke(main, ["collections", "create", "staff"]).exit_code == 0
    path = tmp_path / "odd.jpg"
    if words == OTHERS["a store"]:
        if kind == "kernel":
            pytest.skip("SQLite waits for a file that the kernel fills")
        (tmp_path / "data").rename(tmp_path / "old")
        (tmp_path / "data").mkdir()
        path = tmp_path / "data" / "facerec.db"
    if words == OTHERS["a file of an export"]:
        made = here.invoke(main, ["collections", "export", "staff", "--output", "export"])
        assert made.exit_code == 0, made.output
        path = tmp_path / "export" / "people.jsonl"
        path.unlink()
    odd(kind, path, monkeypatch)
    result = here.invoke(main, [word.format(path) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    if result.exit_code not in (ExitCode.DONE, ExitCode.TOO_MANY_FAILURES):
        lines = result.output.splitlines()
        assert lines.pop(0).startswith("error: "), result.output
        assert all(line.startswith("hint: ") for line in lines), result.output
        assert len(lines) <= 1
    else:
        assert words[0] in ("erase", "index", "match"), result.output


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", KINDS)
def test_one_odd_photo_of_an_evaluation_is_a_result_or_one_line(
    here: CliRunner, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd(kind, tmp_path / "photos" / "ann" / "odd.jpg", monkeypatch)
    result = here.invoke(main, ["evaluate", "pairs.csv", "--images", "photos"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.output.count("error: ") == (kind in ("pipe", "device", "circle", "folder"))


def test_evaluating_names_the_reason_why_a_photo_cannot_be_read(tmp_path: Path) -> None:
    with (tmp_path / "film.jpg").open("wb") as film:
        film.truncate(MAX_PHOTO_BYTES + 1)
    (tmp_path / "log.jpg").symlink_to("/proc/kmsg")
    faces = describe(tmp_path, ["film.jpg", "log.jpg"], engine=FakeEngine(), options=FaceOptions())
    assert faces.failures["film.jpg"] == "it is larger than 64 MiB"
    assert "log.jpg" in faces.failures


def test_films_beside_the_photos_of_a_sample_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(known_face())
    with (tmp_path / "film.mp4").open("wb") as film:
        film.truncate(2 * 1024**4)
    assert sample_photos(tmp_path) == [known_face()]


def test_a_file_that_grows_while_it_is_read_is_refused_at_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    path.write_bytes(b"1" * 10)
    with open_input(path, 20) as file:
        assert file.read(10) == b"1" * 10
        path.write_bytes(b"1" * 30)
        with pytest.raises(InputFileError, match="larger than 20 bytes"):
            file.read()


def test_a_file_system_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hangs"
    path.write_bytes(b"1")
    answers = threading.Event()
    monkeypatch.setattr(input_files, "MAX_SECONDS", 0.1)
    monkeypatch.setattr(input_files, "read_block", lambda *_: answers.wait(60) and b"")
    try:
        with pytest.raises(ReadTimedOutError, match="hangs could not be read"):
            read_input(path, 10)
    finally:
        answers.set()
