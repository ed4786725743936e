"""`facerec people match`: search for the people whom a photo, a face or a person resembles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, person_search, presenting_people
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    limit_option,
    probe_face_options,
    require_no_face_options,
    threshold_option,
)
from facerec.cli.output import console, more_matches, print_json, table
from facerec.cli.person_argument import user_id_of
from facerec.core.limits import MAX_USER_MATCHES

if TYPE_CHECKING:
    from facerec.core.options import FaceOptions
    from facerec.gallery.people.person_search import UserSearchResult


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
    threshold: float | None,
    limit: int,
    options: FaceOptions,
    as_json: bool,
) -> None:
    """Search for the people whom the largest face of PHOTO may show.

    A person is compared by the mean of its faces. There is no --target-fmr, because error rates are
    measured with single faces. docs/accuracy.md explains what similarity means.

    \b
    Examples:
      facerec people match --collection staff visitor.jpg
      facerec people match --collection staff --person ann
    """
    if sum(probe is not None for probe in (photo, face_id, person)) != 1:
        raise click.UsageError("specify exactly one of PHOTO, --face and --person")
    if photo is None:
        require_no_face_options(options)
    found: UserSearchResult
    with factory.open_gallery(data_folder(data)) as gallery:
        if face_id is not None:
            found = gallery.search_users_by_face(
                collection, face_id, threshold=threshold, limit=limit
            )
        elif person is not None:
            user_id = user_id_of(gallery, collection, person)
            found = gallery.search_users_by_user(
                collection, user_id, threshold=threshold, limit=limit
            )
        else:
            found = gallery.search_users_by_photo(
                collection, photo or "", threshold=threshold, limit=limit, options=options
            )
    if not as_json:
        _print(found, limit)
    elif isinstance(found, person_search.PhotoUserSearchResult):
        print_json(presenting_people.photo_people_match_json(found))
    else:
        print_json(presenting_people.people_match_json(found))


def _print(found: UserSearchResult, limit: int) -> None:
    if not found.matches:
        console().print(f"nobody has a similarity of {found.threshold:g} or more")
        return
    rows = table("similarity", "distance", "person", "name", "faces", right=("similarity", "faces"))
    for match in found.matches:
        user = match.user
        rows.add_row(
            f"{match.similarity:.3f}",
            f"{match.distance:.3f}",
            user.user_id,
            user.name or "-",
            str(len(user.face_ids)),
        )
    console().print(rows)
    if found.more_matches:
        console().print(more_matches(limit, MAX_USER_MATCHES))
