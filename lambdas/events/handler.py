"""Sends matches of registered people to an event bus of Amazon EventBridge.

A schedule invokes it each minute. Children and the API only add matches to the outbox.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from facerec.config import read_settings
from facerec.errors import StoreUnavailableError
from facerec.factory import open_event_delivery

if TYPE_CHECKING:
    from facerec.gallery.registered.delivering import EventDelivery
    from facerec.storage.event_bus import EventBus

LATEST_SEND = 45.0
"""Seconds after which no further event is sent: the function has a minute."""


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Send the events that are due.

    Returns:
        An empty object.

    Raises:
        FacerecError: An event was not accepted and will be sent again, a store failed, or the event
            bus does not exist.
    """
    bus, delivery = _opened()
    bus.require_exists()
    if not delivery.deliver(LATEST_SEND):
        raise StoreUnavailableError(
            "an event was not accepted; the function will retry it",
            "`GET /api/v1/collections/{id}/events?undelivered=true` shows why",
        )
    return {}


@cache
def _opened() -> tuple[EventBus, EventDelivery]:
    return open_event_delivery(read_settings(os.environ))
