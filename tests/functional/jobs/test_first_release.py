"""Job folders that commit 325589f wrote are refused with what to do, or erased; never misread.

``data/first-release`` is a data folder as that commit left it: a job of three photos of the fake
engine, with two faces each, and of a file that is not a photo.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.schemas import check
from facerec.factory import open_gallery, open_local_jobs
from facerec.jobs.ledger.embeddings import read_embeddings, write_embeddings
from facerec.jobs.run_lock import run_lock
from facerec.storage.objects.local import LocalObjects
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_manifest, write_photos

GOLDEN = Path(__file__).parent / "data" / "first-release"
JOB = "staff-5cf2c9367bd1"
CAUSE = "written by another release of facerec"
FACES = 6

Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a copy of the data folder."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copytree(GOLDEN / "jobs", data / "jobs")
    (data / "facerec.db").write_bytes(gzip.decompress((GOLDEN / "facerec.db.gz").read_bytes()))
    return data


@pytest.fixture
def run(data: Path) -> Run:
    """Return a function that runs a command on the data folder."""
    return lambda *words: CliRunner(env={"FACEREC_DATA": str(data)}).invoke(main, words)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept(data: Path) -> set[str]:
    """Return the ids of the faces in the files of embeddings."""
    return {
        face.record.face_id
        for path in (data / "jobs").glob("*/embeddings/*/*.npz")
        for face in read_embeddings(LocalObjects(), str(path))
    }


def face_ids(run: Run) -> set[str]:
    listed = json.loads(run("faces", "list", "--collection", "staff", "--json").stdout)
    return {face["face_id"] for face in listed["faces"]}


@pytest.mark.parametrize("command", ["status", "report", "failures", "watch", "cancel"])
def test_a_command_about_the_job_is_refused_with_what_to_do(
    data: Path, run: Run, command: str
) -> None:
    before = contents(data / "jobs")

    result = run("jobs", command, JOB)

    assert result.exit_code == ExitCode.INVALID_INPUT
    error, hint = result.stderr.splitlines()
    assert error.startswith(f"error: the job folder {data}/jobs/{JOB}/ was written by another")
    assert hint.startswith(
        "hint: index the photos again as a new job, in another folder if you chose"
    )
    assert result.stdout == ""
    assert contents(data / "jobs") == before


def test_the_folder_of_the_job_is_refused_as_well(data: Path, run: Run) -> None:
    result = run("jobs", "report", str(data / "jobs" / JOB))

    assert result.exit_code == ExitCode.INVALID_INPUT
    assert "was written by another release of facerec" in result.stderr


def test_the_job_is_listed_with_the_cause(run: Run) -> None:
    (listed,) = json.loads(run("jobs", "list", "--json").stdout)["jobs"]
    assert (listed["job_id"], listed["collection_id"]) == (JOB, "staff")
    assert (listed["status"], listed["cause"]) == ("UNREADABLE", CAUSE)
    shown = run("jobs", "list").stdout
    assert "UNREADABLE" in shown
    assert CAUSE in shown
    assert run("jobs", "status", "latest").exit_code == ExitCode.INVALID_INPUT


def test_a_comparison_with_the_job_reports_that_it_cannot_be_read(run: Run) -> None:
    result = run("verify", "staff")

    assert result.exit_code == ExitCode.ERROR
    assert "1 job cannot be read" in result.stdout
    assert "has all" not in result.stdout


def test_the_job_is_deleted_and_a_comparison_passes(data: Path, run: Run) -> None:
    faces = face_ids(run)
    compared = run("verify", "staff").stdout
    assert "delete each of these jobs with `facerec jobs delete JOB`" in " ".join(compared.split())

    result = run("jobs", "delete", JOB, "--yes", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "job_id": JOB,
        "job_folder": f"{data}/jobs/{JOB}/",
        "files": 5,
    }
    assert contents(data / "jobs") == {}
    assert run("verify", "staff").exit_code == 0
    assert face_ids(run) == faces


def test_a_job_of_this_release_with_a_damaged_plan_is_deleted(data: Path, run: Run) -> None:
    plan = data / "jobs" / JOB / "plan.json"
    for damaged in ("", "[]", '{"version": 2}'):
        plan.parent.mkdir(exist_ok=True)
        plan.write_text(damaged)
        assert run("jobs", "delete", JOB, "--yes").exit_code == 0
        assert contents(data / "jobs") == {}


def test_a_locked_job_is_not_deleted(data: Path, run: Run) -> None:
    with run_lock(f"{data}/jobs/{JOB}"):
        result = run("jobs", "delete", JOB, "--yes")
    assert result.exit_code == ExitCode.INVALID_INPUT
    assert "is running" in result.stderr


def test_the_api_refuses_the_job_and_lists_it_without_a_path(data: Path) -> None:
    settings = AppSettings(OpenGuard(), jobs=open_local_jobs(data, workers=1))
    with open_gallery(data) as gallery:
        client = TestClient(create_app(gallery, settings), base_url="http://localhost")
        answer = client.get(f"/api/v1/jobs/{JOB}")
        listed = client.get("/api/v1/jobs")

    assert answer.status_code == 422
    assert "was written by another release of facerec" in answer.json()["detail"]
    assert "index the photos again as a new job" in answer.json()["hint"]
    assert str(data) not in answer.text + listed.text
    (job,) = listed.json()["jobs"]
    assert (job["job_id"], job["status"], job["cause"]) == (JOB, "UNREADABLE", CAUSE)


def test_the_faces_open_and_a_deleted_one_leaves_the_folder(data: Path, run: Run) -> None:
    faces = face_ids(run)
    assert len(faces) == FACES
    assert kept(data) == faces
    gone = min(faces)

    assert run("faces", "delete", "--collection", "staff", gone).exit_code == 0

    assert face_ids(run) == kept(data) == faces - {gone}


def test_a_deleted_collection_takes_the_folder_with_it(data: Path, run: Run) -> None:
    assert run("collections", "delete", "staff", "--yes").exit_code == 0

    assert contents(data / "jobs") == {}


def test_the_job_submitted_again_processes_the_photos_and_keeps_the_face_ids(
    data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    faces = face_ids(run)
    photos = write_photos(tmp_path / "photos", 3, faces=2)
    manifest = write_manifest(tmp_path / "photos" / "list.jsonl", photos)

    result = run("index", str(manifest), "--collection", "staff", "--workers", "1", "--json")

    # The digest of the options has changed with the options since.
    assert json.loads(result.stdout)["outcomes"] == {"INDEXED": 3}, result.output
    assert face_ids(run) == faces


def delete_as_first_release(data: Path, face_ids: set[str]) -> None:
    """Delete faces as that release did: from the store and the embeddings, but not from rows."""
    for path in (data / "jobs").glob("*/embeddings/*/*.npz"):
        faces = read_embeddings(LocalObjects(), str(path))
        left = [face for face in faces if face.record.face_id not in face_ids]
        path.unlink()
        if left:
            write_embeddings(LocalObjects(), str(path), left)
    with open_gallery(data) as gallery:
        gallery._faces.delete_faces("staff", sorted(face_ids))


@pytest.mark.parametrize("number", [1, FACES])
def test_a_face_that_was_deleted_before_stays_deleted_until_it_is_restored(
    data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    faces = face_ids(run)
    gone = set(sorted(faces)[:number])
    delete_as_first_release(data, gone)
    photos = write_photos(tmp_path / "photos", 3, faces=2)
    manifest = write_manifest(tmp_path / "photos" / "list.jsonl", photos)
    index = ("index", str(manifest), "--collection", "staff", "--workers", "1")

    for options in ((), ("--force",), ("--max-faces", "5"), ()):
        assert run(*index, *options).exit_code == 0
        assert face_ids(run) == faces - gone

    assert run(*index, "--restore-deleted").exit_code == 0
    assert face_ids(run) == faces
    assert run(*index, "--force").exit_code == 0
    assert face_ids(run) == faces


def test_no_command_offers_to_restore_what_was_deleted_before(data: Path, run: Run) -> None:
    face = min(face_ids(run))
    with open_gallery(data) as gallery:
        gallery.create_user("staff", "ann")
        gallery.associate_faces("staff", "ann", [face])
    delete_as_first_release(data, {face})

    shown = run("people", "show", "ann", "--collection", "staff")

    assert "1 face not in the collection, deleted or lost" in " ".join(shown.stdout.split())
    assert "--repair" not in shown.stdout


def test_a_lost_store_is_not_taken_for_a_deletion(
    data: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    faces = face_ids(run)
    (data / "facerec.db").unlink()
    photos = write_photos(tmp_path / "photos", 3, faces=2)
    manifest = write_manifest(tmp_path / "photos" / "list.jsonl", photos)

    assert run("index", str(manifest), "--collection", "staff", "--workers", "1").exit_code == 0

    assert face_ids(run) == faces


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("--photo", "/srv/photos/0001.jpg"),
        ("--external-id", "photo:1"),
        ("--photo", "/srv/photos/broken.jpg"),
        ("--external-id", "photo:3"),
    ],
)
def test_an_erasure_leaves_nothing_of_a_photo_in_any_file(
    data: Path, run: Run, subject: str, name: str
) -> None:
    number, photo = ("1", "0001.jpg") if "1" in name else ("3", "broken.jpg")
    words = (f"/srv/photos/{photo}".encode(), f'"photo:{number}"'.encode())
    before = contents(data / "jobs").values()
    assert any(word in content for word in words for content in before)

    result = run("erase", "--collection", "staff", subject, name, "--yes", "--check")

    assert result.exit_code == 0, result.output
    assert "1 row" in result.stdout
    after = contents(data / "jobs")
    assert [path for path, content in after.items() for word in words if word in content] == []
    # The rows keep the names of their release.
    (segment,) = (data / "jobs").glob("*/ledger/*/*.jsonl")
    _, *rows = map(json.loads, segment.read_text().splitlines())
    assert len({frozenset(row) for row in rows}) == 1
    assert [row["line"] for row in rows if row["outcome"] == "ERASED"] == [int(number) + 1]


def test_an_export_contains_what_the_folder_keeps(run: Run, tmp_path: Path) -> None:
    result = run(
        *("export", "--collection", "staff", "--external-id", "photo:1"),
        *("--output", str(tmp_path / "export")),
    )

    assert result.exit_code == 0, result.output
    exported = json.loads((tmp_path / "export" / "export.json").read_text())
    check("export", exported, "the export")
    (job,) = exported["jobs"]
    assert [row["photo"] for row in job["rows"]] == ["/srv/photos/0001.jpg"]
    assert len(job["faces"]) == 2


def test_a_damaged_ledger_is_an_error_of_an_export_in_one_line(
    data: Path, run: Run, tmp_path: Path
) -> None:
    (segment,) = (data / "jobs").glob("*/ledger/*/*.jsonl")
    segment.write_text(segment.read_text().replace('"outcome"', '"?"'))

    result = run(
        *("export", "--collection", "staff", "--external-id", "photo:1"),
        *("--output", str(tmp_path / "export")),
    )

    assert result.exit_code == ExitCode.ERROR
    error, hint = result.stderr.splitlines()
    assert error == f"not exported: {segment} is damaged"
    assert hint.startswith("repair or remove what cannot be read")


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize(
    "command",
    [("rebuild", "staff"), ("rebuild", "staff", "--into"), ("verify", "staff", "--repair")],
)
def test_restoring_from_the_folder_is_refused_and_never_advises_to_delete(
    data: Path, run: Run, tmp_path: Path, command: tuple[str, ...], *, lost: bool
) -> None:
    if lost:
        (data / "facerec.db").unlink()
    if command[-1] == "--into":
        command = (*command, str(tmp_path / "into"))
    before = contents(data / "jobs")

    result = run(*command)

    if command[0] == "verify" and not lost:
        assert "1 job cannot be read" in result.stdout
        return
    assert result.exit_code == ExitCode.INVALID_INPUT
    error, hint = result.stderr.splitlines()
    assert CAUSE in error
    assert JOB in error
    assert "index the photos again" in hint
    assert "delete" not in hint
    assert contents(data / "jobs") == before
