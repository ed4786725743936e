"""Keeps tests off the network."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest


class NetworkBlockedError(AssertionError):
    """A test tried to open a connection that its kind does not allow."""


def block_network(monkeypatch: pytest.MonkeyPatch, *, allow_loopback: bool = False) -> None:
    """Refuse connections and name lookups of this process for the rest of a test.

    Sockets between processes of this machine (``AF_UNIX``) stay open.

    Args:
        monkeypatch: Restores the sockets after the test.
        allow_loopback: Allow connections to servers on this machine.
    """
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def check(host: object) -> None:
        if not (allow_loopback and _is_loopback(host)):
            raise NetworkBlockedError(f"a test of this kind must not connect to {host}")

    def guarded_connect(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - as in socket
        if self.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])
        connect(self, address)

    def guarded_lookup(host: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as in socket
        check(host)
        return lookup(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)


def _is_loopback(host: object) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False
