"""The container's entry point: environment in, exit code out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from batch_job.task import run
from facerec.core.cores import available_cores
from facerec.core.records import User
from facerec.jobs.exit_codes import DO_NOT_RETRY, RETRY
from facerec.storage.dynamodb.store import DynamoDBStore, open_dynamodb_store
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.jobs import LocalJob, write_manifest, write_photos
from tests.support.long import rarely_short
from tests.support.pinecone_server import API_KEY, PineconeServer
from tests.support.stack_template import ROOT, create_table

PROGRAM = """
import os
import sys
import batch_job.task
from tests.support.jobs import CrashingEngine, SlowEngine
batch_job.task.recipe_of = lambda model_version: "fast"
batch_job.task.open_checked_engine = lambda threads, recipe: {engine}
from batch_job.__main__ import main
sys.exit(main())
"""


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    photos = write_photos(tmp_path / "photos", 200)
    return LocalJob(tmp_path, write_manifest(tmp_path / "all.jsonl", photos), images_per_child=100)


def environment(job: LocalJob, **variables: str) -> dict[str, str]:
    return {
        "FACEREC_JOB_FOLDER": job.plan.job_folder,
        "FACEREC_STORE": f"sqlite:///{job.store}",
        "POWERTOOLS_SERVICE_NAME": "test",
        **variables,
    }


def end(job: LocalJob, *arguments: str, **variables: str) -> int:
    return run(arguments, environment(job, **variables), build_engine=lambda threads: FakeEngine())


def started(
    job: LocalJob, folder: Path, engine: str = "SlowEngine(0.02)", **variables: str
) -> subprocess.Popen[bytes]:
    """Start the container's program, by default with a slow engine, as a process of its own."""
    program = folder / "container.py"
    program.write_text(PROGRAM.format(engine=engine))
    return subprocess.Popen(
        [sys.executable, program],
        env={**os.environ, **environment(job, **variables), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBStore]:
    """Records in moto's DynamoDB, which the environment of this process names."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        create_table(boto3.client("dynamodb"), "facerec")
        yield open_dynamodb_store("facerec")


def deployed(server: PineconeServer) -> dict[str, str]:
    """Return the variables of a child whose stores are Pinecone and DynamoDB."""
    pinecone = {"PINECONE_API_KEY": API_KEY, "PINECONE_INDEX_HOST": server.host}
    return {"FACEREC_STORE": "", "FACEREC_TABLE": "facerec", **pinecone}


@pytest.mark.usefixtures("records")
def test_a_new_collection_is_not_searched_for_earlier_faces(job: LocalJob, tmp_path: Path) -> None:
    with PineconeServer() as server:
        for child in ("0", "1"):
            assert end(job, **deployed(server), AWS_BATCH_JOB_ARRAY_INDEX=child) == 0
        assert len(job.rows()) == 200
        assert server.requests["/vectors/list"] == 0
        assert server.requests["/vectors/fetch_by_metadata"] == 0

        photos = write_photos(tmp_path / "more", 2)
        later = LocalJob(tmp_path, write_manifest(tmp_path / "more.jsonl", photos))
        assert end(later, **deployed(server)) == 0
        assert server.requests["/vectors/fetch_by_metadata"] == 1


def test_faces_of_users_are_kept_where_records_and_vectors_are_in_two_stores(
    records: DynamoDBStore, tmp_path: Path
) -> None:
    photos = write_photos(tmp_path / "photos", 3, faces=2)
    manifest = write_manifest(tmp_path / "all.jsonl", photos)
    with PineconeServer() as server:
        first = LocalJob(tmp_path, manifest, records=records)
        assert end(first, **deployed(server)) == 0
        smaller = first.rows()[1].faces[1].face_id
        records.create_user("staff", User("ann", 0.0))
        records.change_user("staff", "ann", version=0, add=[smaller])
        second = LocalJob(tmp_path, manifest, records=records, options={"max_faces": 1})
        assert end(second, **deployed(server)) == 0
    rows = second.rows()
    assert [(row.replaced, row.removed, len(row.kept)) for row in rows] == [
        (1, 1, 0),
        (1, 0, 1),
        (1, 1, 0),
    ]
    assert rows[1].kept[0].face_id == smaller
    # The vector of the user was computed again: its version is the user's.
    ann = records.get_user("staff", "ann")
    assert (ann.face_ids, ann.vector_version) == ((smaller,), ann.version)


def test_a_child_is_found_by_offset_and_index(job: LocalJob) -> None:
    assert end(job, FACEREC_CHILD_OFFSET="1") == 0
    assert not job.ledger(0)
    assert job.ledger(1)

    assert end(job, "child", AWS_BATCH_JOB_ARRAY_INDEX="0") == 0
    assert len(job.rows()) == 200


def test_the_report_is_written_on_demand(job: LocalJob) -> None:
    assert end(job) == 0
    assert end(job, "report", FACEREC_TOLERATED_FAILURE_PERCENTAGE="7.5") == 0
    report = json.loads(Path(f"{job.plan.job_folder}report.json").read_text())
    assert report["status"] == "INCOMPLETE"
    assert report["tolerated_failure_percentage"] == 7.5


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["index"], {}),
        ([], {"FACEREC_CHILD_OFFSET": "one"}),
        ([], {"FACEREC_JOB_FOLDER": ""}),
        ([], {"FACEREC_JOB_FOLDER": "/nowhere/"}),
        ([], {"FACEREC_THREADS": "many"}),
        ([], {"FACEREC_STORE": "elsewhere"}),
        (["report"], {"FACEREC_TOLERATED_FAILURE_PERCENTAGE": "some"}),
        (["report"], {"FACEREC_TOLERATED_FAILURE_PERCENTAGE": "nan"}),
    ],
)
def test_a_wrong_configuration_is_not_retried(
    job: LocalJob, arguments: list[str], variables: dict[str, str]
) -> None:
    assert end(job, *arguments, **variables) == DO_NOT_RETRY


def test_the_log_reports_the_error_and_names_no_photo(job: LocalJob, tmp_path: Path) -> None:
    lines = []
    for variables in ({"FACEREC_CHILD_OFFSET": "one"}, {"AWS_BATCH_JOB_ATTEMPT": "2"}):
        with started(job, tmp_path, **variables) as process:
            assert process.stdout
            lines += [json.loads(line) for line in process.stdout]

    (fault,) = [line for line in lines if line.get("level") == "ERROR"]
    assert fault["exit_code"] == DO_NOT_RETRY
    assert "FACEREC_CHILD_OFFSET" in fault["why"]
    counted = [line for line in lines if "_aws" in line]
    assert sum(sum(line.get("Images", [0])) for line in counted) == len(job.rows()) > 0
    assert sum(sum(line.get("Restarts", [0])) for line in counted) == 1
    text = json.dumps(lines)
    assert ".jpg" not in text
    assert "photo:" not in text


def test_sigterm_commits_what_is_done_and_asks_for_another_attempt(
    job: LocalJob, tmp_path: Path
) -> None:
    with started(job, tmp_path) as process:
        while not job.ledger(0):
            time.sleep(0.05)
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == RETRY
    done = len(job.rows())
    assert 0 < done < 100
    assert len(job.face_ids()) == done

    # The next attempt does the rest and nothing twice.
    engine = FakeEngine()
    assert run([], environment(job), build_engine=lambda threads: engine) == 0
    assert engine.analysed == len(job.rows()) - done


@pytest.mark.parametrize("number", rarely_short([signal.SIGABRT, signal.SIGKILL], signal.SIGKILL))
def test_photos_that_crash_the_process_are_rows_and_all_others_are_indexed(
    job: LocalJob, tmp_path: Path, number: signal.Signals
) -> None:
    photos = write_photos(tmp_path / "photos", 100)
    for place in (0, 60):
        photos[place].write_bytes(fake_photo(fake_face("eve"), note=f"crash {place}"))

    with started(job, tmp_path, engine=f"CrashingEngine({number.value})") as process:
        assert process.wait(timeout=60) == 0

    rows = job.rows()
    assert [row.line_in_slice for row in rows] == list(range(1, len(rows) + 1))
    assert [place for place, row in enumerate(rows) if row.reason == "CRASHED"] == [0, 60]


def test_a_process_that_crashes_before_its_first_photo_does_not_loop_forever(
    job: LocalJob, tmp_path: Path
) -> None:
    with started(job, tmp_path, engine="os.abort()") as process:
        assert process.wait(timeout=120) == RETRY


def test_no_process_survives_its_container(job: LocalJob, tmp_path: Path) -> None:
    with started(job, tmp_path) as process:
        while not job.ledger(0):
            time.sleep(0.05)
        process.kill()
    time.sleep(0.5)
    done = len(job.rows())
    time.sleep(0.5)
    assert len(job.rows()) == done < 100


def test_the_engine_uses_the_configured_threads(job: LocalJob) -> None:
    asked = []

    def build(threads: int) -> FakeEngine:
        asked.append(threads)
        return FakeEngine()

    run([], environment(job, FACEREC_THREADS="3"), build_engine=build)
    run([], environment(job), build_engine=build)
    assert asked == [3, available_cores()]
