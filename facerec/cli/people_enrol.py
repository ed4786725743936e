"""`facerec people enrol` and `facerec index --person-from`: people from the names of photos."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from facerec.cli.change_options import change_options, requested_by
from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory
from facerec.cli.options import (
    collection_option,
    data_option,
    json_option,
    person_from_option,
    stack_option,
)
from facerec.cli.output import console, name_or_id, print_json, shortened, shown_name
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.limits import MAX_PAGE
from facerec.errors import CollectionNotFoundError, InvalidInputError
from facerec.jobs.fields import ExternalIds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facerec.core.records import FaceRecord
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.people import enrolling
    from facerec.gallery.people.enrolling import Enrolment
    from facerec.gallery.people.enrolment_rules import NameOf
    from facerec.gallery.presenting import enrolment as presenting_enrolment
    from facerec.jobs import person_names
    from facerec.storage import objects as stored_objects
else:
    enrolling = DeferredModule("facerec.gallery.people.enrolling")
    person_names = DeferredModule("facerec.jobs.person_names")
    presenting_enrolment = DeferredModule("facerec.gallery.presenting.enrolment")
    stored_objects = DeferredModule("facerec.storage.objects")

_PROBLEMS = {
    "UNLIKE": "no face resembles the other photos of",
    "FACE_DELETED": "one of its faces was deleted, and no other photo shows",
    "PERSON_ERASED": "the photo was indexed before the erasure of a person called",
    "OTHER_PERSON": "the face belongs to somebody other than",
    "NOT_SAME": "corrections state that it does not show",
    "TOO_MANY_FACES": "too many faces for",
    "INVALID_NAME": "the name is not valid:",
}


@click.command()
@click.argument("source")
@collection_option
@data_option
@stack_option
@change_options
@person_from_option
@json_option
def enrol(
    source: str,
    collection: str,
    data: Path | None,
    stack: str | None,
    person_from: str | None,
    as_json: bool,
) -> None:
    """Create people from the names of photos that are already indexed.

    SOURCE is the folder, the s3:// prefix or the manifest that was indexed; a folder must still
    contain photos. See `facerec index` for --person-from, whose default is `folder`. On AWS, a call
    may take up to 15 minutes; if it does not finish, the next one continues.

    \b
    Examples:
      facerec people enrol members/ --collection club
      facerec people enrol photos.csv --collection staff --person-from column:name
      facerec people enrol s3://bucket/members/ --collection club --stack facerec
    """
    person_from = person_from or "folder"
    if stack is not None:
        enrolment = _enrol_in_stack(stack, collection, source, person_from)
    else:
        name_of = _name_rule(person_from, source)
        person_names.require_photos(source, stored_objects.Objects())
        with factory.open_gallery(data_folder(data)) as gallery:
            enrolment = gallery.enrol_people(collection, name_of)
        enrolling.require_named(enrolment, source)
    if as_json:
        print_json(presenting_enrolment.enrolment_json(enrolment))
    else:
        print_enrolment(enrolment)


def _enrol_in_stack(stack: str, collection: str, source: str, person_from: str) -> Enrolment:
    from facerec.cli.services import erasure_function
    from facerec.core.recording import current_caller

    by, why = current_caller()
    event = {"enrol": collection, "source": source, "person_from": person_from}
    answer = erasure_function(stack).call_for_packed({**event, "by": by, "why": why})
    return presenting_enrolment.enrolment_from_json(answer)


def require_no_chosen_ids() -> None:
    """Check that a command with ``--person-from`` is given no other external image ids.

    Raises:
        UsageError: Other external image ids are requested.
    """
    context = click.get_current_context()
    given = context.get_parameter_source("external_ids") is ParameterSource.COMMANDLINE
    if given and context.params["external_ids"] != ExternalIds.NONE:
        raise click.UsageError("--person-from requires --external-ids none")


def enrolment_after_job(
    document: dict[str, Any], data: Path | None, person_from: str, *, dry_run: bool
) -> Callable[[], Enrolment]:
    """Return a function that creates people from the names of photos; call it after the job.

    Args:
        document: The execution input of a job on this machine.
        data: Folder of faces and jobs; None for the user's data folder.
        person_from: The rule for names.
        dry_run: Whether the job is not run.

    Raises:
        InvalidInputError: The rule is not valid, or photos were indexed with external image ids.
        ObjectNotFoundError: The source does not exist.
        ConfigurationError: No data folder is named, and the user has no home folder.
    """
    collection = document["collection_id"]
    name_of = _name_rule(person_from, document["manifest"])
    if not (dry_run or person_from.startswith("column:")):
        with factory.open_gallery(data_folder(data, new=True)) as gallery:
            require_no_external_ids(gallery, collection, name_of)

    def enrol() -> Enrolment:
        with requested_by(), factory.open_gallery(data_folder(data, new=True)) as gallery:
            return gallery.enrol_people(collection, name_of)

    return enrol


def _name_rule(person_from: str, source: str) -> NameOf:
    return person_names.name_rule(person_from, source, stored_objects.Objects())


def require_no_external_ids(gallery: Gallery, collection: str, name_of: NameOf) -> None:
    """Check that no photo was indexed before with an external image id.

    Indexing such a photo without the id would store each of its faces a second time.

    Raises:
        InvalidInputError: There is such a photo.
    """
    with suppress(CollectionNotFoundError):
        for record in _records(gallery, collection):
            if record.external_image_id and name_of(record.address) is not None:
                raise InvalidInputError(
                    f"{shortened(record.source)} was already indexed with an external image id",
                    "run `facerec people enrol` instead, which indexes nothing",
                )


def _records(gallery: Gallery, collection: str) -> Iterator[FaceRecord]:
    next_token = None
    while True:
        page = gallery.list_faces(collection, next_token=next_token, limit=MAX_PAGE)
        yield from (face.record for face in page.faces)
        if (next_token := page.next_token) is None:
            return


def print_enrolment(enrolment: Enrolment) -> None:
    """Print the outcome of an enrolment: counts, changes of people, and photos without a person."""
    out = console()
    out.print(
        f"{count(enrolment.people, 'person', 'people')}, {enrolment.created:,} of them new: "
        f"{count(enrolment.associated, 'face')} added, {enrolment.unchanged:,} unchanged"
    )
    for photo in enrolment.corrected:
        now, earlier = name_or_id(photo.name, photo.user_id), shown_name(photo.earlier)
        out.print(f"  {shortened(photo.source)}: {now} instead of {earlier}")
    for user_id in enrolment.deleted:
        out.print(f"  person {shown_name(user_id)} has no photo any more, and was deleted")
    for ended in enrolment.registrations:
        earlier = shown_name(ended.earlier)
        if ended.user_id is None:
            out.print(f"  the registration of {earlier} is lost: register the person again")
        else:
            out.print(f"  the registration of {earlier} is now that of {shown_name(ended.user_id)}")
    if enrolment.nameless:
        names = ", ".join(map(shortened, enrolment.nameless_sources))
        more = ", ..." if enrolment.nameless > len(enrolment.nameless_sources) else ""
        photos = count(enrolment.nameless, "photo")
        out.print(f"  {photos} of the source got no name by this rule: {names}{more}")
    for unnamed in enrolment.unnamed:
        why = _PROBLEMS[unnamed.problem]
        out.print(f"  {shortened(unnamed.source)} got no name: {why} {unnamed.name}")
