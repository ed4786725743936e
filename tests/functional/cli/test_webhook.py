"""Matches of registered people reach a webhook, or are kept for it, with the real networks."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result

from facerec.storage.webhook import Webhook, signature
from tests.support.command_line import EXAMPLES, ROOT, Facerec, document
from tests.support.webhook import Receiver, receiving

SECRET = "a secret of the two"
IN = ("--collection", "gate")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("FACEREC_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr("facerec.cli.webhooks.PATIENCE_SECONDS", 0.5)
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def obama(facerec: Facerec) -> None:
    """Register the person of one of the example photos."""

    def run(*words: object) -> Result:
        result = facerec(*words)
        assert result.exit_code == 0, result.output
        return result

    run("index", EXAMPLES / "photos" / "barack-obama-1.jpg", *IN, "--workers", "1")
    (face,) = document(run("faces", "list", *IN, "--json"))["faces"]
    run("people", "create", *IN, "obama")
    run("people", "add", *IN, "obama", face["face_id"])
    run("people", "register", *IN, "obama", "--consent", "2020-01-01", "--expires", "2099-01-01")


def index(facerec: Facerec, *words: object) -> Result:
    photo = EXAMPLES / "photos" / "barack-obama-2.jpg"
    result = facerec("index", photo, *IN, "--workers", "1", *words)
    assert result.exit_code == 0, result.output
    return result


def listed(facerec: Facerec, *words: object) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = document(facerec("people", "events", *IN, "--json", *words))[
        "events"
    ]
    return events


def is_from_facerec() -> Any:  # noqa: ANN401
    """Return the function of the page that checks a signature."""
    page = (ROOT / "docs" / "people.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(import hashlib.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["is_from_facerec"]


def test_a_match_reaches_the_webhook_with_the_signature_of_the_page(
    facerec: Facerec, obama: None, receiver: Receiver
) -> None:
    del obama
    result = index(facerec, "--webhook", receiver.address)
    assert "1 match of registered people" in result.stdout
    assert "not delivered" not in result.stdout
    ((_, headers, body),) = receiver.requests
    event = json.loads(body)
    assert (event["collection_id"], event["user_id"]) == ("gate", "obama")
    assert event["photo"].endswith("barack-obama-2.jpg")
    check, header = is_from_facerec(), headers["Facerec-Signature"]
    assert check(SECRET.encode(), header, body)
    assert not check(b"another secret", header, body)
    assert not check(SECRET.encode(), header, body.replace(b"obama", b"osama"))
    assert not check(SECRET.encode(), header, body, now=time.time() + 3600)
    assert listed(facerec)[0]["event"] == event
    assert index(facerec, "--webhook", receiver.address).stdout.count("registered people") == 0
    assert len(receiver.requests) == 1


def test_a_webhook_that_does_not_answer_is_reported_and_tried_again(
    facerec: Facerec, obama: None, receiver: Receiver
) -> None:
    del obama
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    result = index(facerec, "--webhook", f"http://127.0.0.1:{port}/hidden")
    shown = " ".join(result.stdout.split())
    assert (
        "1 event not delivered: the event could not be sent to the webhook (ConnectionRefusedError)"
        in shown
    )
    assert "hidden" not in result.output
    (kept,) = listed(facerec, "--undelivered")
    assert kept["problem"] == "the event could not be sent to the webhook (ConnectionRefusedError)"
    retried = listed(facerec, "--retry", "--webhook", receiver.address)
    assert retried[0]["delivered_at"] is not None
    assert len(receiver.requests) == 1


def test_without_a_webhook_matches_wait_in_the_outbox(facerec: Facerec, obama: None) -> None:
    del obama
    shown = index(facerec).stdout
    assert "1 match of registered people" in shown
    assert "not delivered" not in shown
    assert listed(facerec)[0]["attempts"] == 0


@pytest.mark.parametrize(
    "words",
    [("index", "photos", *IN), ("people", "events", *IN, "--retry"), ("serve", "--port", "0")],
)
def test_a_webhook_in_the_clear_is_refused_in_one_line(
    facerec: Facerec, receiver: Receiver, words: tuple[str, ...]
) -> None:
    del receiver
    facerec("collections", "create", "gate")
    result = facerec(*words, "--webhook", "http://example.org/secret-path")
    assert result.exit_code == 4
    assert "events would be sent to the webhook without encryption" in result.stderr
    assert "secret-path" not in result.output


def test_a_signature_is_stripes() -> None:
    assert Webhook("https://example.org/", SECRET)
    assert signature(b"key", b"{}", 5).startswith("t=5,v1=")
