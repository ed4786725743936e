"""`facerec faces`: the faces of a collection."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli.options import collection_option, data_option, json_option
from facerec.errors import NotFoundError


@click.group()
def faces() -> None:
    """List and delete the faces of a collection."""


@faces.command("list")
@collection_option
@data_option
@click.option(
    "--after", default=None, metavar="FACE_ID", help="Go on behind this face, for the next page."
)
@click.option(
    "--limit",
    type=click.IntRange(1, 4096),
    default=1000,
    show_default=True,
    help="The most faces of a page.",
)
@json_option
def list_command(
    collection: str, data: Path | None, after: str | None, limit: int, as_json: bool
) -> None:
    """List the faces of a collection, in the order of their ids.

    \b
    Examples:
      facerec faces list --collection staff
      facerec faces list --collection staff --limit 100 --json
    """
    from facerec.cli.output import console, print_json, shortened, table
    from facerec.cli.parts import data_folder, open_store
    from facerec.gallery.presenting import face_page_json
    from facerec.gallery.stored_faces import list_faces

    with open_store(data_folder(data)) as store:
        page = list_faces(collection, records=store, faces=store, after=after, limit=limit)
    if as_json:
        print_json(face_page_json(collection, page))
        return
    shown = table("face id", "who", "photo", "confidence", right=("confidence",))
    for face in page.faces:
        who = face.external_image_id or "-"
        shown.add_row(face.face_id, who, shortened(face.source) or "-", f"{face.confidence:.3f}")
    out = console()
    out.print(shown if page.faces else f"collection {collection} holds no faces")
    if page.next_after:
        out.print(f"more: --after {page.next_after}")


@faces.command()
@collection_option
@click.argument("face_ids", nargs=-1, required=True, metavar="FACE_ID...")
@data_option
@json_option
def delete(collection: str, face_ids: tuple[str, ...], data: Path | None, as_json: bool) -> None:
    """Delete faces for good, with what jobs keep of them.

    \b
    Example:
      facerec faces delete --collection staff 0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d
    """
    from facerec.cli.output import console, count, print_json
    from facerec.cli.parts import data_folder, jobs_folder, open_store
    from facerec.gallery.presenting import deletion_json
    from facerec.gallery.stored_faces import delete_faces
    from facerec.jobs.ledger.erasure import erase_faces
    from facerec.jobs.overview import list_jobs
    from facerec.storage.objects.routed import open_objects

    folder = data_folder(data)
    objects = open_objects()
    with open_store(folder) as store:
        store.get_collection(collection)
        # Before the store forgets them: an interruption must leave something to call again for.
        for job in list_jobs(objects, jobs_folder(folder)):
            if job.plan.collection_id == collection:
                erase_faces(objects, job.plan.job_folder, face_ids)
        deletion = delete_faces(collection, face_ids, records=store, faces=store)
    if as_json:
        print_json(deletion_json(collection, deletion))
    else:
        console().print(f"{count(len(deletion.deleted), 'face')} deleted")
    if deletion.not_found:
        raise NotFoundError(
            f"collection {collection} has no face {', '.join(deletion.not_found)}",
            "see `facerec faces list`",
        )
