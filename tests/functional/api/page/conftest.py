"""The page in a real browser, which the tests of a file share, over a server of the test."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.sqlite import SqliteStore
from tests.functional.api.page.site import Site
from tests.support.api import Switchboard
from tests.support.gallery import Collaborators
from tests.support.painted_photos import PaintedEngine
from tests.support.shared_app import SharedApp

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

TIMEOUT = 60_000
"""Milliseconds; nothing takes as long unless the machine is busy."""

LATE = float(os.environ.get("FACEREC_TEST_LATE", "0"))
"""Seconds by which every answer of the API is late; set it to see what relies on fast answers."""

playwright.expect.set_options(timeout=TIMEOUT)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


# Not for the session: playwright's event loop runs until the fixture ends, and tests in the same
# process start loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(
    tmp_path: Path, switchboard: tuple[Switchboard, str], shared_app: SharedApp
) -> Iterator[Site]:
    """A server with an empty collection ``staff``, whose bucket ``photos`` is a folder."""
    bucket = tmp_path / "photos"
    bucket.mkdir()
    board, address = switchboard
    with SqliteStore(tmp_path / "facerec.db") as store:
        photos = Objects(AccessPolicy({"photos": bucket}, buckets=set()))
        engine = PaintedEngine()
        collaborators = Collaborators(
            store, store, engine, photos, clusters=store, thumbnails=store
        )
        gallery = collaborators.gallery()
        gallery.create_collection("staff")
        shared_app.gallery = gallery
        board.app = late(shared_app.app) if LATE else shared_app.app
        yield Site(address, gallery, engine, bucket, collaborators)


def late(app: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if "/api/" in scope["path"]:
            await asyncio.sleep(LATE)
        await app(scope, receive, send)

    return answer


@pytest.fixture
def keeping_site(site: Site, shared_app: SharedApp) -> Site:
    """The server of ``site``, whose operator has it keep thumbnails."""
    site.collaborators.keep_thumbnails = True
    site.gallery = shared_app.gallery = site.collaborators.gallery()
    return site


@pytest.fixture
def page(browser: playwright.Browser) -> Iterator[playwright.Page]:
    """A tab in which nothing may go wrong: no error of a script, and nothing that is forbidden."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: note(message, errors))
    yield page
    context.close()
    assert errors == []


def note(message: playwright.ConsoleMessage, errors: list[str]) -> None:
    # The browser also writes down each answer that refuses a request, as the page expects some.
    if message.type == "error" and "Failed to load resource" not in message.text:
        errors.append(message.text)
