"""The command line as a person uses it on a stack: the same commands as for local jobs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.core.schemas import check
from facerec.jobs.aws import preflight
from facerec.jobs.aws.start_problems import VcpuQuota
from tests.support.workflow.described_stack import create_described_stack
from tests.support.workflow.stack import BUCKET, Stack

NAME = "faces-of-ours"

Facerec = Callable[..., Result]


@pytest.fixture
def facerec(stack: Stack) -> Facerec:
    """Return a function that runs a command on the deployed stack."""
    create_described_stack(NAME)

    def run(*words: object) -> Result:
        return CliRunner(env={"FACEREC_STACK": NAME}).invoke(main, [str(word) for word in words])

    return run


@dataclass
class Held:
    """Children that wait.

    Attributes:
        started: Set once one has started.
        released: Set to let them continue.
    """

    started: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def held(stack: Stack) -> Iterator[Held]:
    """Hold up all children."""
    children = Held()

    def wait(child: int, attempt: int) -> None:
        children.started.set()
        children.released.wait(120)

    stack.accidents.before = wait
    yield children
    children.released.set()


def started(result: Result) -> str:
    """Return the name of the job that `jobs start` has started."""
    assert result.exit_code == 0, result.output
    return result.stdout.split()[1]


def test_a_job_is_started_and_watched_to_its_end(stack: Stack, facerec: Facerec) -> None:
    manifest = stack.put_manifest(60)

    result = facerec(
        *("jobs", "start", manifest, "--collection", "staff", "--photos-per-child", 20),
        *("--wait", "--interval", 1),
    )

    assert result.exit_code == 0, result.output
    assert "60 photos, 60 faces indexed" in result.stdout
    assert len(stack.face_ids()) == 60


def test_the_status_shows_photos_children_and_cost(stack: Stack, facerec: Facerec) -> None:
    stack.accidents.killed = {(1, 1)}
    manifest = stack.put_manifest(120)
    facerec(
        *("jobs", "start", manifest, "--collection", "staff", "--photos-per-child", 40),
        *("--wait", "--interval", 1),
    )

    status = json.loads(facerec("jobs", "status", "latest", "--json").stdout)

    assert status["status"] == "SUCCEEDED"
    progress = status["progress"]
    assert (progress["photos"], progress["estimated_photos"], progress["faces"]) == (120, 120, 120)
    assert progress["child_states"] == {"SUCCEEDED": 3}
    check("job", status, "the job")
    assert status["machine_dollars"] >= 0
    check("report", status["report"], "the report")
    assert "120 of 120 photos" in facerec("jobs", "status").stdout


def test_a_running_job_is_found_by_its_name_and_by_its_id(
    stack: Stack, facerec: Facerec, held: Held
) -> None:
    name = started(facerec("jobs", "start", stack.put_manifest(3), "--collection", "staff"))
    assert held.started.wait(60)

    status = json.loads(facerec("jobs", "status", name, "--json").stdout)

    assert status["status"] == "RUNNING"
    assert status["progress"]["photos"] == 0
    plan_id = status["job_folder"].split("/")[-2]
    by_plan = json.loads(facerec("jobs", "status", plan_id, "--json").stdout)
    assert by_plan["job_id"] == name
    held.released.set()
    assert facerec("jobs", "watch", name, "--interval", 1).exit_code == 0


def test_a_job_that_has_ended_cannot_be_cancelled(stack: Stack, facerec: Facerec) -> None:
    command = ("jobs", "start", stack.put_manifest(1), "--collection", "staff")
    assert facerec(*command, "--wait", "--interval", 1).exit_code == 0

    cancelled = facerec("jobs", "cancel", "latest")

    assert cancelled.exit_code == 4
    assert "is not running: succeeded" in cancelled.stderr


def test_too_many_failures_are_reported_listed_and_an_exit_code(
    stack: Stack, facerec: Facerec
) -> None:
    manifest = stack.put_manifest(6, readable=False)

    result = facerec("jobs", "start", manifest, "--collection", "staff", "--wait", "--interval", 1)

    assert result.exit_code == 7
    assert "6 of 6 photos failed" in result.stderr
    rows = [json.loads(line) for line in facerec("jobs", "failures", "--json").stdout.splitlines()]
    assert [row["manifest_line"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {row["outcome"] for row in rows} == {"UNREADABLE"}
    assert facerec("jobs", "report", "latest").exit_code == 0


def test_a_refused_manifest_is_reported_with_its_address(stack: Stack, facerec: Facerec) -> None:
    missing = f"s3://{BUCKET}/none.jsonl"

    result = facerec("jobs", "start", missing, "--collection", "staff", "--wait", "--interval", 1)

    assert result.exit_code == 1
    assert f"{missing} does not exist" in result.stderr
    assert facerec("jobs", "report", "latest").exit_code == 3


@pytest.mark.long
def test_jobs_are_listed_newest_first(stack: Stack, facerec: Facerec) -> None:
    manifest = stack.put_manifest(2)
    for collection in ("first", "second"):
        command = ("jobs", "start", manifest, "--collection", collection, "--wait", "--interval", 1)
        assert facerec(*command).exit_code == 0
        # Step Functions tells seconds.
        time.sleep(1)

    listed = json.loads(facerec("jobs", "list", "--json").stdout)["jobs"]

    assert [job["collection_id"] for job in listed] == ["second", "first"]
    assert [job["status"] for job in listed] == ["SUCCEEDED", "SUCCEEDED"]
    assert len(json.loads(facerec("jobs", "list", "--limit", 1, "--json").stdout)["jobs"]) == 1


def test_a_dry_run_shows_children_time_and_cost_and_starts_nothing(
    stack: Stack, facerec: Facerec
) -> None:
    manifest = stack.put_manifest(1000)

    result = facerec(
        *("jobs", "start", manifest, "--collection", "staff", "--dry-run", "--json"),
        *("--photos-per-child", 100),
    )

    expected = json.loads(result.stdout)
    assert (expected["photos"], expected["exact"], expected["children"]) == (1000, True, 10)
    assert expected["dollars"] > 0
    assert expected["seconds"] > 1000 / 20 / 256
    assert stack.keys("jobs/") == []
    assert json.loads(facerec("jobs", "list", "--json").stdout) == {"jobs": []}


def test_a_dry_run_counts_on_no_more_vcpus_than_the_account_may_use(
    stack: Stack, facerec: Facerec, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = stack.put_manifest(1000)
    words = ("jobs", "start", manifest, "--collection", "staff", "--dry-run")
    words += ("--photos-per-child", "50")
    many = json.loads(facerec(*words, "--json").stdout)
    quota = VcpuQuota("L-34B43A08", "spot", 5)
    monkeypatch.setattr(preflight, "find_quotas", lambda *_: [quota])

    few = json.loads(facerec(*words, "--json").stdout)
    shown = facerec(*words)

    assert (many["vcpus"], many["remarks"]) == (256, [])
    assert (few["vcpus"], few["problems"]) == (5, [])
    assert few["seconds"] > many["seconds"]
    assert shown.exit_code == 0
    assert "at most 5 vCPUs" in shown.stdout
    assert (
        "note: MaxvCpus is 256, but the account's quota L-34B43A08 allows 5 vCPUs of spot machines:"
        " raise the quota in Service Quotas for a faster job"
    ) in shown.stderr


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("status", "nothing"), 3, "job 'nothing' does not exist"),
        (("status",), 3, "there are no jobs yet"),
        (("list", "--stack", "other"), 3, "there is no stack 'other' in us-east-1"),
        (("start", "photos.jsonl", "--collection", "staff"), 4, "is not an s3:// address"),
        (("start", "s3://b/m", "--collection", "a/b"), 4, "invalid collection id"),
        (("start", "s3://none/m", "--collection", "a", "--dry-run"), 3, "does not exist"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    facerec: Facerec, words: tuple[str, ...], code: int, expected: str
) -> None:
    result = facerec("jobs", *words)

    assert result.exit_code == code, result.output
    assert expected in result.stderr


def test_the_region_of_the_command_line_precedes_that_of_the_environment(
    facerec: Facerec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")

    result = facerec("--region", "eu-west-1", "jobs", "list", "--stack", "other")

    assert "there is no stack 'other' in eu-west-1" in result.stderr


def test_a_stack_of_another_kind_is_refused(stack: Stack, facerec: Facerec) -> None:
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
    boto3.client("cloudformation").create_stack(
        StackName="foreign", TemplateBody=json.dumps(template)
    )

    result = facerec("jobs", "list", "--stack", "foreign")

    assert result.exit_code == 4
    assert "has no output or parameter BucketName" in result.stderr


def test_missing_credentials_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # The session of earlier tests in this process keeps their credentials.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    result = CliRunner().invoke(main, ["jobs", "list", "--stack", "facerec"])

    assert result.exit_code == 4
    assert "no usable AWS credentials were found" in result.stderr
