"""Imports people from a CompreFace server or a dump: indexes their photos under their names.

An import can be killed at any time; running it again imports the photos that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from facerec.core.derived_names import derived_user_id
from facerec.core.limits import MAX_PAGE
from facerec.core.options import QualityFilter
from facerec.errors import (
    CollectionExistsError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    QuotaExceededError,
    UnreadablePhotoError,
)
from facerec.gallery.gallery import Gallery
from facerec.imports.compreface import Example
from facerec.imports.people import create_person
from facerec.imports.report import ImportReport, Unmatched, UnmatchedFace


class ExampleSource(Protocol):
    """A face recognition service of CompreFace, read from its server or from a dump."""

    @property
    def models(self) -> dict[str, int]:
        """Number of faces by the network that described them; empty if the source has none."""

    def subjects(self) -> list[str]:
        """Return the names of all people, including those without photos.

        Raises:
            AccessDeniedError: The server does not accept the key.
            NotFoundError: The server does not have this API.
            StoreUnavailableError: The server cannot be reached, or fails.
            InvalidInputError: The server does not respond like CompreFace.
        """

    def examples(self) -> Iterator[Example]:
        """Yield all saved photos.

        Raises:
            FacerecError: As ``subjects``.
        """

    def address_of(self, example: Example) -> str:
        """Return the address of a photo, for reports and messages."""

    def photo(self, example: Example) -> bytes:
        """Return a photo.

        Raises:
            ObjectNotFoundError: The source does not have the photo.
            UnreadablePhotoError: The photo cannot be read from the source.
            PhotoTooLargeError: The photo has too many bytes.
            AccessDeniedError: The server does not accept the key.
            StoreUnavailableError: The server cannot be reached, or the dump cannot be read in time.
            InvalidInputError: The dump cannot be read any more.
        """


def import_examples(
    source: ExampleSource,
    collection_id: str,
    *,
    gallery: Gallery,
    report: ImportReport,
    restore_deleted: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Index the photos of each person, and associate their faces with the person.

    CompreFace saves one face of each photo, so only the largest face is indexed. Its external image
    id consists of the ids of the person and the photo: ``ann:6b135f5b-...``.

    Args:
        source: The server or dump with the photos.
        collection_id: The collection that receives them; created if it does not exist.
        gallery: The gallery of the collection.
        report: Receives the outcome for each photo.
        restore_deleted: Whether to index faces that were deleted or erased on purpose.
        on_progress: Called with the number of photos that are done.

    Raises:
        InvalidInputError: The collection id is not valid, the server is not CompreFace, or the dump
            cannot be read any more.
        AccessDeniedError: The server does not accept the key.
        NotFoundError: The server does not have CompreFace's API.
        CollectionNotFoundError: The collection was deleted concurrently.
        ConflictError: The deletion of the collection is not finished, or there are too many
            concurrent changes.
        DeletedCollectionError: The collection was deleted, but an older copy of the database
            brought it back.
        ModelMismatchError: The collection's faces have another model version.
        ReceiptDamagedError: A copy of tombstones is damaged.
        WeightsError: A file of network weights is missing or cannot be used.
        StoreUnavailableError: A store or the server is down; run the import again later.
    """
    with suppress(CollectionExistsError):
        gallery.create_collection(collection_id)
    subjects = source.subjects()
    report.people = len(subjects)
    report.source_models = source.models
    present = _present(gallery, collection_id)
    importer = _Importer(source, collection_id, gallery, restore_deleted, set())
    with_photos: set[str] = set()
    for example in source.examples():
        on_progress(report.faces)
        report.faces += 1
        with_photos.add(example.subject)
        if _external_image_id(example) in present:
            report.present += 1
            continue
        reason = importer.import_example(example)
        if reason is None:
            report.imported += 1
            continue
        report.imported += reason is Unmatched.NOT_ASSOCIATED
        address = source.address_of(example)
        report.unmatched.append(
            UnmatchedFace(example.image_id, _external_image_id(example), reason, (address,))
        )
    # A person whose photos were all deleted here is not created again, nor one who was erased.
    others = {subject: derived_user_id(subject) for subject in subjects}
    erased = frozenset[str]()
    if not restore_deleted:
        erased = gallery.erased_people(collection_id, list(others.values()))
    for subject, user_id in others.items():
        if subject not in with_photos and user_id not in erased:
            create_person(gallery, collection_id, subject, importer.created)
    on_progress(report.faces)
    report.complete = True


@dataclass(frozen=True, slots=True)
class _Importer:
    """Imports photos, one at a time.

    Attributes:
        created: Names of people that this import has already created.
    """

    source: ExampleSource
    collection_id: str
    gallery: Gallery
    restore_deleted: bool
    created: set[str]

    def import_example(self, example: Example) -> Unmatched | None:
        """Import one photo; return why it was not imported or associated, or None if it was."""
        gallery, collection_id = self.gallery, self.collection_id
        options = gallery.defaults.index_options(max_faces=1, quality_filter=QualityFilter.NONE)
        try:
            indexed = gallery.index(
                collection_id,
                self.source.photo(example),
                external_image_id=_external_image_id(example),
                options=options,
                restore_deleted=self.restore_deleted,
            )
        except ObjectNotFoundError:
            return Unmatched.PHOTO_NOT_FOUND
        except (UnreadablePhotoError, PhotoTooLargeError):
            return Unmatched.PHOTO_UNREADABLE
        if not indexed.faces:
            return Unmatched.DELETED if indexed.photo.faces else Unmatched.NO_FACE
        face_ids = [face.record.face_id for face in indexed.faces]
        create_person(gallery, collection_id, example.subject, self.created)
        user_id = derived_user_id(example.subject)
        # CompreFace has already decided whose face it is.
        with suppress(QuotaExceededError):
            outcome = gallery.associate_faces(collection_id, user_id, face_ids, min_similarity=0.0)
            if not outcome.failed:
                return None
        return Unmatched.NOT_ASSOCIATED


def _external_image_id(example: Example) -> str:
    return f"{derived_user_id(example.subject)}:{example.image_id}"


def _present(gallery: Gallery, collection_id: str) -> set[str]:
    """Return the external image ids of the faces in a collection that have a person."""
    found: set[str] = set()
    token: str | None = None
    while True:
        page = gallery.list_faces(collection_id, next_token=token, limit=MAX_PAGE)
        found.update(
            face.record.external_image_id
            for face in page.faces
            if face.record.external_image_id is not None and face.user_id is not None
        )
        token = page.next_token
        if token is None:
            return found
