"""Clients that send too much, too slowly, twice, or not at all."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from facerec.api import access_control, connections
from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.api.auth.local import LoopbackGuard, TokenGuard
from facerec.api.connections import BoundedProtocol
from facerec.errors import StoreUnavailableError
from tests.functional.api.conftest import Api, Switchboard
from tests.functional.api.test_access import Guarded, guarded, signed  # noqa: F401 - a fixture
from tests.support.server import running
from tests.support.slow_engine import wait_until_analysing

TOKEN = "a-long-random-text"
ROOT = Path(__file__).parents[3]


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    parts = urlsplit(address)
    # Without a limit of its own, the server would close an idle connection after 75 seconds.
    with socket.create_connection((parts.hostname or "", parts.port or 0), 60) as connection:
        yield connection


def everything(connection: socket.socket) -> bytes:
    """Return what the server sends until it closes the connection."""
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


@contextmanager
def bounded(api: Api, *, token: str | None = None) -> Iterator[str]:
    """Serve with the limits of ``facerec serve``."""
    guard = LoopbackGuard() if token is None else TokenGuard(token, OpenGuard())
    app = create_app(api.collaborators.gallery(), AppSettings(guard))
    with running(app, http=BoundedProtocol, timeout_keep_alive=75) as address:
        yield address


@pytest.mark.parametrize("forged_first", [True, False])
def test_a_signed_request_is_no_other_operation_by_a_second_header(
    guarded: Guarded,  # noqa: F811
    forged_first: bool,
) -> None:
    request = signed(guarded, guarded.issue())
    headers = [(name, value) for name, value in request.headers.items()]
    forged = ("X-Amz-Target", "RekognitionService.CreateCollection")
    headers = [forged, *headers] if forged_first else [*headers, forged]
    answer = httpx.post(guarded.address, content=request.body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "InvalidSignatureException"


@pytest.mark.parametrize("name", ["Authorization", "X-Amz-Date", "Content-Type", "Origin"])
def test_a_header_that_decides_may_be_sent_once(api: Api, name: str) -> None:
    headers = [(name, "a"), (name.lower(), "b")]
    answer = httpx.get(f"{api.address}/api/v1/collections", headers=headers)
    assert answer.status_code == 400
    assert name.lower() in answer.json()["detail"]


def test_a_body_is_not_read_from_who_may_not_send_it(api: Api) -> None:
    with bounded(api, token=TOKEN) as address, connected(address) as connection:
        connection.sendall(
            b"POST /api/v1/face-recognition/match HTTP/1.1\r\nHost: a\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n10\r\n"
        )
        assert everything(connection).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("size", [4_000_000, 40_000_000])
def test_a_client_that_is_refused_while_it_sends_sees_why(api: Api, size: int) -> None:
    with bounded(api, token=TOKEN) as address:
        answer = httpx.post(f"{address}/api/v1/collections", content=b" " * size)
        assert answer.status_code == 401
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.post(
            f"{address}/api/v1/collections", content=b" " * (size + 17_000_000), headers=headers
        )
        assert answer.status_code == 413


def test_a_large_body_is_not_read_for_a_page_that_anybody_may_see(api: Api) -> None:
    with connected(api.address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5_000, "-1", "+5", "0x10", "1_0"])
def test_a_length_that_is_none_is_refused(api: Api, length: str) -> None:
    with connected(api.address) as connection:
        head = f"POST /api/v1/collections HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        assert re.match(rb"HTTP/1.1 4\d\d", everything(connection))


def test_a_body_that_does_not_arrive_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_control, "MAX_BODY_SECONDS", 0.2)
    with connected(api.address) as connection:
        connection.sendall(
            b"POST /api/v1/collections HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"
        )
        assert everything(connection).startswith(b"HTTP/1.1 408")


def test_all_bodies_together_are_bounded_and_released(
    api: Api, switchboard: tuple[Switchboard, str]
) -> None:
    app = create_app(api.collaborators.gallery(), AppSettings(LoopbackGuard()))
    middleware = next(each for each in app.user_middleware if "guard" in each.kwargs)
    middleware.kwargs["max_bodies"] = 100_000
    switchboard[0].app = app
    with connected(api.address) as slow:
        slow.sendall(
            b"POST /api/v1/collections HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90001\r\n\r\n"
        )
        slow.sendall(b" " * 90_000)
        assert answer_when(api, lambda status: status == 503).headers["retry-after"]
    answer_when(api, lambda status: status != 503)


def answer_when(api: Api, fits: Callable[[int], bool]) -> httpx.Response:
    """Send a body until the status of the answer fits; return this answer."""
    body = json.dumps({"collection_id": "staff"}).ljust(20_000)
    deadline = time.monotonic() + 60
    while True:
        answer = httpx.post(f"{api.address}/api/v1/collections", content=body)
        if fits(answer.status_code):
            return answer
        assert time.monotonic() < deadline, answer.status_code
        time.sleep(0.05)


@pytest.mark.parametrize(
    "text", ['{"x":[' + "{}," * 100_000 + "{}]}", "[" * 200_000, '{"a":' * 99_999]
)
@pytest.mark.parametrize("protocol", ["REST", "Rekognition"])
def test_json_of_very_many_values_is_not_parsed(api: Api, text: str, protocol: str) -> None:
    if protocol == "REST":
        headers = {"Content-Type": "application/json"}
        answer = httpx.post(f"{api.address}/api/v1/collections", content=text, headers=headers)
        assert answer.status_code == 413
    else:
        headers = {"X-Amz-Target": "RekognitionService.ListCollections"}
        answer = httpx.post(api.address, content=text, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["__type"] == "SerializationException"


def test_the_head_of_a_request_is_waited_for_for_a_while(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_HEAD_SECONDS", 0.5)
    with bounded(api) as address:
        good = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for half in (b"", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", good + b"GET / HT"):
            with connected(address) as connection:
                connection.sendall(half)
                received = everything(connection)
                assert received.startswith(b"HTTP/1.1 200") == (half[:14] == good[:14])


def test_connections_are_limited_and_idle_ones_make_way(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    with bounded(api) as address, httpx.Client() as idle:
        assert idle.get(f"{address}/openapi.json").status_code == 200
        with connected(address) as first, connected(address) as second:
            first.sendall(b"GET")
            second.sendall(b"GET")
            time.sleep(0.2)
            # The idle one makes way; those in the middle of a request do not.
            assert httpx.get(f"{address}/openapi.json").status_code == 200
            with connected(address) as third:
                third.sendall(b"GET")
                time.sleep(0.2)
                with connected(address) as refused:
                    assert everything(refused) == b""
        assert idle.get(f"{address}/openapi.json").status_code == 200


def test_a_client_that_does_not_read_its_answer_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_STALL_SECONDS", 0.3)
    ended = threading.Event()

    async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            for _ in range(1_000):
                await send({"type": "http.response.body", "body": bytes(10**6), "more_body": True})
        finally:
            ended.set()

    with running(large, http=BoundedProtocol) as address, connected(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert ended.wait(60)
        assert len(everything(connection)) < 100_000_000


def test_pipelined_requests_are_answered_in_turn(api: Api) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
    with bounded(api) as address, connected(address) as connection:
        connection.sendall(request % b"" + request % b"Connection: close\r\n")
        assert everything(connection).count(b"HTTP/1.1 200") == 2


def test_a_connection_outlasts_the_silence_of_a_proxy(api: Api) -> None:
    with bounded(api) as address:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0)
        connection.request("GET", "/openapi.json")
        assert connection.getresponse().read()
        time.sleep(6)
        connection.request("GET", "/openapi.json")
        assert connection.getresponse().read()


STUCK = """
import sys, threading, time
from pathlib import Path
from facerec.api import serving
from tests.support.slow_engine import SlowEngine
serving.GRACE_SECONDS, serving.MAX_GRACE_SECONDS = 1, 2
settings = serving.ServerSettings("127.0.0.1", 0, Path(sys.argv[1]))
serving.run_server(settings, SlowEngine(600))
"""


def test_a_server_whose_threads_are_stuck_ends_after_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STUCK, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = process.stderr.readline().split()[-1]
        url = f"{address}/api/v1/face-recognition/detect"
        body = {"image": "/9j/"}
        with ThreadedRequest(url, body) as request:
            wait_until_analysing(process)
            process.send_signal(signal.SIGTERM)
            # The stuck thread would end after 600 seconds.
            log = process.communicate(timeout=60)[1]
        assert request.status == 503
        assert "503 POST /api/v1/face-recognition/detect" in log
        assert "Traceback" not in log
    finally:
        process.kill()
        process.wait()


class ThreadedRequest:
    """Sends a request in a thread, whatever becomes of it."""

    def __init__(self, url: str, body: object) -> None:
        self.status: int | None = None

        def send() -> None:
            with suppress(httpx.HTTPError):
                self.status = httpx.post(url, json=body, timeout=60).status_code

        self._thread = threading.Thread(target=send, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)


@pytest.mark.parametrize("protocol", ["REST", "Rekognition"])
def test_the_log_names_no_photo(
    api: Api, protocol: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailableError("s3://clinic/Jane_Doe/hiv-4711.jpg: S3 answers SlowDown")

    monkeypatch.setattr(api.engine, "analyse", fail)
    if protocol == "REST":
        answer = httpx.post(f"{api.address}/api/v1/face-recognition/detect", json={"image": "/9j/"})
        assert answer.status_code == 503
    else:
        headers = {"X-Amz-Target": "RekognitionService.DetectFaces"}
        answer = httpx.post(api.address, json={"Image": {"Bytes": "/9j/"}}, headers=headers)
        assert answer.status_code == 500
    assert "Jane" not in caplog.text
    assert "unavailable" in caplog.text
