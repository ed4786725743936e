"""A job whose machines could not run the image of its children ends before any machine starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from facerec.jobs.aws.batch_image import MODEL_VERSION_LABEL
from lambdas.plan import handler
from tests.support.ecr_server import EcrServer
from tests.support.workflow.stack import Stack

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/facerec/batch:new"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrServer]:
    with EcrServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", server.address)
        yield server


@pytest.fixture
def stack(deploy: Callable[..., Stack], registry: EcrServer) -> Stack:
    return deploy(BATCH_IMAGE=IMAGE)


class CountedMetrics:
    """Counts what the plan function publishes."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def add_metric(self, name: str, **_: Any) -> None:  # noqa: ANN401 - of the metric
        self.names.append(name)

    def flush_metrics(self) -> None:
        pass


@pytest.mark.parametrize(
    ("architecture", "version", "parameter"),
    [("arm64", "fake-1", "BatchImageUri"), ("amd64", "fake-2", "ModelVersion")],
)
def test_the_parameter_is_named_and_the_alarm_of_failed_jobs_is_raised(
    stack: Stack,
    registry: EcrServer,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    version: str,
    parameter: str,
) -> None:
    registry.push("facerec/batch", "new", architecture, {MODEL_VERSION_LABEL: version})
    metrics = CountedMetrics()
    monkeypatch.setattr(handler, "metrics", lambda: metrics)

    ended = stack.index(stack.put_manifest(3))

    assert (ended.status, ended.error) == ("FAILED", "ConfigurationError")
    assert ended.cause.startswith(f"{parameter}: ")
    assert "\n" not in ended.cause
    assert stack.machines.submissions == []
    # The input is correct, so the alarm must count this job.
    assert "RefusedJobs" not in metrics.names
    assert stack.permissions.denied == []


def test_a_job_runs_where_the_image_fits(stack: Stack, registry: EcrServer) -> None:
    registry.push("facerec/batch", "new", "amd64", {MODEL_VERSION_LABEL: "fake-1"})
    assert stack.index(stack.put_manifest(3)).status == "SUCCEEDED"
    assert stack.permissions.denied == []
