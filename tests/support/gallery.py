"""A gallery over the fake engine and a real store, with every collaborator at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from facerec.core.collection_settings import CollectionSettings
from facerec.core.erasures import ErasedJob, KeptByJob, Selection
from facerec.core.protocols.clusters import ClusterStore
from facerec.core.protocols.engine import AttributeEstimator, FaceEngine
from facerec.core.protocols.migrations import MigrationStore
from facerec.core.protocols.records import RecordStore
from facerec.core.protocols.registrations import RegistrationStore
from facerec.core.protocols.thumbnails import ThumbnailStore
from facerec.core.records import Collection
from facerec.core.tombstone_copies import TombstoneCopy
from facerec.gallery.defaults import GalleryDefaults
from facerec.gallery.gallery import Gallery
from facerec.gallery.receipts import Erasures
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.faces import FaceStore
from facerec.storage.generations import FacesByGeneration
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore
from facerec.storage.sqlite import SqliteStore
from facerec.storage.standby_sides import StandbySides
from facerec.testing.engine import FakeEngine
from tests.support.memory_objects import MemoryObjects

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that tests set forward."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class RecordedJobData:
    """Remembers what a gallery asks job data for, and what to forget."""

    def __init__(self) -> None:
        self.forgotten: list[object] = []
        self.read: list[Selection] = []
        self.imports = False

    def forget(
        self, collection_id: str, selection: Selection, *, on_error: object = None
    ) -> list[ErasedJob]:
        del on_error
        whole = selection.erases_collection
        faces = sorted(selection.face_ids)
        self.forgotten.append(collection_id if whole else (collection_id, faces))
        return []

    def creations(self, _collection_id: str) -> frozenset[float]:
        return frozenset()

    def sweep(self, *_: object, **__: object) -> frozenset[str]:
        return frozenset()

    def is_importing(self, _collection_id: str, _created_at: float) -> bool:
        return False

    def has_import(self, _collection_id: str, _created_at: float) -> bool:
        return self.imports

    def get(
        self,
        _collection_id: str,
        selection: Selection,
        *,
        with_faces: bool = True,
        on_error: object = None,
    ) -> list[KeptByJob]:
        del with_faces, on_error
        self.read.append(selection)
        return []

    def keep_tombstones(self, _collection: Collection, _copy: TombstoneCopy) -> None:
        """Keep nothing: there are no jobs."""

    def tombstone_key(self, _collection_id: str) -> None:
        """Return none: there are no jobs."""

    def drop_lifted_tombstones(self, _collection_id: str, _records: RecordStore) -> None:
        """Keep nothing: there are no jobs."""

    def keep_settings(self, _collection: Collection, _settings: CollectionSettings) -> None:
        """Keep nothing: there are no jobs."""

    def count_lost(self, *_stores: object) -> int:
        """Return 0: there are no jobs."""
        return 0

    def change_version(self, _collection: Collection, _get_faces: object) -> tuple[int, int]:
        """Change nothing: there are no jobs."""
        return 0, 0


@dataclass
class Collaborators:
    """What a gallery works with; tests replace one and open another gallery."""

    faces: FaceStore
    records: RecordStore
    engine: FaceEngine = field(default_factory=FakeEngine)
    objects: ObjectStore = field(default_factory=LocalObjects)
    job_data: Any = field(default_factory=RecordedJobData)
    erasures: Erasures = field(default_factory=lambda: Erasures(MemoryObjects(), "erasures/"))
    clock: Clock = field(default_factory=Clock)
    attributes: AttributeEstimator | None = None
    defaults: GalleryDefaults = field(default_factory=GalleryDefaults)
    clusters: ClusterStore | None = None
    migrations: MigrationStore | None = None
    registrations: RegistrationStore | None = None
    thumbnails: ThumbnailStore | None = None
    keep_thumbnails: bool = False
    recipes: dict[str, FaceEngine] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Path, **others: Any) -> Collaborators:  # noqa: ANN401 - fields
        store = SqliteStore(folder / "facerec.db")
        optional = ("clusters", "migrations", "registrations", "thumbnails")
        own = dict.fromkeys(optional, store)
        return cls(store, store, **{**own, **others})

    @classmethod
    def in_two_services(
        cls,
        folder: Path,
        client: Any,  # noqa: ANN401 - boto3 has no types
        **others: Any,  # noqa: ANN401 - fields
    ) -> Collaborators:
        """Keep records in DynamoDB, and vectors in a store that shares no transaction with it."""
        records = DynamoDBStore(client, "facerec")
        faces = FacesByGeneration(SqliteStore(folder / "vectors.db").vectors, records)
        own = {"migrations": StandbySides(faces, records), "registrations": records}
        return cls(faces, records, **{**own, **others})

    def gallery(self) -> Gallery:
        return Gallery(
            self.engine,
            recipes=self.recipes,
            faces=self.faces,
            records=self.records,
            clusters=self.clusters,
            migrations=self.migrations,
            registrations=self.registrations,
            thumbnails=self.thumbnails,
            keep_thumbnails=self.keep_thumbnails,
            objects=self.objects,
            job_data=self.job_data,
            erasures=self.erasures,
            defaults=self.defaults,
            clock=self.clock,
            attributes=self.attributes,
        )
