"""`facerec people register`, `facerec people unregister` and `facerec people events`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.gallery_requests import ask_gallery
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    page_options,
    stack_option,
)
from facerec.cli.output import console, name_or_id, print_json, print_page, shown_person, table
from facerec.cli.webhooks import deliver_now, open_webhook, webhook_option
from facerec.core.counts import count
from facerec.core.limits import DEFAULT_EVENTS, MAX_EVENTS


@click.command()
@collection_option
@click.argument("person")
@data_option
@stack_option
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
    collection: str,
    person: str,
    data: Path | None,
    stack: str | None,
    consent: str,
    expires: str,
    as_json: bool,
) -> None:
    """Register a person who agreed to be matched against new photos.

    This is biometric identification: ask the person, and keep the proof of the consent. If the
    person is already registered, the new days replace the earlier ones.

    \b
    Example:
      facerec people register --collection staff ann --consent 2026-11-26 --expires 2099-11-26
    """
    registered = ask_gallery(
        stack, data, collection, "register", person=person, consent=consent, expires=expires
    )
    if as_json:
        print_json(registered)
    else:
        days = shown_registration(registered["registration"])
        console().print(f"person {shown_person(registered)} {days}")


@click.command()
@collection_option
@click.argument("person")
@data_option
@stack_option
@change_options
@json_option
def unregister(
    collection: str, person: str, data: Path | None, stack: str | None, as_json: bool
) -> None:
    """Remove the registration of a person, who is then no longer matched against new photos.

    \b
    Example:
      facerec people unregister --collection staff ann
    """
    unregistered = ask_gallery(stack, data, collection, "unregister", person=person)
    if as_json:
        print_json(unregistered)
    else:
        console().print(f"person {shown_person(unregistered)} is not registered now")


@click.command()
@collection_option
@data_option
@stack_option
@click.option("--undelivered", is_flag=True, help="List only events that were not delivered.")
@click.option(
    "--retry",
    is_flag=True,
    help="Try to deliver them now, for a few seconds; a stack does so within a minute.",
)
@webhook_option
@page_options("events", DEFAULT_EVENTS, MAX_EVENTS)
@json_option
def events(
    collection: str,
    data: Path | None,
    stack: str | None,
    undelivered: bool,
    retry: bool,
    webhook: str | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List matches of new photos with registered people, newest first.

    Each is an event for the webhook. An event that was not accepted is kept, and tried again by
    `facerec serve` and the next `facerec index`, if these have a webhook. A stack sends events to
    its event bus, and tries again by itself.

    \b
    Examples:
      facerec people events --collection staff
      facerec people events --collection staff --retry --webhook https://example.org/matches
    """
    if retry:
        _retry(stack, data, collection, webhook)
    page = ask_gallery(
        *(stack, data, collection, "list_events"),
        undelivered=undelivered,
        next_token=next_token,
        limit=limit,
    )
    if as_json:
        print_json(page)
        return
    named = ("event", "when", "person", "similarity", "photo", "delivered")
    rows = table(*named, right=("similarity",), whole=("event", "photo"))
    for kept in page["events"]:
        event = kept["event"]
        photo = event["photo"] or event["external_image_id"] or "-"
        rows.add_row(
            event["event_id"],
            _minute(event["matched_at"]),
            # A stack of an earlier release returns no name.
            name_or_id(kept.get("person_name"), event["user_id"]),
            f"{event['similarity']:.3f}",
            photo,
            _delivery(kept),
        )
    nothing = "no more events" if next_token else "no events"
    print_page(rows, page["next_token"], nothing=nothing)


def _retry(stack: str | None, data: Path | None, collection: str, webhook: str | None) -> None:
    """Try to deliver the events of a collection now; a stack does so within a minute."""
    if stack is not None:
        ask_gallery(stack, data, collection, "retry_events")
        return
    if webhook is None:
        raise click.UsageError("--retry requires --webhook or --stack")
    folder = data_folder(data)
    with factory.open_gallery(folder) as gallery:
        deliver_now(gallery, folder, open_webhook(webhook), collection)


def _minute(iso_time: str) -> str:
    return f"{datetime.fromisoformat(iso_time):%Y-%m-%d %H:%M}"


def _delivery(kept: dict[str, Any]) -> str:
    if kept["delivered_at"] is not None:
        return _minute(kept["delivered_at"])
    attempts = count(kept["attempts"], "attempt")
    return "not yet" if kept["problem"] is None else f"no, after {attempts}: {kept['problem']}"


def shown_registration(registration: dict[str, Any]) -> str:
    """Return the period of a person's registration, as text."""
    days = f"(consent of {registration['consent']})"
    if registration["expired"]:
        return f"registration expired on {registration['expires']} {days}"
    return f"registered until {registration['expires']} {days}"
