"""A damaged file of faces is one line and a way out at every door, and that way works."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.errors import ConfigurationError
from facerec.factory import jobs_root_of, open_local_store, open_server_gallery
from facerec.storage.objects import AccessPolicy
from facerec.testing.engine import FakeEngine
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_photos

PAGE = 4096
COMMANDS = (
    "collections list",
    "collections create other",
    "collections describe staff",
    "collections expire",
    "collections delete staff --yes",
    "faces list --collection staff",
    "people list --collection staff",
    "erase --collection staff --external-id ann --yes",
    "export --collection staff --external-id ann --output {out}",
    "verify staff",
    "rebuild staff",
    "keys list",
    "match {photo} --collection staff",
    "index {photo} --collection staff",
    "serve --port 0",
)


def garbled_header(content: bytearray) -> bytes:
    return b"no database, whatever its name says" + content[35:]


def garbled_pages(content: bytearray) -> bytes:
    return bytes(content[:PAGE]) + random.Random(1).randbytes(len(content) - PAGE)


def cut_in_half(content: bytearray) -> bytes:
    return bytes(content[: len(content) // 2])


def cut_within_a_page(content: bytearray) -> bytes:
    return bytes(content[: PAGE + 1000])


DAMAGES = (garbled_header, garbled_pages, cut_in_half, cut_within_a_page)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with four faces in its collection ``staff``, which no test changes."""
    folder = tmp_path_factory.mktemp("sound")
    data = folder / "data"
    with pytest.MonkeyPatch.context() as patch:
        use_fake_engine(patch)
        run_jobs_in_this_process(patch)
        write_photos(folder / "photos", 4, faces=1)
        indexed = run(data, f"index {folder / 'photos'} --collection staff --workers 1")
        assert indexed.exit_code == ExitCode.DONE, indexed.output
    return data


@pytest.fixture
def data(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data folder to damage."""
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    shutil.copytree(sound.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "data"


def run(data: Path, command: str) -> Result:
    out, photo = data.parent / "out", data.parent / "photos" / "0.jpg"
    shutil.rmtree(out, ignore_errors=True)
    words = command.format(out=out, photo=photo).split()
    return CliRunner(env={"FACEREC_DATA": str(data)}).invoke(main, words)


def damage(data: Path, how: Callable[[bytearray], bytes]) -> bytes:
    path = data / "facerec.db"
    for log in data.glob("facerec.db-*"):
        log.unlink()
    damaged = how(bytearray(path.read_bytes()))
    path.write_bytes(damaged)
    return damaged


@pytest.mark.parametrize("how", DAMAGES)
def test_every_command_says_in_a_line_what_helps_and_changes_nothing(
    data: Path, how: Callable[[bytearray], bytes]
) -> None:
    for command in COMMANDS:
        damaged = damage(data, how)
        result = run(data, command)
        *_, error, hint = result.stderr.splitlines()
        assert error.startswith(f"error: the store {data / 'facerec.db'} is damaged"), command
        assert "move it away and run `facerec rebuild`" in hint, command
        assert "Traceback" not in result.output
        assert result.exit_code == ExitCode.ERROR, command
        assert (data / "facerec.db").read_bytes() == damaged
    assert "staff" in run(data, "jobs list").stdout


@pytest.mark.parametrize("name", ["facerec.db", "facerec.db-wal"])
@pytest.mark.parametrize("target", [None, "/dev/zero"])
def test_a_store_that_is_a_pipe_or_a_device_is_refused(
    sound: Path, tmp_path: Path, name: str, target: str | None
) -> None:
    (tmp_path / "facerec.db").write_bytes((sound / "facerec.db").read_bytes())
    path = tmp_path / name
    path.unlink(missing_ok=True)
    if target is None:
        os.mkfifo(tmp_path / "pipe")
    path.symlink_to(target or tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match=f"the store {path} is not a regular file"):
        open_local_store(tmp_path)


def test_a_link_to_a_store_whose_journal_is_a_pipe_is_refused(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes((sound / "facerec.db").read_bytes())
    (tmp_path / "facerec.db").symlink_to("elsewhere")
    os.mkfifo(tmp_path / "elsewhere-journal")
    with pytest.raises(ConfigurationError, match="elsewhere-journal is not a regular file"):
        open_local_store(tmp_path)


def test_a_store_may_be_a_link_to_a_file(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes((sound / "facerec.db").read_bytes())
    (tmp_path / "facerec.db").symlink_to("elsewhere")
    with closing(open_local_store(tmp_path)) as store:
        assert [each.collection_id for each in store.list_collections()] == ["staff"]


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("with_log", [False, True])
def test_the_advice_brings_the_faces_back(
    data: Path, how: Callable[[bytearray], bytes], with_log: bool
) -> None:
    before = {face["face_id"] for face in listed(data)}
    damage(data, how)
    if with_log:
        (data / "facerec.db-wal").write_bytes(b"what a killed process left" * 1000)
    (data / "facerec.db").rename(data.parent / "facerec.db.damaged")
    assert run(data, "rebuild staff").exit_code == ExitCode.DONE
    assert {face["face_id"] for face in listed(data)} == before
    assert len(before) == 4


def test_a_file_of_something_else_is_named_as_what_it_is(data: Path) -> None:
    path = data / "facerec.db"
    for log in data.glob("facerec.db*"):
        log.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE song (title TEXT)")
    for command in COMMANDS:
        assert "is a database of another program\nhint: choose another" in run(data, command).stderr
    path.unlink()
    path.mkdir()
    for command in COMMANDS:
        assert "facerec.db is a folder\nhint: choose another" in run(data, command).stderr, command


def test_a_server_whose_file_is_damaged_says_so_and_goes_on(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy = AccessPolicy({"photos": data.parent / "photos"}, set(), jobs_root_of(data))
    store = open_local_store(data)
    with open_server_gallery(data, store, FakeEngine(), policy) as gallery:
        client = TestClient(create_app(gallery, AppSettings(OpenGuard())), "http://localhost")
        assert client.get("/api/v1/collections").status_code == 200
        store.close()
        damage(data, garbled_pages)
        photo = {"bucket": "photos", "key": "0.jpg"}
        match = {"collection_id": "staff", **photo}
        for answer in (
            client.get("/api/v1/collections"),
            client.get("/api/v1/collections/staff/faces"),
            client.post("/api/v1/face-recognition/match", json=match),
            client.post("/api/v1/collections", json={"collection_id": "other"}),
        ):
            assert answer.status_code == 500, answer.text
            assert answer.json()["detail"] == "a store of the server is damaged"
            assert "hint" not in answer.json()
        rekognition = client.post(
            "/",
            content=json.dumps({"CollectionId": "staff"}),
            headers={
                "X-Amz-Target": "RekognitionService.ListFaces",
                "Content-Type": "application/x-amz-json-1.1",
            },
        )
        assert (rekognition.status_code, rekognition.json()["__type"]) == (
            500,
            "InternalServerError",
        )
    assert "the store is damaged: restore it from a backup" in caplog.text
    assert "Traceback" not in caplog.text
    assert str(data) not in caplog.text


def listed(data: Path) -> list[dict[str, str]]:
    result = run(data, "faces list --collection staff --json")
    faces: list[dict[str, str]] = json.loads(result.stdout)["faces"]
    return faces


def test_a_comparison_names_jobs_of_an_earlier_collection(data: Path) -> None:
    for file in data.glob("facerec.db*"):
        file.unlink()
    run(data, "collections create staff")
    compared = run(data, "verify staff")
    assert "1 job of an earlier collection of this name not compared" in compared.stdout
    document = json.loads(run(data, "verify staff --json").stdout)
    assert (document["faces"], document["earlier_jobs"]) == (0, 1)
    assert violation("verification", document) is None
    run(data, f"index {data.parent / 'photos'} --collection staff --workers 1")
    assert len(listed(data)) == 4
