"""Contract tests reach servers on this machine only."""

from __future__ import annotations

import pytest

from tests.support.network import block_network


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    block_network(monkeypatch, allow_loopback=True)
