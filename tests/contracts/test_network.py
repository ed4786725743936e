"""The guard that keeps contract tests on this machine."""

from __future__ import annotations

import socket

import pytest

from tests.support.network import NetworkBlockedError


def test_a_contract_test_can_connect_to_this_machine_only() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
    with pytest.raises(NetworkBlockedError, match="192"):
        socket.create_connection(("192.0.2.1", 9))
