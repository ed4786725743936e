"""Unit tests run without a network."""

from __future__ import annotations

import pytest

from tests.support.network import block_network


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    block_network(monkeypatch)
