"""`facerec people register`, `facerec people unregister` and `facerec people events`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, presenting_people
from facerec.cli.options import collection_option, data_option, json_option, page_options
from facerec.cli.output import console, count, print_json, print_page, table
from facerec.cli.person_argument import user_id_of
from facerec.cli.webhooks import deliver_now, open_webhook, webhook_option
from facerec.core.limits import DEFAULT_EVENTS, MAX_EVENTS

if TYPE_CHECKING:
    from facerec.core.events import KeptEvent
    from facerec.core.registrations import Registration


@click.command()
@collection_option
@click.argument("person")
@data_option
@click.option(
    "--consent",
    required=True,
    metavar="DAY",
    help="Day on which the person agreed, YYYY-MM-DD.",
)
@click.option(
    "--expires",
    required=True,
    metavar="DAY",
    help="First day on which the consent no longer holds, YYYY-MM-DD in UTC.",
)
@change_options
@json_option
def register(
    collection: str, person: str, data: Path | None, consent: str, expires: str, as_json: bool
) -> None:
    """Register a person, who agreed to be matched against new photos.

    This is biometric identification: ask the person, and keep the proof of the consent. A person
    who is already registered gets the new days.

    \b
    Example:
      facerec people register --collection staff ann --consent 2026-11-26 --expires 2099-11-26
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user_id = user_id_of(gallery, collection, person)
        user = gallery.register_user(collection, user_id, consent=consent, expires=expires)
    if as_json:
        print_json(presenting_people.person_json(user))
    else:
        console().print(f"person {user.user_id} {shown_registration(user.registration)}")


@click.command()
@collection_option
@click.argument("person")
@data_option
@change_options
@json_option
def unregister(collection: str, person: str, data: Path | None, as_json: bool) -> None:
    """Remove the registration of a person, who is then no longer matched against new photos.

    \b
    Example:
      facerec people unregister --collection staff ann
    """
    with factory.open_gallery(data_folder(data)) as gallery:
        user_id = user_id_of(gallery, collection, person)
        user = gallery.unregister_user(collection, user_id)
    if as_json:
        print_json(presenting_people.person_json(user))
    else:
        console().print(f"person {user.user_id} is not registered now")


@click.command()
@collection_option
@data_option
@click.option("--undelivered", is_flag=True, help="List only events that were not delivered.")
@click.option("--retry", is_flag=True, help="Try to deliver them now, for some seconds.")
@webhook_option
@page_options("events", DEFAULT_EVENTS, MAX_EVENTS)
@json_option
def events(
    collection: str,
    data: Path | None,
    undelivered: bool,
    retry: bool,
    webhook: str | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List matches of new photos with registered people, newest first.

    Each is an event for the webhook. An event that was not accepted is kept, and tried again by
    `facerec serve` and the next `facerec index`, if these have a webhook.

    \b
    Examples:
      facerec people events --collection staff
      facerec people events --collection staff --retry --webhook https://example.org/matches
    """
    if retry and webhook is None:
        raise click.UsageError("--retry requires --webhook")
    folder = data_folder(data)
    with factory.open_gallery(folder) as gallery:
        if retry and webhook is not None:
            deliver_now(gallery, folder, open_webhook(webhook), collection)
        page = gallery.list_events(
            collection, undelivered=undelivered, next_token=next_token, limit=limit
        )
    if as_json:
        print_json(presenting_people.event_page_json(page))
        return
    named = ("event", "when", "person", "similarity", "photo", "delivered")
    rows = table(*named, right=("similarity",), whole=("event", "photo"))
    for kept in page.events:
        event = kept.event
        when = f"{datetime.fromtimestamp(event.matched_at, UTC):%Y-%m-%d %H:%M}"
        photo = event.photo or event.external_image_id or "-"
        similarity = f"{event.similarity:.3f}"
        rows.add_row(event.event_id, when, event.user_id, similarity, photo, _delivery(kept))
    nothing = "no more events" if next_token else "no events"
    print_page(rows, page.next_token, nothing=nothing)


def _delivery(kept: KeptEvent) -> str:
    if kept.delivered_at is not None:
        return f"{datetime.fromtimestamp(kept.delivered_at, UTC):%Y-%m-%d %H:%M}"
    attempts = count(kept.attempts, "attempt")
    return "not yet" if kept.problem is None else f"no, after {attempts}: {kept.problem}"


def shown_registration(registration: Registration | None) -> str:
    """Return until when a person is registered, as text."""
    if registration is None:
        return "not registered"
    days = f"(consent of {registration.consent})"
    if registration.is_active(time.time()):
        return f"registered until {registration.expires} {days}"
    return f"registration expired on {registration.expires} {days}"
