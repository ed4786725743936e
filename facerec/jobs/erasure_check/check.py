"""Erases all data about somebody, and lists any data that remains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facerec.gallery.people.corrections import names_left
from facerec.gallery.people.user_vectors import has_vector
from facerec.jobs.erasing.photo_addresses import remembered_addresses
from facerec.jobs.erasure_check.files import files_of, folders_of_unknown, scan
from facerec.jobs.erasure_check.named import (
    pattern_of,
    places_in_address,
    places_in_id,
    without_shared,
)
from facerec.jobs.erasure_check.patterns import (
    addresses_held_by_others,
    held_by_others,
    patterns_of,
)
from facerec.jobs.erasure_check.traces import (
    CheckedStores,
    Traces,
    collect_traces,
    job_folders,
)
from facerec.storage.file_search import search_files
from facerec.storage.objects.protocol import scheme_of

if TYPE_CHECKING:
    from facerec.core.erasures import Receipt, Selection, SubjectKind
    from facerec.core.records import Collection
    from facerec.gallery.gallery import Gallery
    from facerec.storage.faces import FaceStore
    from facerec.storage.file_search import Pattern


EARLIER_COLLECTION = "the vectors of an earlier collection of this id"
"""Place of vectors that a killed writer stored after the collection was deleted; see
``Gallery.sweep``."""

PEOPLE = "the store of people"
"""Place of records of people, which ``Gallery.sweep`` deletes if they belong to nobody."""


@dataclass(frozen=True, slots=True)
class Remainder:
    """Data that an erasure should have removed.

    Attributes:
        place: The store, file or object that contains it.
        what: ``address with the name``, ``face id``, ``embedding``, ``thumbnail``,
            ``external image id``, ``external image id with the name``, ``photo``, ``name``,
            ``user id`` or ``vector of the person``; or several of these, such as ``user id or face
            id``.
        unknown_owner: Whether it is in a folder that may be of another collection: neither a plan
            nor the name of the folder shows its collection.
    """

    place: str
    what: str
    unknown_owner: bool = False


def erase_and_check(
    gallery: Gallery, collection_id: str, subject: SubjectKind, name: str, stores: CheckedStores
) -> tuple[Receipt, list[Remainder]]:
    """Erase all data about somebody; return the receipt and any data that is left.

    Args:
        gallery: The gallery of the stores.
        collection_id: The collection.
        subject: See ``Gallery.select``.
        name: See ``Gallery.select``.
        stores: The stores and files to check.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        FacerecError: A store fails; or a folder cannot be read, after everything else was erased.
        InvalidInputError: The name is empty, or an id is not valid.
    """
    selection = gallery.select(collection_id, subject, name, on_error=lambda _: None)
    traces = collect_traces(collection_id, selection, stores)
    receipt = gallery.erase(collection_id, subject, name)
    return receipt, list(dict.fromkeys(find_remainders(collection_id, traces, stores)))


def find_remainders(
    collection_id: str, traces: Traces, stores: CheckedStores
) -> Iterator[Remainder]:
    """Yield data that an erasure left; nothing if the erasure is complete.

    Answers of idempotency tokens that were left are deleted, too.

    Raises:
        FacerecError: A store or a folder cannot be read.
    """
    if traces.named or traces.named_ids:
        stored = [
            (face.address, face.external_image_id) for face in stores.faces.all_faces(collection_id)
        ]
        named = traces.named.difference(source for source, _ in stored)
        named_ids = traces.named_ids.difference(name for _, name in stored if name)
        sought = pattern_of(traces.names)
        of_others = [
            (source, name)
            for source, name in stored
            if source not in traces.own and name not in traces.own_ids
        ]
        traces = replace(
            traces,
            named=without_shared(
                named, (source for source, _ in of_others), sought, places_in_address
            ),
            named_ids=without_shared(
                named_ids, (name for _, name in of_others if name), sought, places_in_id
            ),
        )
    left, others = _in_memory(collection_id, traces, stores)
    yield from left
    others |= addresses_held_by_others(collection_id, traces, stores)
    traces = replace(traces, addresses=traces.addresses - others)
    held: set[Pattern] = set(held_by_others(collection_id, traces, stores))
    yield from _in_stores(collection_id, traces.selection, stores)
    patterns = [
        (pattern, what)
        for pattern, what in patterns_of(collection_id, traces)
        if pattern not in held
    ]
    unknown = tuple(folders_of_unknown(collection_id, stores))
    local: list[str] = []
    for found in files_of(collection_id, stores):
        if scheme_of(found.uri) == "file":
            # The file may be part of an open database.
            local.append(found.uri)
            continue
        # Only files of this machine can be databases.
        texts = [(text, what) for text, what in patterns if isinstance(text, bytes)]
        for what in scan(stores.objects, found, texts):
            yield Remainder(found.uri, what, found.uri.startswith(unknown))
    for path, inside in search_files(local, [pattern for pattern, _ in patterns]).items():
        for what in sorted({patterns[each][1] for each in inside}):
            yield Remainder(path, what, path.startswith(unknown))


def _in_memory(
    collection_id: str, traces: Traces, stores: CheckedStores
) -> tuple[list[Remainder], set[str]]:
    """Return data left in the remembered photos, and the addresses that legitimately remain."""
    selection, left, others = traces.selection, list[Remainder](), set[str]()
    remembered = remembered_addresses(
        stores.objects, stores.jobs_root, collection_id, job_folders(collection_id, stores)
    )
    for file, address, name in remembered:
        if address in selection.photos or name in selection.external_image_ids:
            left.append(Remainder(file, "photo"))
            continue
        others.add(address)
        if address in traces.named:
            left.append(Remainder(file, "address with the name"))
        if name in traces.named_ids:
            left.append(Remainder(file, "external image id with the name"))
    return left, others & traces.addresses


def _in_vectors(
    collection_id: str, selection: Selection, faces: FaceStore, place: str
) -> Iterator[Remainder]:
    if faces.get_faces(collection_id, sorted(selection.face_ids)):
        yield Remainder(place, "face id")
    for record in faces.all_faces(collection_id) if selection.names_photos else ():
        if record.external_image_id in selection.external_image_ids:
            yield Remainder(place, "external image id")
        if record.address in selection.photos:
            yield Remainder(place, "photo")
    if any(has_vector(faces, collection_id, user_id) for user_id in sorted(selection.user_ids)):
        yield Remainder(place, "vector of the person")


def _earlier_collections(collection_id: str, stores: CheckedStores) -> list[Collection]:
    """Return deleted collections of the same id that received faces after their deletion."""
    current = stores.records.get_collection(collection_id)
    deleted = stores.erasures.deleted_collections(collection_id)
    return [
        each
        for each in stores.faces.left_of(deleted)
        if each.collection_id == collection_id and each.created_at != current.created_at
    ]


def _in_stores(
    collection_id: str, selection: Selection, stores: CheckedStores
) -> Iterator[Remainder]:
    faces, records = stores.faces, stores.records
    ids = sorted(selection.face_ids)
    names = selection.user_ids | selection.user_names
    yield from _in_vectors(collection_id, selection, faces, "the store of faces")
    for earlier in _earlier_collections(collection_id, stores):
        yield from _in_vectors(collection_id, selection, faces.of(earlier), EARLIER_COLLECTION)
    yield from _beside_faces(collection_id, ids, stores)
    if records.users_of_faces(collection_id, ids):
        yield Remainder(PEOPLE, "face id")
    if records.get_users(collection_id, sorted(selection.user_ids)):
        yield Remainder(PEOPLE, "user id")
    if selection.user_ids and not selection.user_ids.isdisjoint(
        records.list_names(collection_id).values()
    ):
        yield Remainder(PEOPLE, "name")
    events = stores.registrations
    if events is not None and events.events_about(collection_id, selection.user_ids, ids):
        yield Remainder("the events of registered people", "user id or face id")
    corrected = records.corrections_of_people(
        collection_id, sorted(names | selection.external_image_ids)
    )
    people = {each.person for each in corrected}
    if people - names_left(collection_id, people, faces=faces, records=records):
        yield Remainder("the corrections", "name")
    if records.get_history_subjects(collection_id, [*ids, *names]):
        yield Remainder("the history of people", "name, user id or face id")
    # Leftovers are deleted, but still reported: the erasure should have removed them.
    if records.forget_answers([*ids, *selection.user_ids]):
        yield Remainder("the answers kept for idempotency tokens", "user id or face id")


def _beside_faces(
    collection_id: str, ids: Sequence[str], stores: CheckedStores
) -> Iterator[Remainder]:
    """Yield data about faces that is kept beside the faces themselves."""
    if stores.standby_faces(collection_id, ids):
        yield Remainder("the store of faces", "face id")
    if stores.kept_thumbnails(collection_id, ids):
        yield Remainder("the store of faces", "thumbnail")
    if ids and stores.in_clusters(collection_id, ids):
        yield Remainder("the clusters", "face id")
