"""`facerec faces`: list, match, correct and delete the faces of a collection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.change_options import change_options
from facerec.cli.deferred import presenting_faces, presenting_search, subjects
from facerec.cli.exit_codes import raise_first
from facerec.cli.faces_shown import face_table, match_table
from facerec.cli.lazy_group import SummaryGroup
from facerec.cli.local_path import LocalPath
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    limit_option,
    overwrite_option,
    page_options,
    search_fmr_option,
    stack_option,
    threshold_option,
)
from facerec.cli.output import console, more_matches, name_or_id, print_json, print_page, table
from facerec.cli.person_argument import user_id_of
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import DEFAULT_PAGE, MAX_MATCHES, MAX_PAGE
from facerec.gallery.defaults import GalleryDefaults

if TYPE_CHECKING:
    from facerec.cli import services
else:
    services = DeferredModule("facerec.cli.services")


@click.group(cls=SummaryGroup)
def faces() -> None:
    """List, match, correct and delete the faces of a collection."""


@faces.command("list")
@collection_option
@click.option(
    "--person", metavar="PERSON", help="Person, by id or name: list only this person's faces."
)
@data_option
@stack_option
@page_options("faces", DEFAULT_PAGE, MAX_PAGE)
@json_option
def list_command(
    collection: str,
    person: str | None,
    data: Path | None,
    stack: str | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the faces of a collection, ordered by id.

    \b
    Examples:
      facerec faces list --collection staff
      facerec faces list --collection staff --person ann
      facerec faces list --collection staff --limit 100 --json
    """
    with services.open_gallery(stack, data) as gallery:
        user_id = None if person is None else user_id_of(gallery, collection, person)
        page = gallery.list_faces(collection, next_token=next_token, limit=limit, user_id=user_id)
    if as_json:
        print_json(presenting_faces.face_page_json(page))
        return
    owner = f"collection {collection}" if person is None else f"person {person}"
    nothing = "no more faces" if next_token else f"{owner} has no faces"
    print_page(face_table(page.faces), page.next_token, nothing=nothing)


@faces.command()
@collection_option
@click.argument("face_id")
@data_option
@stack_option
@threshold_option
@search_fmr_option
@limit_option("matches", GalleryDefaults().limit, MAX_MATCHES)
@json_option
def match(
    collection: str,
    face_id: str,
    data: Path | None,
    stack: str | None,
    threshold: float | None,
    target_fmr: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """Search a collection for faces that resemble one of its own.

    \b
    Example:
      facerec faces match --collection staff 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    with services.open_gallery(stack, data) as gallery:
        found = gallery.search_face(
            collection, face_id, threshold=threshold, target_fmr=target_fmr, limit=limit
        )
    if as_json:
        print_json(presenting_search.face_search_json(found))
    elif found.matches:
        console().print(match_table(found.matches))
        if found.more_matches:
            console().print(more_matches(limit, MAX_MATCHES))
    else:
        console().print(f"no other face has a similarity of {found.threshold:g} or more")


@faces.command()
@collection_option
@click.argument("face_id")
@click.argument("output", type=LocalPath(dir_okay=False), metavar="OUT.jpg")
@overwrite_option
@data_option
@stack_option
def thumbnail(
    collection: str,
    face_id: str,
    output: Path,
    overwrite: bool,
    data: Path | None,
    stack: str | None,
) -> None:
    """Save a thumbnail of a face, if one is kept or the face's photo can still be read.

    \b
    Example:
      facerec faces thumbnail --collection staff 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d face.jpg
    """
    from facerec.cli.new_files import may_overwrite, whole_file

    may_overwrite(output, overwrite=overwrite)
    with services.open_gallery(stack, data) as gallery:
        content = gallery.thumbnail(collection, face_id)
    with whole_file(output) as part:
        part.write_bytes(content)
    console().print(f"saved {output}")


@faces.command()
@collection_option
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@stack_option
@click.option(
    "--disassociate",
    is_flag=True,
    help="Remove the faces from their people first; otherwise a person's faces are not deleted.",
)
@json_option
def delete(
    collection: str,
    face_ids: tuple[str, ...],
    data: Path | None,
    stack: str | None,
    disassociate: bool,
    as_json: bool,
) -> None:
    """Delete faces permanently, including the embeddings that jobs keep of them.

    Later jobs do not add these faces again, unless they have --restore-deleted.

    \b
    Example:
      facerec faces delete --collection staff 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    with services.open_gallery(stack, data) as gallery:
        deletion = gallery.delete_faces(collection, face_ids, disassociate=disassociate)
    if as_json:
        print_json(presenting_faces.deletion_json(deletion))
    else:
        console().print(f"{count(len(deletion.deleted), 'face')} deleted")
    raise_first(failure.to_error() for failure in deletion.failed)


@faces.command("not-same")
@collection_option
@click.argument("face_id")
@click.argument("person")
@data_option
@stack_option
@change_options
@click.option("--lift", is_flag=True, help="Remove the statement instead.")
def not_same(
    collection: str, face_id: str, person: str, data: Path | None, stack: str | None, lift: bool
) -> None:
    """State that a face does not show a person; later searches respect this.

    PERSON is the id or display name of a person, an external image id or the part before its colon,
    or the id of another face. A search that finds FACE_ID then shows no face of that person that is
    less similar to the probe than FACE_ID. A search for FACE_ID itself shows none of them.

    \b
    Examples:
      facerec faces not-same --collection staff 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d ann
      facerec faces not-same --collection staff 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d ann --lift
    """
    with services.open_gallery(stack, data) as gallery:
        if not lift:
            name = subjects.known_name(gallery, collection, person)
            gallery.not_same(collection, face_id, name)
            console().print(f"face {face_id} does not show {person}")
            return
        name = subjects.corrected_name(gallery, collection, face_id, person)
        if gallery.lift_correction(collection, face_id, name):
            console().print(f"face {face_id} may show {person} again")
        else:
            console().print(f"there was no statement that face {face_id} does not show {person}")


@faces.command()
@collection_option
@data_option
@stack_option
@page_options("corrections", DEFAULT_PAGE, MAX_PAGE)
@json_option
def corrections(
    collection: str,
    data: Path | None,
    stack: str | None,
    next_token: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List corrections: which faces do not show which people.

    \b
    Example:
      facerec faces corrections --collection staff
    """
    with services.open_gallery(stack, data) as gallery:
        page = gallery.list_corrections(collection, next_token=next_token, limit=limit)
    if as_json:
        print_json(presenting_faces.correction_page_json(page))
        return
    rows = table("face id", "does not show", whole=("face id",))
    for correction in page.corrections:
        name = page.names.get(correction.person)
        rows.add_row(correction.face_id, name_or_id(name, correction.person))
    nothing = "no more corrections" if next_token else f"collection {collection} has no corrections"
    print_page(rows, page.next_token, nothing=nothing)
