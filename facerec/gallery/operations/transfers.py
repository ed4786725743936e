"""Operations that export a whole collection into a folder, and import it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facerec.core.batches import batches
from facerec.core.collection_settings import IMPORT_TAG, IMPORTED_TAG
from facerec.core.deferred import DeferredModule
from facerec.core.history import Entry, cause_from_json, step_from_json
from facerec.core.limits import MAX_PAGE, MAX_TAGS
from facerec.core.records import Correction, User, by_image, new_collection
from facerec.core.registrations import registration_from_text
from facerec.core.times import iso_time
from facerec.errors import (
    CollectionExistsError,
    InvalidInputError,
    ModelMismatchError,
    UserExistsError,
)
from facerec.gallery.base import GalleryBase
from facerec.gallery.deferred import cluster_copies
from facerec.gallery.deferred import exported_collection as files
from facerec.gallery.listing import all_corrections, all_history, all_users

if TYPE_CHECKING:
    from facerec.core.records import Collection, StoredFace
    from facerec.gallery.people import user_vectors
    from facerec.gallery.transfer import checking, new_folders
    from facerec.gallery.transfer.exported_collection import TransferredCollection
    from facerec.storage import face_table
    from facerec.storage.faces import FaceStore
else:
    checking = DeferredModule("facerec.gallery.transfer.checking")
    user_vectors = DeferredModule("facerec.gallery.people.user_vectors")
    face_table = DeferredModule("facerec.storage.face_table")
    new_folders = DeferredModule("facerec.gallery.transfer.new_folders")


FACES_AT_ONCE = 1000
"""Number of faces that one write stores."""


class TransferOperations(GalleryBase):
    """The operations of a gallery that export and import whole collections."""

    def export_collection(self, collection_id: str, folder: Path) -> TransferredCollection:
        """Export a collection into a new folder, which only its owner can read.

        The folder contains faces with their embeddings, people with their names and registrations,
        corrections, clusters, the history, tombstones, tags and the threshold. It contains no
        photos, thumbnails or match events. It contains biometric data. The folder appears only when
        it is complete. Do not change the collection until then.

        Args:
            collection_id: Id of the collection.
            folder: Folder to create; it may exist if it is empty.

        Raises:
            InvalidInputError: The id is not valid, the folder is not empty, its parent is not a
                folder, or the import of the collection is incomplete.
            OSError: The folder cannot be created or written.
            CollectionNotFoundError: The collection does not exist.
            ModelMismatchError: No engine of the gallery has the collection's model version.
            ConflictError: The collection was switched to another model version concurrently.
            ConfigurationError: pyarrow is not installed.
        """
        face_table.require_parquet()
        collection = self._get_comparable(collection_id)
        tags = self._records.get_tags(collection_id)
        if IMPORT_TAG in tags:
            raise InvalidInputError(
                f"the import of collection {collection_id!r} is incomplete",
                "import the same folder again to complete it, and then export the collection",
            )
        key = self._records.get_tombstone_key(collection_id)
        with new_folders.new_folder(folder) as part:
            faces = self._all_stored(collection)
            counts = {files.FACES: face_table.write_faces(part / files.FACES, faces)}
            for name in files.LINES:
                documents = self._lines(name, collection_id)
                counts[f"{name}.jsonl"] = files.write_lines(part / f"{name}.jsonl", documents)
            document = {
                "format": files.FORMAT,
                "collection_id": collection_id,
                "model_version": collection.model_version,
                "first_version": collection.first_version,
                "cohort_version": self._engine_of(collection).cohort_version,
                "created_at": iso_time(collection.created_at),
                "exported_at": iso_time(self._clock()),
                "threshold": collection.threshold,
                "tags": {name: own for name, own in tags.items() if name != IMPORTED_TAG},
                "tombstone_key": None if key is None else b64encode(key).decode(),
                "files": files.describe_files(part, counts),
            }
            files.write_lines(part / files.DESCRIPTION, [document])
        return _transferred(document)

    def import_collection(self, folder: Path) -> TransferredCollection:
        """Import a collection that ``export_collection`` has written, under the same id.

        Everything is checked before anything is stored. After an interruption, the same call
        completes the import; until then the collection has a tag that shows this. Importing the
        same export again changes nothing.

        Args:
            folder: The exported folder.

        Raises:
            InvalidInputError: The folder is not a complete export, has been changed since the
                export, contradicts itself, or was exported by a later release or with another
                cohort.
            ModelMismatchError: No engine of the gallery has the model version of the export.
            CollectionExistsError: A collection of this id exists that no import of this export has
                created.
            ConflictError: The imported people are changed concurrently.
            ReadTimedOutError: The file system of the folder does not answer.
            ConfigurationError: pyarrow is not installed.
        """
        face_table.require_parquet()
        document = files.read_description(folder)
        described = new_collection(document["collection_id"], document["model_version"], 0.0)
        engine = self._engine_of(described)
        if document["model_version"] != engine.model_version:
            raise ModelMismatchError(self.model_version, document["model_version"])
        if document["cohort_version"] != engine.cohort_version:
            raise InvalidInputError(
                f"the faces were exported with cohort {document['cohort_version']!r}, but this "
                f"engine has {engine.cohort_version!r}",
                "import them with the release of facerec that exported them",
            )
        checking.check_contents(folder, document)
        digest = files.digest_of(folder)
        collection = self._begin_import(document, digest)
        if collection is None:
            return replace(_transferred(document), already_imported=True)
        self._import_tombstones(collection, document, folder)
        faces = self._faces.of(collection)
        for batch in face_table.read_faces(folder / files.FACES):
            _store(collection.collection_id, batch, faces)
        self._import_people(collection, folder, faces)
        self._import_clusters(collection, folder)
        self._import_history(collection, folder)
        self._records.set_threshold(collection.collection_id, document["threshold"])
        self._records.change_tags(
            collection.collection_id,
            put={IMPORTED_TAG: digest},
            remove=[IMPORT_TAG],
            limit=MAX_TAGS,
        )
        return _transferred(document)

    def _all_stored(self, collection: Collection) -> Iterator[StoredFace]:
        collection_id = collection.collection_id
        after = None
        while page := self._faces.list_faces(collection_id, after=after, limit=FACES_AT_ONCE):
            ids = [record.face_id for record in page]
            yield from self._faces.of(collection).get_faces(collection_id, ids)
            after = ids[-1]

    def _lines(self, name: str, collection_id: str) -> Iterator[dict[str, Any]]:
        """Yield the documents of a file of JSON lines."""
        readers = {
            "people": self._people_lines,
            "corrections": self._correction_lines,
            "clusters": self._cluster_lines,
            "not-faces": self._not_face_lines,
            "history": self._history_lines,
            "tombstones": self._tombstone_lines,
        }
        return readers[name](collection_id)

    def _correction_lines(self, collection_id: str) -> Iterator[dict[str, Any]]:
        for each in all_corrections(collection_id, records=self._records):
            yield {"face_id": each.face_id, "person": each.person}

    def _not_face_lines(self, collection_id: str) -> Iterator[dict[str, Any]]:
        if self._clusters is not None:
            for face_id in self._clusters.list_not_faces(collection_id):
                yield {"face_id": face_id}

    def _tombstone_lines(self, collection_id: str) -> Iterator[dict[str, Any]]:
        after = None
        while page := self._records.list_tombstones(collection_id, after=after):
            for photo, places in sorted(page.items()):
                yield {"photo": photo, "places": sorted(places)}
            after = max(page)

    def _people_lines(self, collection_id: str) -> Iterator[dict[str, Any]]:
        for user in all_users(collection_id, records=self._records):
            yield {
                "user_id": user.user_id,
                "name": user.name,
                "created_at": user.created_at,
                "face_ids": list(user.face_ids),
                "registration": None if user.registration is None else user.registration.to_text(),
            }

    def _cluster_lines(self, collection_id: str) -> Iterator[dict[str, Any]]:
        if self._clusters is None:
            return
        for cluster in cluster_copies.all_clusters(
            collection_id, clusters=self._clusters, faces=self._faces
        ):
            yield {
                "number": cluster.number,
                "face_ids": list(cluster.face_ids),
                "ignored": cluster.ignored,
            }

    def _history_lines(self, collection_id: str) -> Iterator[dict[str, Any]]:
        for entry in all_history(collection_id, records=self._records):
            steps = [step.to_json() for step in entry.steps]
            yield {"cause": entry.cause.to_json(), "steps": steps}

    def _begin_import(self, document: dict[str, Any], digest: str) -> Collection | None:
        """Create the collection, or return the one of an interrupted import of the same folder.

        Returns:
            None if an import of the same folder was complete.

        Raises:
            CollectionExistsError: A collection of this id exists that no import of this folder has
                created.
        """
        collection = new_collection(
            document["collection_id"],
            document["model_version"],
            self._clock(),
            first_version=document.get("first_version"),
        )
        tags = {**document["tags"], IMPORT_TAG: digest}
        try:
            self._records.create_collection(collection, tags=tags)
        except CollectionExistsError as error:
            known = self._records.get_tags(collection.collection_id)
            if known.get(IMPORTED_TAG) == digest:
                return None
            if known.get(IMPORT_TAG) != digest:
                error.hint = (
                    "the import of another export into it is incomplete: complete that import, or "
                    "delete the collection first"
                    if IMPORT_TAG in known
                    else "it is not known to come from this export: delete it first, or import "
                    "into another store"
                )
                raise
            return self._records.get_collection(collection.collection_id)
        return collection

    def _import_tombstones(
        self, collection: Collection, document: dict[str, Any], folder: Path
    ) -> None:
        if document["tombstone_key"] is None:
            return
        key = b64decode(document["tombstone_key"])
        self._records.create_tombstone_key(collection.collection_id, key)
        for each in files.read_lines(folder, "tombstones"):
            places = {each["photo"]: frozenset(each["places"])}
            self._records.put_tombstones(collection.collection_id, places)

    def _import_people(self, collection: Collection, folder: Path, faces: FaceStore) -> None:
        collection_id = collection.collection_id
        for each in files.read_lines(folder, "people"):
            registration = registration_from_text(each.get("registration"))
            user = User(
                each["user_id"], each["created_at"], name=each["name"], registration=registration
            )
            with suppress(UserExistsError):
                self._records.create_user(collection_id, user)
            known = self._records.get_user(collection_id, user.user_id)
            added = [face_id for face_id in each["face_ids"] if face_id not in known.face_ids]
            if added:
                known = self._records.change_user(
                    collection_id, user.user_id, version=known.version, add=added
                )
            if known.vector_version != known.version:
                user_vectors.refresh_vector(faces, self._records, collection_id, known)
        lines = files.read_lines(folder, "corrections")
        corrected = (Correction(each["face_id"], each["person"]) for each in lines)
        for batch in batches(corrected, MAX_PAGE):
            self._records.add_corrections(collection_id, batch)

    def _import_clusters(self, collection: Collection, folder: Path) -> None:
        """Restore clusters under their numbers, if the stores support clusters."""
        if self._clusters is None:
            return
        cluster_copies.restore_clusters(
            collection.collection_id,
            [
                cluster_copies.ClusterCopy(each["number"], tuple(each["face_ids"]), each["ignored"])
                for each in files.read_lines(folder, "clusters")
            ],
            [each["face_id"] for each in files.read_lines(folder, "not-faces")],
            clusters=self._clusters,
            faces=self._faces,
        )

    def _import_history(self, collection: Collection, folder: Path) -> None:
        entries = [
            Entry(cause_from_json(each["cause"]), tuple(map(step_from_json, each["steps"])))
            for each in files.read_lines(folder, "history")
        ]
        self._records.put_history(collection.collection_id, entries)


def _store(collection_id: str, batch: list[StoredFace], faces: FaceStore) -> None:
    # The faces of a photo may be in two batches.
    faces.add_to_images(collection_id, by_image(batch))


def _transferred(document: dict[str, Any]) -> TransferredCollection:
    entries = {each["name"]: each["entries"] for each in document["files"]}
    return files.TransferredCollection(
        document["collection_id"],
        entries[files.FACES],
        entries["people.jsonl"],
        entries["corrections.jsonl"],
        entries["history.jsonl"],
    )
