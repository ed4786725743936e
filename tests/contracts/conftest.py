"""Contract tests reach servers on this machine only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployments import ON_AWS, ON_ONE_MACHINE, Deployment, open_deployment
from tests.support.network import block_network


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    block_network(monkeypatch, allow_loopback=True)


@pytest.fixture(params=[ON_ONE_MACHINE, ON_AWS])
def deployment(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """The stores of one machine, and those of a stack."""
    with open_deployment(request.param, tmp_path, monkeypatch) as opened:
        yield opened
