"""A stack on moto for each test, and the doors through which jobs are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from facerec.jobs.aws import stack as described
from facerec.jobs.child.attempt import StepSize
from tests.support.chosen_stack import find_stacks_by
from tests.support.job_doors import (
    CommandLineJobs,
    DeployedJobs,
    JobDoor,
    RestJobs,
    use_fake_engine,
)
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.emulation import emulated_aws
from tests.support.workflow.repairs import repair
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import TABLE, VECTORS


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with emulated_aws(monkeypatch):
        yield


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return repair(monkeypatch)


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3VectorsServer]:
    """A stand-in for Amazon S3 Vectors with the empty bucket of a stack."""
    with S3VectorsServer() as server:
        server.buckets[VECTORS] = {}
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.address)
        yield server


@pytest.fixture
def deploy(
    aws: None, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Stack]:
    return lambda **settings: Stack(tmp_path, monkeypatch, **settings)


@pytest.fixture
def stack(deploy: Callable[..., Stack]) -> Stack:
    return deploy()


@pytest.fixture(params=["command line", "deployed"])
def door(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    deploy: Callable[..., Stack],
) -> JobDoor:
    """Each door in turn."""
    use_fake_engine(monkeypatch)
    if request.param == "command line":
        return CommandLineJobs(tmp_path / "cli")
    if request.param == "rest":
        return RestJobs(tmp_path / "rest")
    return DeployedJobs(deploy())


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """The command line of somebody who has chosen the stack ``s``, and may invoke its function."""
    found = described.Stack(
        *("s", "us-east-1", BUCKET, "w", "q", "d", 1, 1, "s3vectors", {}),
        *("ErasureFunction", TABLE, VECTORS),
    )
    find_stacks_by(monkeypatch, lambda _: found)
    return CliRunner(env={"FACEREC_DATA": str(tmp_path / "unused"), "FACEREC_STACK": "s"})


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children commit before the accidents that happen to them."""
    monkeypatch.setattr("facerec.jobs.child.attempt.DEPLOYED_STEP", StepSize(32, 64 << 20, 16))
