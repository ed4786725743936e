"""A stack on moto for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tests.support.workflow.repairs import repair
from tests.support.workflow.stack import Stack


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        # Retries are those of the state machine.
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    config = {
        "stepfunctions": {"execute_state_machine": True},
        "batch": {"use_docker": False},
        "lambda": {"use_docker": False},
    }
    with mock_aws(config=config):
        yield


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return repair(monkeypatch)


@pytest.fixture
def deploy(
    aws: None, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Stack]:
    return lambda **settings: Stack(tmp_path, monkeypatch, **settings)


@pytest.fixture
def stack(deploy: Callable[..., Stack]) -> Stack:
    return deploy()
