"""A job on this machine that somebody has cancelled is CANCELLED, whatever shows it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

import facerec.jobs.local.job_reader
import facerec.jobs.local.supervisor
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.schemas import violation
from facerec.factory import open_gallery, open_local_jobs
from facerec.jobs.folders import JobFolder, read_folder
from facerec.jobs.ledger.report import read_report, write_report
from facerec.jobs.local.run import RunResult
from facerec.jobs.local.run_record import RunRecord, read_record, write_record
from facerec.jobs.run_lock import is_locked, run_lock
from facerec.jobs.status import JobStatus
from facerec.storage.objects.protocol import ObjectStore
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import LocalJob, write_manifest, write_photos


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalJob:
    """A job of which no photo has been processed."""
    use_fake_engine(monkeypatch)
    monkeypatch.setenv("FACEREC_DATA", str(tmp_path))
    with open_gallery(tmp_path):
        pass
    return LocalJob(tmp_path, write_manifest(tmp_path / "photos.jsonl", ["1.jpg", "2.jpg"]))


def run(*words: str) -> Any:  # noqa: ANN401 - JSON
    result = CliRunner().invoke(main, ["jobs", *words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def shown_by_all(job: LocalJob, tmp_path: Path) -> set[str]:
    """Return the statuses that commands and REST show of a job."""
    name = job.plan.job_id
    report = run("report", name)
    assert violation("report", report) is None
    printed = CliRunner().invoke(main, ["jobs", "report", name]).output
    status = run("status", name)
    (listed,) = run("list")["jobs"]
    jobs = open_local_jobs(tmp_path, workers=1)
    with open_gallery(tmp_path) as gallery:
        app = create_app(gallery, AppSettings(OpenGuard(), jobs=jobs))
        client = TestClient(app, base_url="http://localhost")
        answered = client.get(f"/api/v1/jobs/{name}").json()
    reports = [document["report"] for document in (status, answered) if document["report"]]
    documents = [report, status, listed, answered, *reports]
    return {document["status"] for document in documents} | {
        printed.splitlines()[0].rsplit(": ", 1)[1].upper()
    }


CANCELLED = RunRecord(submitted_at=time.time(), tolerated_failure_percentage=5.0, cancelled=True)


@pytest.mark.parametrize("started", [None, 1.0])
@pytest.mark.parametrize("reported", [False, True])
def test_a_cancelled_job_is_cancelled_whatever_shows_it(
    job: LocalJob, tmp_path: Path, started: float | None, reported: bool
) -> None:
    record = replace(CANCELLED, submitted_at=time.time(), started_at=started)
    if reported:
        write_report(job.plan, job.objects, tolerated_failure_percentage=5)
    write_record(job.plan.job_folder, replace(record, ended_at=time.time()))
    assert shown_by_all(job, tmp_path) == {"CANCELLED"}


def test_a_running_job_is_running_whatever_shows_it(job: LocalJob, tmp_path: Path) -> None:
    record = RunRecord(time.time(), tolerated_failure_percentage=5.0, started_at=time.time())
    write_record(job.plan.job_folder, record)
    with run_lock(job.plan.job_folder):
        assert shown_by_all(job, tmp_path) == {"RUNNING"}


def test_a_job_that_was_killed_is_incomplete_whatever_shows_it(
    job: LocalJob, tmp_path: Path
) -> None:
    write_record(job.plan.job_folder, RunRecord(time.time(), 5.0, started_at=time.time()))
    assert shown_by_all(job, tmp_path) == {"INCOMPLETE"}


def test_a_job_of_another_process_is_not_called_cancelled_before_it_ends(
    job: LocalJob,
) -> None:
    write_record(job.plan.job_folder, RunRecord(time.time(), 5.0, started_at=time.time()))
    with run_lock(job.plan.job_folder):
        result = CliRunner().invoke(main, ["jobs", "cancel", job.plan.job_id])
    assert result.exit_code == 0, result.output
    assert "is being cancelled" in result.output


def test_a_report_has_the_tolerance_of_the_last_run(job: LocalJob) -> None:
    write_record(job.plan.job_folder, replace(CANCELLED, tolerated_failure_percentage=50.0))
    assert run("report", job.plan.job_id)["tolerated_failure_percentage"] == 50
    stored = read_report(job.objects, job.plan.job_folder)
    assert stored.tolerated_failure_percentage == 50


@pytest.mark.parametrize("command", ["status", "report", "cancel", "delete"])
def test_an_empty_id_is_not_the_job_of_the_working_folder(
    job: LocalJob, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(job.plan.job_folder)
    result = CliRunner().invoke(main, ["jobs", command, ""])
    assert result.exit_code == ExitCode.NOT_FOUND, result.output
    assert Path(job.plan.job_folder, "plan.json").exists()


@pytest.mark.parametrize("job_id", ["a b", "a" * 300, "a" * 600, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_an_id_that_no_job_has_does_not_exist(job_id: str, tmp_path: Path) -> None:
    with open_gallery(tmp_path) as gallery:
        settings = AppSettings(OpenGuard(), jobs=open_local_jobs(tmp_path, workers=1))
        client = TestClient(create_app(gallery, settings), base_url="http://localhost")
        assert client.get(f"/api/v1/jobs/{job_id}").status_code == 404
        assert client.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 404


def test_latest_names_the_newest_job(job: LocalJob, tmp_path: Path) -> None:
    with open_gallery(tmp_path) as gallery:
        settings = AppSettings(OpenGuard(), jobs=open_local_jobs(tmp_path, workers=1))
        client = TestClient(create_app(gallery, settings), base_url="http://localhost")
        assert client.get("/api/v1/jobs/latest").json()["job_id"] == job.plan.job_id
    assert run("status", "latest")["job_id"] == job.plan.job_id


def test_a_job_that_is_closed_before_it_starts_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    jobs = open_local_jobs(tmp_path, workers=1)
    may_run = threading.Event()
    monkeypatch.setattr(
        "facerec.jobs.local.runs.LocalRuns._run_steps",
        lambda *_: may_run.wait(60) and RunResult(),
    )
    submitted = []
    for name in ("one", "two"):
        photos = write_photos(tmp_path / name, 1)
        manifest = write_manifest(tmp_path / f"{name}.jsonl", photos)
        document = {"collection_id": name, "manifest": str(manifest), "create_collection": True}
        submitted.append(jobs.submit(document))
    closing = threading.Thread(target=jobs.close)
    closing.start()
    assert jobs.result(submitted[1]).stopped
    may_run.set()
    closing.join()
    assert not jobs.result(submitted[0]).stopped


def test_a_run_that_ends_while_its_job_is_read_is_complete(
    job: LocalJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos(tmp_path / "folder", 2)
    words = ["index", str(tmp_path / "folder"), "--collection", "friends", "--workers", "1"]
    assert CliRunner().invoke(main, words).exit_code == 0
    reads = itertools.count()

    def read_before_its_end(objects: ObjectStore, job_folder: str) -> JobFolder:
        found = read_folder(objects, job_folder)
        return found if next(reads) else JobFolder(found.plan, None)

    monkeypatch.setattr("facerec.jobs.local.job_reader.read_folder", read_before_its_end)
    name = run("list")["jobs"][0]["job_id"]
    reads = itertools.count()
    assert run("status", name)["status"] == "SUCCEEDED"


def test_a_run_that_ends_between_the_reads_of_its_record_and_its_lock_is_not_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    photos = write_photos(tmp_path / "photos", 2)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    run_children, may_run = facerec.jobs.local.supervisor.run_children, threading.Event()

    def wait_and_run(*args: Any, **options: Any) -> RunResult:  # noqa: ANN401
        assert may_run.wait(60)
        return run_children(*args, **options)

    def read_and_wait(job_folder: str) -> RunRecord | None:
        record = read_record(job_folder)
        may_run.set()
        while is_locked(job_folder):
            time.sleep(0.01)
        return record

    monkeypatch.setattr(facerec.jobs.local.supervisor, "run_children", wait_and_run)
    jobs = open_local_jobs(tmp_path / "data", workers=1)
    job = jobs.submit({"collection_id": "staff", "manifest": str(manifest)})
    with monkeypatch.context() as patched:
        patched.setattr(facerec.jobs.local.job_reader, "read_record", read_and_wait)
        assert not jobs.get(job.id).status.ended
    assert jobs.get(job.id).status is JobStatus.SUCCEEDED
    jobs.close()
