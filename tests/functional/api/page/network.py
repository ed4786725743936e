"""Answers of the API that arrive when a test wants them to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Page, Route

_LIMIT = 60.0
"""Seconds that a test waits at most for a request."""


class Network:
    """Holds back the answers of a server, which has done by then what it was asked for.

    Attributes:
        held: Each request that waits for its answer, in the order in which they were answered.
    """

    def __init__(self, page: Page) -> None:
        self.held: list[tuple[Route, APIResponse]] = []
        self._page = page
        self._released: list[str] = []

    def hold(self, pattern: str = "**/api/v1/**") -> None:
        """Hold back answers to requests of these addresses from now on."""
        self._page.route(pattern, self._keep)

    def _keep(self, route: Route) -> None:
        answer = route.fetch()
        if self._is_released(route):
            route.fulfill(response=answer)
        else:
            self.held.append((route, answer))

    def _is_released(self, route: Route) -> bool:
        return any(part in route.request.url for part in self._released)

    def wait(self, part: str = "") -> None:
        """Wait until an answer is held to a request whose address contains a text."""
        deadline = time.monotonic() + _LIMIT
        while not any(part in route.request.url for route, _ in self.held):
            assert time.monotonic() < deadline, [route.request.url for route, _ in self.held]
            self._page.wait_for_timeout(10)

    def release(self, part: str = "") -> None:
        """Let answers arrive from now on to requests whose address contains a text."""
        self._released.append(part)
        released = [each for each in self.held if self._is_released(each[0])]
        self.held = [each for each in self.held if each not in released]
        for route, answer in released:
            with self._page.expect_event(
                "requestfinished", lambda request, route=route: request == route.request
            ):
                route.fulfill(response=answer)
        self._page.evaluate("() => new Promise(done => setTimeout(done))")  # it is dealt with
