"""`facerec faces`: list and delete the faces of a collection."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli.data_folder import data_folder
from facerec.cli.exit_codes import exit_code_of
from facerec.cli.options import collection_option, data_option, json_option
from facerec.cli.output import console, count, print_json, shortened, shown_name, table
from facerec.core.limits import DEFAULT_PAGE, MAX_PAGE
from facerec.factory import open_gallery
from facerec.gallery.presenting import deletion_json, face_page_json


@click.group()
def faces() -> None:
    """List and delete the faces of a collection."""


@faces.command("list")
@collection_option
@data_option
@click.option("--next-token", default=None, metavar="TOKEN", help="Continue after a previous page.")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_PAGE),
    default=DEFAULT_PAGE,
    show_default=True,
    metavar="N",
    help="Show at most N faces.",
)
@json_option
def list_command(
    collection: str, data: Path | None, next_token: str | None, limit: int, as_json: bool
) -> None:
    """List the faces of a collection, ordered by id.

    \b
    Examples:
      facerec faces list --collection staff
      facerec faces list --collection staff --limit 100 --json
    """
    with open_gallery(data_folder(data)) as gallery:
        page = gallery.list_faces(collection, next_token=next_token, limit=limit)
    if as_json:
        print_json(face_page_json(page))
        return
    rows = table("face id", "who", "photo", "confidence", right=("confidence",), whole=("face id",))
    for face in page.faces:
        record = face.record
        who = shown_name(record.external_image_id)
        source = shortened(record.source) or "-"
        rows.add_row(record.face_id, who, source, f"{record.confidence:.3f}")
    out = console()
    nothing = "no more faces" if next_token else f"collection {collection} has no faces"
    out.print(rows if page.faces else nothing)
    if page.next_token:
        out.print(f"more: --next-token {page.next_token}")


@faces.command()
@collection_option
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@click.option(
    "--disassociate",
    is_flag=True,
    help="Disassociate faces from their users first; otherwise a user's faces are not deleted.",
)
@json_option
def delete(
    collection: str,
    face_ids: tuple[str, ...],
    data: Path | None,
    disassociate: bool,
    as_json: bool,
) -> None:
    """Delete faces for good, including the embeddings that jobs keep of them.

    \b
    Example:
      facerec faces delete --collection staff 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    with open_gallery(data_folder(data)) as gallery:
        deletion = gallery.delete_faces(collection, face_ids, disassociate=disassociate)
    if as_json:
        print_json(deletion_json(deletion))
    else:
        console().print(f"{count(len(deletion.deleted), 'face')} deleted")
    # The exit code does not depend on the order of the ids: missing faces go before faces in use.
    errors = sorted((failure.to_error() for failure in deletion.failed), key=exit_code_of)
    for error in errors[1:]:
        click.echo(f"error: {error.message}", err=True)
    if errors:
        raise errors[0]
