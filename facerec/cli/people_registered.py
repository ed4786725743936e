"""`facerec people register` and `facerec people unregister`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.change_options import change_options
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, presenting_people
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.output import console, print_json
from facerec.cli.person_argument import user_id_of

if TYPE_CHECKING:
    from facerec.core.registrations import Registration


@click.command()
@collection_option
@click.argument("person")
@data_option
@click.option(
    "--consent",
    required=True,
    metavar="DAY",
    help="Day on which the person agreed to it, YYYY-MM-DD.",
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

    This is biometric identification: ask the person, and keep the proof of the consent. Whoever
    is registered gets the new days.

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
    """Remove the registration of a person, who is not matched against new photos then.

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


def shown_registration(registration: Registration | None) -> str:
    """Return until when a person is registered, as text."""
    if registration is None:
        return "not registered"
    days = f"(consent of {registration.consent})"
    if registration.is_active(time.time()):
        return f"registered until {registration.expires} {days}"
    return f"registration expired on {registration.expires} {days}"
