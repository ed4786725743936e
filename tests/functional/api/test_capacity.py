"""Many requests at once, and clients that do not wait."""

from __future__ import annotations

import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.local import LoopbackGuard
from facerec.api.limits import MAX_QUEUE
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.engine.pool import EnginePool
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.api import Api, Switchboard

PHOTO = b64encode(fake_photo(fake_face("ann"))).decode()
DETECT = "/api/v1/face-recognition/detect"

SECONDS = 60
"""Longer than anything takes on a busy machine."""


class HeldEngine(FakeEngine):
    """An engine that waits until the test lets it continue."""

    def __init__(self) -> None:
        super().__init__()
        self.started = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.started.release()
        self.go_on.wait(SECONDS)
        try:
            return super().analyse(photos, options)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def engine() -> Iterator[HeldEngine]:
    engine = HeldEngine()
    yield engine
    engine.go_on.set()


@pytest.fixture
def address(api: Api, switchboard: tuple[Switchboard, str], engine: HeldEngine) -> str:
    board, address = switchboard
    settings = AppSettings(LoopbackGuard(), photos_at_once=2)
    board.app = create_app(replace(api.collaborators, engine=engine).gallery(), settings)
    return address


def detect(address: str) -> int:
    answer = httpx.post(address + DETECT, json={"image": PHOTO}, timeout=SECONDS)
    return answer.status_code


def test_one_photo_per_processor_is_processed_concurrently(
    address: str, engine: HeldEngine
) -> None:
    with ThreadPoolExecutor(6) as clients:
        answers = [clients.submit(detect, address) for _ in range(6)]
        for _ in range(2):
            assert engine.started.acquire(timeout=SECONDS)
        engine.go_on.set()
        assert [answer.result() for answer in answers] == [200] * 6
    assert engine.most_at_once == 2


def test_other_requests_do_not_wait_for_photos(address: str, engine: HeldEngine) -> None:
    with ThreadPoolExecutor(4) as clients:
        answers = [clients.submit(detect, address) for _ in range(4)]
        assert engine.started.acquire(timeout=SECONDS)
        assert httpx.get(f"{address}/api/v1/collections").status_code == 200
        engine.go_on.set()
        assert [answer.result() for answer in answers] == [200] * 4


def test_the_request_of_a_client_that_disconnects_while_waiting_is_dropped(
    address: str, engine: HeldEngine
) -> None:
    with ThreadPoolExecutor(2) as clients:
        answers = [clients.submit(detect, address) for _ in range(2)]
        for _ in range(2):
            assert engine.started.acquire(timeout=SECONDS)
        for _ in range(5):
            leave_without_an_answer(address)
        engine.go_on.set()
        assert [answer.result() for answer in answers] == [200] * 2
    assert detect(address) == 200
    assert engine.analysed == 3


def leave_without_an_answer(address: str) -> None:
    body = json.dumps({"image": PHOTO})
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST {DETECT} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        time.sleep(0.1)


def test_too_many_waiting_clients_are_told_when_to_retry(address: str, engine: HeldEngine) -> None:
    more = 6
    with ThreadPoolExecutor(2 + MAX_QUEUE + more) as clients:
        answers = [clients.submit(detect, address) for _ in range(2 + MAX_QUEUE + more)]
        deadline = time.monotonic() + SECONDS
        while sum(answer.done() for answer in answers) < more and time.monotonic() < deadline:
            time.sleep(0.05)
        engine.go_on.set()
        statuses = [answer.result() for answer in answers]
    assert statuses.count(503) == more
    assert statuses.count(200) == 2 + MAX_QUEUE


def test_a_pool_uses_a_separate_engine_for_each_photo() -> None:
    engines = [HeldEngine(), HeldEngine()]
    pool = EnginePool(engines)
    photo = fake_photo(fake_face("ann"))
    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(pool.analyse, [photo], FaceOptions()) for _ in range(2)]
        for engine in engines:
            assert engine.started.acquire(timeout=SECONDS)
            engine.go_on.set()
        assert all(len(one.result()[0].faces) == 1 for one in found)
    assert [engine.analysed for engine in engines] == [1, 1]
