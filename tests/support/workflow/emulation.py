"""AWS as moto emulates it for the workflow: functions and containers run in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto import mock_aws


@contextmanager
def emulated_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Emulate AWS, with credentials of nobody and without retries of the SDK."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        # Retries are those of the state machine.
        "AWS_MAX_ATTEMPTS": "1",
        # Thousands of machine images, of which the stack needs none.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }.items():
        monkeypatch.setenv(name, value)
    config = {
        "stepfunctions": {"execute_state_machine": True},
        "batch": {"use_docker": False},
        "lambda": {"use_docker": False},
    }
    with mock_aws(config=config):
        yield
