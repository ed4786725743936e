"""The option that names a webhook, and the delivery of events to it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING

import click

from facerec.cli.deferred import factory
from facerec.cli.machine_or_stack import here
from facerec.cli.output import console
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from facerec.core.events import KeptEvent
    from facerec.core.protocols.registrations import RegistrationStore
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.registered import delivering as delivering_events
    from facerec.gallery.registered.delivering import EventDelivery
    from facerec.storage.webhook import Webhook
else:
    delivering_events = DeferredModule("facerec.gallery.registered.delivering")

PATIENCE_SECONDS = 10.0
"""Maximum seconds for which a command tries to deliver the remaining events before it ends."""

webhook_option = click.option(
    "--webhook",
    envvar="FACEREC_WEBHOOK",
    show_envvar=True,
    metavar="URL",
    help="Send matches of registered people to this address, signed with the secret in "
    "FACEREC_WEBHOOK_SECRET.",
)


def open_webhook(address: str) -> Webhook:
    """Return the webhook of an address, with the secret of the environment.

    Raises:
        InvalidInputError: The address or the secret is not valid.
    """
    from facerec.storage.webhook import Webhook

    return Webhook(address, os.environ.get("FACEREC_WEBHOOK_SECRET", ""))


@contextmanager
def delivering(data: Path, webhook: Webhook | None) -> Iterator[EventDelivery | None]:
    """Deliver events while the block runs; without a webhook, do nothing."""
    if webhook is None:
        yield None
        return
    with (
        factory.open_local_store(data) as store,
        _delivery(store, webhook) as delivery,
    ):
        yield delivery


def deliver_now(gallery: Gallery, data: Path, webhook: Webhook, collection_id: str) -> None:
    """Deliver the events that are due and those of a collection; retry for ``PATIENCE_SECONDS``."""
    with factory.open_local_store(data) as store:
        delivery = _delivery(store, webhook)
        until, pause = time.monotonic() + PATIENCE_SECONDS, 1.0
        gallery.retry_events(collection_id)
        while not delivery.deliver(until - time.monotonic()) and time.monotonic() + pause < until:
            time.sleep(pause)
            pause *= 2
            gallery.retry_events(collection_id)


def matches_since(gallery: Gallery, collection_id: str, started: float) -> dict[str, int]:
    """Return the numbers of matches since a time, and of events that are not delivered.

    ``started`` is in seconds since 1970.
    """
    new = takewhile(lambda kept: kept.event.matched_at >= started, _events(gallery, collection_id))
    waiting = _events(gallery, collection_id, undelivered=True)
    return {"matches": sum(1 for _ in new), "undelivered": sum(1 for _ in waiting)}


def print_matches(
    gallery: Gallery, collection_id: str, counts: dict[str, int], webhook: Webhook | None
) -> None:
    """Print the counts of ``matches_since``; undelivered events are counted only with a webhook.

    Prints nothing if there is nothing to count.
    """
    matches, undelivered = counts["matches"], counts["undelivered"]
    late = undelivered if webhook is not None else 0
    if matches or late:
        console().print(f"{count(matches, 'match', 'matches')} of registered people")
        if late:
            page = gallery.list_events(collection_id, undelivered=True)
            problem = next((f": {kept.problem}" for kept in page.events if kept.problem), "")
            console().print(f"{count(undelivered, 'event')} not delivered{problem}")
        listing = f"`facerec people events --collection {collection_id}`"
        console().print(here(f"{listing} lists them"))


def _delivery(store: RegistrationStore, webhook: Webhook) -> EventDelivery:
    return delivering_events.EventDelivery(store, delivering_events.one_by_one(webhook.send))


def _events(
    gallery: Gallery, collection_id: str, *, undelivered: bool = False
) -> Iterator[KeptEvent]:
    token = None
    while True:
        page = gallery.list_events(
            collection_id, undelivered=undelivered, next_token=token, limit=MAX_EVENTS
        )
        yield from page.events
        token = page.next_token
        if token is None:
            return
