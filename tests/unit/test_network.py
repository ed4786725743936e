"""The guard that keeps unit tests off the network."""

from __future__ import annotations

import socket

import pytest

from tests.support.network import NetworkBlockedError


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_a_unit_test_cannot_connect(host: str) -> None:
    with socket.socket() as client, pytest.raises(NetworkBlockedError, match=host):
        client.connect((host, 9))


def test_a_unit_test_cannot_look_up_a_name() -> None:
    with pytest.raises(NetworkBlockedError):
        socket.create_connection(("example.org", 80))
