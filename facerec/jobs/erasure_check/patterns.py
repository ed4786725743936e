"""The byte patterns to search files for, except those that other data uses too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.arrays import np
from facerec.gallery.people.user_vectors import search_vectors
from facerec.jobs.erasing.photo_addresses import addresses_of_others
from facerec.storage.file_search import Columns

if TYPE_CHECKING:
    from facerec.core.protocols.records import RecordStore
    from facerec.jobs.erasure_check.traces import CheckedStores, Traces
    from facerec.storage.file_search import Pattern

START_OF_PIXELS = b"\xff\xda"
"""Marker of a JPEG file after which the pixels follow (ISO/IEC 10918-1, table B.1)."""

PIECE_BYTES = 128
"""Size in bytes of the pieces of a thumbnail that are searched for."""

SAME = 1e-6
"""Maximum Euclidean distance of two embeddings that differ only by rounding."""


def patterns_of(collection_id: str, traces: Traces) -> Iterator[tuple[Pattern, str]]:
    """Yield the patterns to search files for, each with its kind of data."""
    selection = traces.selection
    photos = selection.photos | traces.addresses
    yield from ((face_id.encode(), "face id") for face_id in selection.face_ids)
    names = (
        (selection.external_image_ids, ("external_image_id",), "external image id"),
        (photos, ("photo", "image", "uri"), "photo"),
        (map(storable_source, photos), ("source",), "photo"),
        (traces.named, ("photo", "image", "uri"), "address with the name"),
        (map(storable_source, traces.named), ("source",), "address with the name"),
        (traces.named_ids, ("external_image_id",), "external image id with the name"),
        (selection.user_ids, ("user_id", "UserId"), "user id"),
    )
    for values, keys, what in names:
        for value, key in product(values, keys):
            yield from ((pattern, what) for pattern in _named(key, value))
    # Records of killed erasures contain lists.
    lists = (
        (selection.external_image_ids, "external_image_ids", "external image id"),
        (photos, "photos", "photo"),
        (selection.user_ids, "user_ids", "user id"),
        (selection.user_ids | selection.user_names, "user_names", "name"),
    )
    for values, key, what in lists:
        yield from ((f'"{key}": [{json.dumps(value)}'.encode(), what) for value in values)
    yield from ((Columns((collection_id, each)), "user id") for each in selection.user_ids)
    # An index of the local store contains the two side by side.
    yield from (
        (Columns((collection_id, name, user_id)), "name")
        for name, user_id in product(selection.user_names, selection.user_ids)
    )
    yield from ((_bytes_of(embedding), "embedding") for embedding in traces.embeddings)
    for thumbnail in traces.thumbnails:
        yield from ((piece, "thumbnail") for piece in _pieces_of(thumbnail))


def held_by_others(collection_id: str, traces: Traces, stores: CheckedStores) -> Iterator[bytes]:
    """Yield the patterns of data that other faces, people and collections legitimately keep."""
    for other in _collections(stores.records):
        for embedding in traces.embeddings:
            if _is_held(other, embedding, stores):
                yield _bytes_of(embedding)
        if other != collection_id:
            yield from _names_in(other, traces, stores)
    for thumbnail in traces.thumbnails:
        # The same face may be stored under another external image id; no other face has it.
        if stores.thumbnails is not None and stores.thumbnails.has_thumbnail(thumbnail):
            yield from _pieces_of(thumbnail)


def addresses_held_by_others(collection_id: str, traces: Traces, stores: CheckedStores) -> set[str]:
    """Return the addresses that photos with other external image ids legitimately keep.

    Raises:
        FacerecError: A job folder that may contain addresses cannot be read.
    """
    if not traces.addresses:
        return set()
    names = traces.selection.external_image_ids
    return {
        record.address
        for record in stores.faces.all_faces(collection_id)
        if record.address in traces.addresses and record.external_image_id not in names
    } | addresses_of_others(
        stores.objects,
        stores.jobs_root,
        collection_id,
        traces.addresses,
        names,
        is_deleted=stores.erasures.find_deleted_jobs(collection_id),
    )


def _names_in(collection_id: str, traces: Traces, stores: CheckedStores) -> Iterator[bytes]:
    selection = traces.selection
    photos = selection.photos | traces.addresses | traces.named
    for record in stores.faces.all_faces(collection_id):
        if record.external_image_id in selection.external_image_ids | traces.named_ids:
            yield from _named("external_image_id", record.external_image_id)
        if record.address in photos:
            yield from _named("source", record.source)
    for user in stores.records.get_users(collection_id, sorted(selection.user_ids)):
        yield from _named("user_id", user.user_id)


def _is_held(collection_id: str, embedding: np.ndarray, stores: CheckedStores) -> bool:
    faces, migrations = stores.faces, stores.migrations
    if migrations is not None and migrations.has_standby_embedding(collection_id, embedding, SAME):
        return True
    (found,) = faces.search(collection_id, embedding[np.newaxis], limit=1, max_distance=SAME)
    return bool(
        found or search_vectors(faces, collection_id, embedding, limit=1, max_distance=SAME)
    )


def _bytes_of(embedding: np.ndarray) -> bytes:
    return embedding.astype("<f4").tobytes()


def _pieces_of(thumbnail: bytes) -> Iterator[bytes]:
    """Yield pieces of a JPEG file that no other file has.

    A database keeps a file in several pages, each with a part of it. The tables before the pixels
    are the same in all files, and so are areas of one colour, which have few different bytes.
    """
    for start in range(thumbnail.find(START_OF_PIXELS), len(thumbnail), PIECE_BYTES):
        piece = thumbnail[start : start + PIECE_BYTES]
        if len(set(piece)) > PIECE_BYTES // 4:
            yield piece


def _named(key: str, value: str | None) -> list[bytes]:
    """Return the possible serialisations of a JSON key and value."""
    texts = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
    return [
        f'"{key}":{space}{text}'.encode(errors="surrogateescape")
        for text in sorted(texts)
        for space in ("", " ")
    ]


def _collections(records: RecordStore) -> Iterator[str]:
    after = None
    while page := records.list_collections(after=after):
        yield from (collection.collection_id for collection in page)
        after = page[-1].collection_id
