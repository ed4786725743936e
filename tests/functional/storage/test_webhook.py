"""A webhook receives signed events, and nothing else is reached through it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from facerec.errors import InvalidInputError, WebhookError
from facerec.storage.webhook import Webhook
from facerec.testing.registrations import match_event
from tests.support.webhook import Receiver, receiving

SECRET = "a secret of the two"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def test_an_event_arrives_with_a_signature(receiver: Receiver) -> None:
    Webhook(receiver.address, SECRET, clock=lambda: 1_795_000_000.9).send(match_event(1))
    ((path, headers, body),) = receiver.requests
    assert path == "/matches"
    assert json.loads(body) == match_event(1).to_json()
    assert headers["Content-Type"] == "application/json"
    digest = hmac.new(SECRET.encode(), b"1795000000." + body, hashlib.sha256).hexdigest()
    assert headers["Facerec-Signature"] == f"t=1795000000,v1={digest}"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_is_an_acceptance(receiver: Receiver, status: int) -> None:
    receiver.status = status
    Webhook(receiver.address, SECRET).send(match_event(1))


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_other_answers_are_errors_of_one_line(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(WebhookError) as raised:
        Webhook(receiver.address, SECRET).send(match_event(1))
    assert raised.value.message == f"the webhook responded with status {status}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.status = status
    receiver.location = receiver.address.replace("/matches", "/elsewhere")
    with pytest.raises(WebhookError, match="redirects to another address"):
        Webhook(receiver.address, SECRET).send(match_event(1))
    assert [path for path, *_ in receiver.requests] == ["/matches"]


def test_a_webhook_that_does_not_exist_is_an_error_without_its_address() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(WebhookError) as raised:
        Webhook(f"http://127.0.0.1:{port}/token", SECRET).send(match_event(1))
    assert (
        raised.value.message
        == "the event could not be sent to the webhook (ConnectionRefusedError)"
    )


def test_a_webhook_that_accepts_and_is_silent_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(
            WebhookError, match=r"could not be sent to the webhook \(TimeoutError\)"
        ):
            Webhook(address, SECRET, timeout=0.1).send(match_event(1))


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_an_answer_that_does_not_end_is_given_up(piece: bytes) -> None:
    given_up = threading.Event()
    with socket.socket() as slow:
        slow.bind(("127.0.0.1", 0))
        slow.listen()

        def answer() -> None:
            connection, _ = slow.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                while not given_up.wait(0.02):
                    connection.sendall(piece)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(
            WebhookError, match=r"could not be sent to the webhook \(TimeoutError\)"
        ):
            Webhook(f"http://127.0.0.1:{slow.getsockname()[1]}/", SECRET, timeout=0.2).send(
                match_event(1)
            )
        given_up.set()
        thread.join()


def test_what_is_no_http_is_an_error() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example.org ESMTP\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(WebhookError, match="could not be sent"):
            Webhook(f"http://127.0.0.1:{other.getsockname()[1]}/", SECRET).send(match_event(1))
        thread.join()


def test_no_proxy_receives_what_is_for_this_machine(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    Webhook(receiver.address, SECRET).send(match_event(1))
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://localhost.example.org/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "https://",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https://[::1/",
        "https://example..org/",
        "https://example.org/a b",
        "https://example.org/\n",
        "https://example.org/\u00e9",
        "example.org",
        "",
    ],
)
def test_only_encrypted_addresses_or_this_machine_are_accepted(address: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        Webhook(address, SECRET)
    assert "password" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/hook?key=1",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://127.1.2.3/",
        "https://b\u00fccher.example/",
    ],
)
def test_good_addresses_are_accepted_and_not_shown(address: str) -> None:
    assert repr(Webhook(address, SECRET)) == "Webhook()"


@pytest.mark.parametrize("secret", ["", "short", " " * 20])
def test_a_webhook_needs_a_secret(secret: str) -> None:
    with pytest.raises(InvalidInputError, match="missing or too short"):
        Webhook("https://example.org/", secret)


def test_a_secret_may_be_of_any_bytes(receiver: Receiver) -> None:
    secret = b"\xff" * 20
    Webhook(receiver.address, os.fsdecode(secret), clock=lambda: 5).send(match_event(1))
    ((_, headers, body),) = receiver.requests
    digest = hmac.new(secret, b"5." + body, hashlib.sha256).hexdigest()
    assert headers["Facerec-Signature"] == f"t=5,v1={digest}"
