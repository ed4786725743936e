"""Proves that nothing is left of what was erased, by scanning every store, object and file.

What is erased is collected first, with the embeddings that are known of it. After the erasure,
the stores are asked for it, and every file is searched for its bytes: unused pages of a database
and its log too. What another collection or another face holds by right does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from facerec.core.erasures import Receipt, Selection, SubjectKind
from facerec.core.limits import MAX_PAGE
from facerec.core.protocols.records import RecordStore
from facerec.core.records import FaceRecord, StoredFace
from facerec.errors import FacerecError, ObjectNotFoundError
from facerec.gallery.gallery import Gallery
from facerec.gallery.user_vectors import search_vectors
from facerec.jobs.deletion import is_own_file
from facerec.jobs.erasure import entries_of
from facerec.jobs.folder_erasure import is_selected_face
from facerec.jobs.folders import list_entries
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.layout import embeddings_folder
from facerec.jobs.photo_addresses import (
    addresses_of,
    addresses_of_others,
    remembered_addresses,
)
from facerec.jobs.plan import read_collection_id
from facerec.jobs.tracing import find_in_jobs
from facerec.storage.faces import FaceStore
from facerec.storage.file_search import search_files
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore, scheme_of

SCANNED_AT_ONCE = 16 * 1024 * 1024
"""Bytes of a file in memory."""

SAME = 1e-6
"""Maximum Euclidean distance of two embeddings that are the same but for rounding."""


@dataclass(frozen=True, slots=True, repr=False)
class Traces:
    """What an erasure must leave nowhere. A repr never contains a name or an embedding.

    Attributes:
        selection: what is erased; with the ids of the faces that job folders keep.
        addresses: addresses of the photos of the external image ids that are erased.
        embeddings: float32 of shape (128,), of all these faces.
    """

    selection: Selection
    addresses: frozenset[str]
    embeddings: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class Remainder:
    """Something that an erasure has left.

    Attributes:
        place: the store, file or object that holds it.
        what: ``face id``, ``embedding``, ``external image id``, ``photo`` or ``user id``.
    """

    place: str
    what: str


@dataclass(frozen=True, slots=True)
class CheckedStores:
    """Where an installation keeps what is known of faces.

    Attributes:
        faces: store of faces.
        records: store of collections and users.
        objects: contains job folders and other files.
        jobs_root: parent of all job folders; ends in ``/``.
        roots: folders that are searched, each with its final ``/``: all files in them are
            facerec's. Job folders elsewhere are searched as well.
    """

    faces: FaceStore
    records: RecordStore
    objects: ObjectStore
    jobs_root: str
    roots: tuple[str, ...] = field(default=())


def erase_and_check(
    gallery: Gallery, collection_id: str, subject: SubjectKind, name: str, stores: CheckedStores
) -> tuple[Receipt, list[Remainder]]:
    """Erase whatever is known of somebody, and return the receipt and what is left.

    Args:
        gallery: the gallery of the stores.
        collection_id: the collection.
        subject: as of ``Gallery.erase``.
        name: likewise.
        stores: where everything is kept.

    Raises:
        CollectionNotFoundError: the collection does not exist.
        FacerecError: a store or a folder cannot be read.
    """
    selection = gallery.select(collection_id, subject, name)
    traces = collect_traces(collection_id, selection, stores)
    receipt = gallery.erase(collection_id, subject, name)
    return receipt, list(dict.fromkeys(find_remainders(collection_id, traces, stores)))


def collect_traces(collection_id: str, selection: Selection, stores: CheckedStores) -> Traces:
    """Return what must be left nowhere, before it is erased.

    Raises:
        FacerecError: a job folder cannot be read.
    """
    stored = stores.faces.get_faces(collection_id, sorted(selection.face_ids))
    embeddings = {face.record.face_id: face.embedding for face in stored}
    for entry in _entries(collection_id, stores):
        for found in stores.objects.list(embeddings_folder(entry)):
            try:
                kept = read_embeddings(stores.objects, found.uri)
            except FacerecError:
                # The erasure deletes a damaged file.
                continue
            for face in kept:
                if is_selected_face(face.record, selection):
                    embeddings[face.record.face_id] = face.embedding
    ids = selection.face_ids | embeddings.keys()
    return Traces(
        replace(selection, face_ids=frozenset(ids)),
        _addresses(collection_id, selection, stored, stores),
        tuple(embeddings.values()),
    )


def _addresses(
    collection_id: str, selection: Selection, stored: Iterable[StoredFace], stores: CheckedStores
) -> frozenset[str]:
    """Return the addresses of the photos of the external image ids that are erased."""
    names = selection.external_image_ids
    if not names:
        return frozenset()
    only_names = Selection(external_image_ids=names)
    kept = find_in_jobs(stores.objects, stores.jobs_root, collection_id, only_names)
    sources = {face.record.source for face in stored} - {""}
    return frozenset(sources | addresses_of(kept, names))


def find_remainders(
    collection_id: str, traces: Traces, stores: CheckedStores
) -> Iterator[Remainder]:
    """Yield what is left of something that was erased; nothing if the erasure is complete.

    Raises:
        FacerecError: a store or a folder cannot be read.
    """
    left, others = _in_memory(collection_id, traces, stores)
    yield from left
    others |= _addresses_of_others(collection_id, traces, stores)
    traces = replace(traces, addresses=traces.addresses - others)
    held = set(_held_by_others(collection_id, traces, stores))
    yield from _in_stores(collection_id, traces.selection, stores)
    patterns = [
        (pattern, what) for pattern, what in _patterns(collection_id, traces) if pattern not in held
    ]
    local: list[str] = []
    for found in _files(collection_id, stores):
        if scheme_of(found.uri) == "file":
            # It may be part of a database that is open.
            local.append(found.uri)
            continue
        for what in _scan(stores.objects, found, patterns):
            yield Remainder(found.uri, what)
    for path, inside in search_files(local, [pattern for pattern, _ in patterns]).items():
        for what in sorted({patterns[each][1] for each in inside}):
            yield Remainder(path, what)


def _in_memory(
    collection_id: str, traces: Traces, stores: CheckedStores
) -> tuple[list[Remainder], set[str]]:
    """Return what is left in what is remembered of photos, and the addresses held by right."""
    selection, left, others = traces.selection, list[Remainder](), set[str]()
    remembered = remembered_addresses(
        stores.objects, stores.jobs_root, collection_id, _entries(collection_id, stores)
    )
    for file, address, name in remembered:
        if address in selection.photos or name in selection.external_image_ids:
            left.append(Remainder(file, "photo"))
        else:
            others.add(address)
    return left, others & traces.addresses


def _addresses_of_others(collection_id: str, traces: Traces, stores: CheckedStores) -> set[str]:
    """Return the addresses that photos with other external image ids hold by right."""
    if not traces.addresses:
        return set()
    names = traces.selection.external_image_ids
    return {
        record.source
        for record in _all_faces(collection_id, stores.faces)
        if record.source in traces.addresses and record.external_image_id not in names
    } | addresses_of_others(
        stores.objects, stores.jobs_root, collection_id, traces.addresses, names
    )


def _held_by_others(collection_id: str, traces: Traces, stores: CheckedStores) -> Iterator[bytes]:
    """Yield the patterns of what other faces, users and collections still hold."""
    for other in _collections(stores.records):
        for embedding in traces.embeddings:
            if _is_held(other, embedding, stores.faces):
                yield _bytes_of(embedding)
        if other != collection_id:
            yield from _names_in(other, traces, stores)
    for user_id in traces.selection.user_ids:
        # Of "ann" and "anna", one begins with the other.
        following = stores.records.list_users(collection_id, after=user_id, limit=1)
        if following and following[0].user_id.startswith(user_id):
            yield _in_row(collection_id, user_id)


def _names_in(collection_id: str, traces: Traces, stores: CheckedStores) -> Iterator[bytes]:
    selection = traces.selection
    photos = selection.photos | traces.addresses
    for record in _all_faces(collection_id, stores.faces):
        if record.external_image_id in selection.external_image_ids:
            yield from _named("external_image_id", record.external_image_id)
        if record.source in photos:
            yield from _named("source", record.source)
    for user in stores.records.get_users(collection_id, sorted(selection.user_ids)):
        yield from _named("user_id", user.user_id)


def _is_held(collection_id: str, embedding: np.ndarray, faces: FaceStore) -> bool:
    (found,) = faces.search(collection_id, embedding[np.newaxis], top=1, max_distance=SAME)
    return bool(
        found or search_vectors(faces, collection_id, embedding, limit=1, max_distance=SAME)
    )


def _in_stores(
    collection_id: str, selection: Selection, stores: CheckedStores
) -> Iterator[Remainder]:
    faces, records = stores.faces, stores.records
    ids = sorted(selection.face_ids)
    if faces.get_faces(collection_id, ids):
        yield Remainder("the store of faces", "face id")
    for record in _all_faces(collection_id, faces) if selection.names_photos else ():
        if record.external_image_id in selection.external_image_ids:
            yield Remainder("the store of faces", "external image id")
        if record.source in selection.photos:
            yield Remainder("the store of faces", "photo")
    if records.users_of_faces(collection_id, ids):
        yield Remainder("the store of users", "face id")
    if records.get_users(collection_id, sorted(selection.user_ids)):
        yield Remainder("the store of users", "user id")
    # What is found is deleted, and still reported: the erasure should have done so.
    if records.forget_answers([*ids, *selection.user_ids]):
        yield Remainder("the answers of idempotency tokens", "user id or face id")


def _patterns(collection_id: str, traces: Traces) -> Iterator[tuple[bytes, str]]:
    """Yield what files are searched for, and what it is."""
    selection = traces.selection
    yield from ((face_id.encode(), "face id") for face_id in selection.face_ids)
    names = (
        (selection.external_image_ids, ("external_image_id",), "external image id"),
        (selection.photos | traces.addresses, ("source", "photo", "image", "uri"), "photo"),
        (selection.user_ids, ("user_id", "UserId"), "user id"),
    )
    for values, keys, what in names:
        for value, key in product(values, keys):
            yield from ((pattern, what) for pattern in _named(key, value))
    yield from ((_in_row(collection_id, user_id), "user id") for user_id in selection.user_ids)
    # An index of the local store has the two side by side.
    yield from (
        (f"{collection_id}{name}{user_id}".encode(), "name")
        for name, user_id in product(selection.user_names, selection.user_ids)
    )
    yield from ((_bytes_of(embedding), "embedding") for embedding in traces.embeddings)


def _bytes_of(embedding: np.ndarray) -> bytes:
    return embedding.astype("<f4").tobytes()


def _in_row(collection_id: str, user_id: str) -> bytes:
    """Return a user as it is in a database, where the columns of a row follow each other."""
    return f"{collection_id}{user_id}".encode()


def _named(key: str, value: str | None) -> list[bytes]:
    """Return a member of JSON as it may be written."""
    texts = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
    return [
        f'"{key}":{space}{text}'.encode(errors="surrogateescape")
        for text in sorted(texts)
        for space in ("", " ")
    ]


def _files(collection_id: str, stores: CheckedStores) -> Iterator[ObjectInfo]:
    """Yield the files of an installation without the job folders of other collections."""
    own = _entries(collection_id, stores)
    foreign = tuple(_foreign_folders(collection_id, stores))
    for root in stores.roots:
        for found in stores.objects.list(root):
            if not found.uri.startswith(foreign):
                yield found
    for folder in own:
        if not folder.startswith(stores.roots):
            for found in stores.objects.list(folder):
                if is_own_file(found.uri.removeprefix(folder)):
                    yield found


def _foreign_folders(collection_id: str, stores: CheckedStores) -> Iterator[str]:
    for entry in list_entries(stores.objects, stores.jobs_root):
        try:
            if read_collection_id(stores.objects, entry.job_folder) != collection_id:
                yield entry.job_folder
        except FacerecError:
            # What cannot be read is searched.
            continue


def _entries(collection_id: str, stores: CheckedStores) -> list[str]:
    """Return the job folders of a collection.

    Raises:
        FacerecError: a folder that may be one cannot be read.
    """
    unreadable: list[FacerecError] = []
    entries = entries_of(stores.objects, stores.jobs_root, collection_id, unreadable)
    folders = [entry.job_folder for entry in entries]
    if unreadable:
        raise unreadable[0]
    return folders


def _scan(
    objects: ObjectStore, found: ObjectInfo, patterns: Sequence[tuple[bytes, str]]
) -> Iterator[str]:
    """Yield what a file contains, each kind once."""
    overlap = max((len(pattern) for pattern, _ in patterns), default=1) - 1
    seen: set[str] = set()
    for content in _pieces(objects, found, overlap):
        for pattern, what in patterns:
            if what not in seen and pattern in content:
                seen.add(what)
                yield what


def _pieces(objects: ObjectStore, found: ObjectInfo, overlap: int) -> Iterator[bytes]:
    for start in range(0, found.size, SCANNED_AT_ONCE):
        try:
            yield objects.read(
                found.uri, start=max(0, start - overlap), end=start + SCANNED_AT_ONCE
            )
        except ObjectNotFoundError:
            # deleted since it was listed
            return


def _collections(records: RecordStore) -> Iterator[str]:
    after = None
    while page := records.list_collections(after=after):
        yield from (collection.collection_id for collection in page)
        after = page[-1].collection_id


def _all_faces(collection_id: str, faces: FaceStore) -> Iterable[FaceRecord]:
    after = None
    while page := faces.list_faces(collection_id, after=after, limit=MAX_PAGE):
        yield from page
        after = page[-1].face_id
