"""`facerec people match`: search for the people whom a photo, a face or a person resembles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.deferred import presenting_people
from facerec.cli.gallery_requests import ask_gallery
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    limit_option,
    probe_face_options,
    require_no_face_options,
    stack_option,
    threshold_option,
)
from facerec.cli.output import console, more_matches, print_json, table
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_USER_MATCHES

if TYPE_CHECKING:
    from facerec.cli import services
    from facerec.core.options import FaceOptions
else:
    services = DeferredModule("facerec.cli.services")


@click.command()
@collection_option
@click.argument("photo", required=False)
@click.option(
    "--face", "face_id", metavar="FACE_ID", help="Id of a stored face: search for it instead."
)
@click.option(
    "--person",
    metavar="PERSON",
    help="Person, by id or name: search for others who resemble this person instead.",
)
@data_option
@stack_option
@threshold_option
@limit_option("people", MAX_USER_MATCHES, MAX_USER_MATCHES)
@probe_face_options
@json_option
def match(
    collection: str,
    photo: str | None,
    face_id: str | None,
    person: str | None,
    data: Path | None,
    stack: str | None,
    threshold: float | None,
    limit: int,
    options: FaceOptions,
    as_json: bool,
) -> None:
    """Search for the people whom the largest face of PHOTO may show.

    A person is compared by the mean of their faces. There is no --target-fmr, because error rates
    are measured with single faces. docs/accuracy.md explains what similarity means.

    \b
    Examples:
      facerec people match --collection staff visitor.jpg
      facerec people match --collection staff --person ann
    """
    if sum(probe is not None for probe in (photo, face_id, person)) != 1:
        raise click.UsageError("specify exactly one of PHOTO, --face and --person")
    if photo is None:
        require_no_face_options(options)
    request: dict[str, Any] = {"threshold": threshold, "limit": limit}
    if photo is not None:
        found = _match_photo(photo, stack, data, collection, options, **request)
    elif face_id is not None:
        found = ask_gallery(
            stack, data, collection, "match_face_to_people", face_id=face_id, **request
        )
    else:
        found = ask_gallery(stack, data, collection, "match_person", person=person, **request)
    if as_json:
        print_json(found)
    else:
        _print(found, limit)


def _match_photo(
    photo: str,
    stack: str | None,
    data: Path | None,
    collection: str,
    options: FaceOptions,
    **request: Any,  # noqa: ANN401 - arguments of the search
) -> dict[str, Any]:
    with services.open_gallery(stack, data) as gallery:
        found = gallery.search_users_by_photo(collection, photo, options=options, **request)
    return presenting_people.photo_people_match_json(found)


def _print(found: dict[str, Any], limit: int) -> None:
    if not found["matches"]:
        console().print(f"nobody has a similarity of {found['threshold']:g} or more")
        return
    rows = table("similarity", "distance", "person", "name", "faces", right=("similarity", "faces"))
    for match in found["matches"]:
        person = match["person"]
        rows.add_row(
            f"{match['similarity']:.3f}",
            f"{match['distance']:.3f}",
            person["user_id"],
            person["name"] or "-",
            str(person["face_count"]),
        )
    console().print(rows)
    if found["more_matches"]:
        console().print(more_matches(limit, MAX_USER_MATCHES))
