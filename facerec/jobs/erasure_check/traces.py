"""Collects the names, ids and embeddings that an erasure must remove."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from facerec.core.derived_names import readable_name
from facerec.core.erased_history import without_names
from facerec.core.erasures import Selection
from facerec.errors import FacerecError
from facerec.gallery.listing import all_history
from facerec.jobs.erasing.collection_erasure import entries_of
from facerec.jobs.erasing.folder_erasure import is_selected_face
from facerec.jobs.erasing.photo_addresses import (
    addresses_of,
    remembered_addresses,
)
from facerec.jobs.erasing.tracing import kept_by_jobs
from facerec.jobs.erasure_check.named import pattern_of, places_in_address, places_in_id
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.layout import embeddings_folder

if TYPE_CHECKING:
    from facerec.core.arrays import np
    from facerec.core.protocols.clusters import ClusterStore
    from facerec.core.protocols.migrations import MigrationStore
    from facerec.core.protocols.records import RecordStore
    from facerec.core.protocols.registrations import RegistrationStore
    from facerec.core.protocols.thumbnails import ThumbnailStore
    from facerec.core.records import StoredFace
    from facerec.gallery.receipts import Erasures
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True, repr=False)
class Traces:
    """Names, ids and embeddings that an erasure must remove. The repr does not contain them.

    Attributes:
        selection: The selection to erase, including the ids of faces in job folders.
        addresses: Addresses of the photos whose external image ids are erased.
        embeddings: The embeddings of all selected faces, float32 of shape (128,); also those of an
            unfinished migration.
        named: Addresses of the collection's photos that contain an id or name of an erased person,
            or a name that the history gives them.
        named_ids: External image ids of the collection's photos that contain such an id or name.
        thumbnails: The stored thumbnails of selected faces.
        names: The ids and names of erased people that ``named`` and ``named_ids`` contain.
        own: Addresses of the photos of all selected faces.
        own_ids: External image ids of all selected faces.
    """

    selection: Selection
    addresses: frozenset[str]
    embeddings: tuple[np.ndarray, ...]
    named: frozenset[str] = frozenset()
    named_ids: frozenset[str] = frozenset()
    thumbnails: tuple[bytes, ...] = ()
    names: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    own_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CheckedStores:
    """The stores, objects and files in which an installation keeps faces.

    Attributes:
        faces: Store of faces.
        records: Store of collections and people.
        objects: Contains job folders and other files.
        jobs_root: Parent of all job folders; ends in ``/``.
        erasures: Records of erasures, which show the deleted collections.
        roots: Folders to search, each with its final ``/``; facerec wrote all files in them. Job
            folders elsewhere are searched too.
        migrations: Store of migrations, with the standby versions of faces; None if the stores do
            not support them.
        registrations: Store of registered people and of events; None if the stores do not support
            them.
        thumbnails: Store of thumbnails; None if the stores do not support them.
        clusters: Store of clusters; None if the stores do not support them.
    """

    faces: FaceStore
    records: RecordStore
    objects: ObjectStore
    jobs_root: str
    erasures: Erasures
    roots: tuple[str, ...] = field(default=())
    migrations: MigrationStore | None = None
    registrations: RegistrationStore | None = None
    thumbnails: ThumbnailStore | None = None
    clusters: ClusterStore | None = None

    def in_clusters(self, collection_id: str, face_ids: Sequence[str]) -> bool:
        """Return whether the store of clusters has data about faces."""
        return self.clusters is not None and bool(
            self.clusters.faces_with_data(collection_id, face_ids)
        )

    def standby_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[StoredFace]:
        """Return the standby versions of faces, if a migration is unfinished."""
        if self.migrations is None:
            return []
        return self.migrations.get_standby_faces(collection_id, face_ids)

    def kept_thumbnails(self, collection_id: str, face_ids: Sequence[str]) -> tuple[bytes, ...]:
        """Return the stored thumbnails of faces."""
        if self.thumbnails is None:
            return ()
        return tuple(self.thumbnails.get_thumbnails(collection_id, face_ids).values())


def collect_traces(collection_id: str, selection: Selection, stores: CheckedStores) -> Traces:
    """Return the traces of a selection; call it before the erasure.

    Job folders and files that cannot be read are ignored: the erasure fails because of them, after
    it has erased everything else.

    Raises:
        FacerecError: A store fails.
    """
    stored = stores.faces.get_faces(collection_id, sorted(selection.face_ids))
    embeddings = {face.record.face_id: face.embedding for face in stored}
    own = {face.record.face_id: face.record for face in stored}
    folders = readable_job_folders(collection_id, stores, [])
    for entry in folders:
        for found in stores.objects.list(embeddings_folder(entry)):
            try:
                kept = read_embeddings(stores.objects, found.uri)
            except FacerecError:
                # The erasure deletes a damaged file.
                continue
            for face in kept:
                if is_selected_face(face.record, selection):
                    embeddings[face.record.face_id] = face.embedding
                    own[face.record.face_id] = face.record
    others = sorted(embeddings.keys() - selection.face_ids)
    for face in stores.faces.get_faces(collection_id, others) if others else ():
        if not is_selected_face(face.record, selection):
            # The photo of the face has since moved to another address.
            del embeddings[face.record.face_id], own[face.record.face_id]
    ids = selection.face_ids | embeddings.keys()
    standby = [face.embedding for face in stores.standby_faces(collection_id, sorted(ids))]
    names = _all_names(collection_id, selection, stores)
    return Traces(
        replace(selection, face_ids=frozenset(ids)),
        _addresses(collection_id, selection, stored, stores),
        (*embeddings.values(), *standby),
        *_named_after(collection_id, names, stored, stores, folders),
        stores.kept_thumbnails(collection_id, sorted(ids)),
        names,
        frozenset(record.address for record in own.values()),
        frozenset(record.external_image_id or "" for record in own.values()) - {""},
    )


def _addresses(
    collection_id: str, selection: Selection, stored: Iterable[StoredFace], stores: CheckedStores
) -> frozenset[str]:
    """Return the addresses of the photos whose external image ids are erased."""
    names = selection.external_image_ids
    if not names:
        return frozenset()
    only_names = Selection(external_image_ids=names)
    kept = kept_by_jobs(
        stores.objects,
        stores.jobs_root,
        collection_id,
        only_names,
        is_deleted=stores.erasures.find_deleted_jobs(collection_id),
        on_error=lambda _: None,
    )
    sources = {face.record.address for face in stored} - {""}
    return frozenset(sources | addresses_of(kept, names))


def _named_after(
    collection_id: str,
    names: Collection[str],
    stored: Iterable[StoredFace],
    stores: CheckedStores,
    folders: Collection[str],
) -> tuple[frozenset[str], frozenset[str]]:
    """Return addresses and external image ids that contain a name of an erased person as a word."""
    if not names:
        return frozenset(), frozenset()
    sought = pattern_of(names)
    remembered = remembered_addresses(
        stores.objects, stores.jobs_root, collection_id, folders, on_error=lambda _: None
    )
    pairs = {(face.record.address, face.record.external_image_id or "") for face in stored}
    pairs.update((address, name) for _, address, name in remembered)
    addresses = {address for address, _ in pairs if places_in_address(address, sought)}
    ids = {name for _, name in pairs if places_in_id(name, sought)}
    return frozenset(addresses), frozenset(ids)


def _all_names(collection_id: str, selection: Selection, stores: CheckedStores) -> frozenset[str]:
    """Return the ids and names of the selected people.

    These include earlier names, and names of people who were merged into them.
    """
    current = selection.user_ids | selection.user_names
    if not current:
        return frozenset()
    history = all_history(collection_id, records=stores.records)
    _, erased = without_names(history, people=current, face_ids=())
    return frozenset((*erased, *map(readable_name, erased)))


def readable_job_folders(
    collection_id: str, stores: CheckedStores, unreadable: list[FacerecError]
) -> list[str]:
    """Return the job folders of a collection; append the errors of unreadable ones to a list."""
    entries = entries_of(
        stores.objects,
        stores.jobs_root,
        collection_id,
        unreadable,
        is_deleted=stores.erasures.find_deleted_jobs(collection_id),
    )
    return [entry.job_folder for entry in entries]


def job_folders(collection_id: str, stores: CheckedStores) -> list[str]:
    """Return the job folders of a collection.

    Raises:
        FacerecError: A folder that may be a job folder cannot be read.
    """
    unreadable: list[FacerecError] = []
    folders = readable_job_folders(collection_id, stores, unreadable)
    if unreadable:
        raise unreadable[0]
    return folders
