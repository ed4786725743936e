"""A stack on moto for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.workflow.emulation import emulated_aws
from tests.support.workflow.repairs import repair
from tests.support.workflow.stack import Stack


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with emulated_aws(monkeypatch):
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
