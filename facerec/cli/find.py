"""`facerec find`: find all photos of somebody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facerec.cli.exit_codes import raise_first
from facerec.cli.find_outputs import Find, Outputs, found_faces, keeping_first_pages
from facerec.cli.local_path import LocalPath
from facerec.cli.numbers import WholeRange
from facerec.cli.options import (
    collection_option,
    csv_option,
    data_option,
    html_option,
    json_option,
    probability,
    probe_face_options,
    require_no_face_options,
    stack_option,
    target_fmr_option,
)
from facerec.cli.output import console, name_or_id, print_json_text, shortened, shown_name, table
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_PAGE
from facerec.core.options import MAX_FACES

if TYPE_CHECKING:
    from facerec.cli import services
    from facerec.core.options import FaceOptions
    from facerec.gallery.search.found_faces import FoundPage
else:
    services = DeferredModule("facerec.cli.services")


@click.command()
@click.argument("probe", metavar="PERSON|PHOTO")
@collection_option
@data_option
@stack_option
@click.option(
    "--copy-to",
    type=LocalPath(),
    metavar="FOLDER",
    help="Copy the photos into this folder, doubtful ones into its subfolder `doubtful`.",
)
@click.option(
    "--link-to",
    type=LocalPath(),
    metavar="FOLDER",
    help="Create links to the photos in this folder, instead of copying them.",
)
@csv_option
@html_option("a contact sheet with a thumbnail of each face.")
@click.option(
    "--face-number",
    "face_number",
    type=WholeRange(1, MAX_FACES),
    default=None,
    help="Which face of PHOTO to search for (default: 1, the largest).",
)
@click.option(
    "--doubtful-below",
    type=probability,
    default=None,
    help="Similarity below which a face is doubtful (default: the collection's threshold, or a "
    "higher one in a large collection).",
)
@target_fmr_option("Not with --doubtful-below.")
@probe_face_options
@json_option
def find(
    probe: str,
    collection: str,
    data: Path | None,
    stack: str | None,
    copy_to: Path | None,
    link_to: Path | None,
    csv_file: Path | None,
    html_file: Path | None,
    face_number: int | None,
    doubtful_below: float | None,
    target_fmr: float | None,
    options: FaceOptions,
    as_json: bool,
) -> None:
    """Find all photos of somebody, most similar first.

    PERSON is the id or the name of a person of the collection. PHOTO is a path or an s3:// address;
    its largest face is searched for. Faces that may show somebody else are doubtful.

    Nothing is overwritten: FILE must not exist, and FOLDER must be empty, or have only photos of an
    interrupted run of the same command, which is then completed. A photo that is missing, or has
    changed since it was indexed, is reported. With --stack, photos, the table and the vectors are
    read with your credentials; PHOTO is described on this machine.

    \b
    Examples:
      facerec find guest.jpg --collection party
      facerec find guest.jpg --collection party --copy-to guest --html guest.html
      facerec find "Ann Lee" --collection club --csv ann.csv
      facerec find "Ann Lee" --collection club --copy-to ann --stack facerec
    """
    from facerec.cli.person_argument import photo_or_person

    outputs = Outputs(copy_to, link_to, csv_file, html_file)
    outputs.check()
    with services.open_gallery(stack, data) as gallery:
        named = photo_or_person(gallery, collection, probe)
        photo, user = (named, None) if isinstance(named, str) else (None, named)
        if user is not None:
            require_no_face_options(options, face_number=face_number)

        def page(doubtful: bool, next_token: str | None) -> FoundPage:
            return gallery.find(
                collection,
                photo,
                user_id=None if user is None else user.user_id,
                face_number=face_number,
                doubtful=doubtful,
                doubtful_below=doubtful_below,
                target_fmr=target_fmr,
                options=options,
                next_token=next_token,
                limit=MAX_PAGE,
            )

        search = keeping_first_pages(page)
        if others := search(False, None).other_faces:
            console(stderr=True).print(
                f"{count(others, 'other face')} of the photo not searched; see --face-number"
            )
        whom = probe if user is None else user.name or user.user_id
        # With --json, nothing but the document is printed to stdout.
        errors = outputs.write(search, whom, gallery, console(stderr=as_json))
        if as_json:
            _print_json(search)
        elif outputs == Outputs():
            _print(search, whom, collection)
    raise_first(errors)


def _print_json(find: Find) -> None:
    """Print all faces as one document, page by page."""
    from facerec.gallery.presenting.found import common_json, found_face_json

    head = json.dumps(common_json(find(False, None)), indent=2)
    print_json_text(head.removesuffix("\n}"))
    for name, doubtful in (("matches", False), ("doubtful_matches", True)):
        print_json_text(f',\n  "{name}": [')
        separator = ""
        for each in found_faces(find, doubtful=doubtful):
            print_json_text(f"{separator}\n    {json.dumps(found_face_json(each))}")
            separator = ","
        print_json_text("\n  ]" if separator else "]")
    print_json_text("\n}\n")


def _print(find: Find, whom: str, collection: str) -> None:
    out = console()
    first = find(False, None)
    for doubtful, noun in ((False, "face"), (True, "doubtful face")):
        number = 0
        page = find(doubtful, None)
        while True:
            number += len(page.found)
            if page.found:
                out.print(_table(page, doubtful=doubtful))
            if page.next_token is None:
                break
            page = find(doubtful, page.next_token)
        if number or not doubtful:
            similarity = first.doubtful_from if doubtful else first.doubtful_below
            out.print(
                f"{count(number, noun)} of {whom} in collection {collection}, "
                f"similarity {similarity:.3g} or more"
            )


def _table(page: FoundPage, *, doubtful: bool) -> Any:  # noqa: ANN401 - rich is imported late
    from facerec.cli.contact_sheet import REASONS

    columns = ("similarity", "who", "person", "photo")
    rows = table(*columns, *(["why doubtful"] if doubtful else []), right=("similarity",))
    for each in page.found:
        match = each.match
        why = [] if each.doubt is None else [REASONS[each.doubt]]
        rows.add_row(
            f"{match.similarity:.3f}",
            shown_name(match.face.external_image_id),
            name_or_id(match.person_name, match.user_id),
            shortened(match.face.source) or "-",
            *why,
        )
    return rows
