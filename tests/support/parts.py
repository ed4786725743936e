"""A service in miniature: the fake engine and a real store, with photos indexed the real way."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from facerec.core.options import FaceOptions
from facerec.core.protocols import FaceEngine
from facerec.core.records import StoredFace
from facerec.gallery.collections import obtain_collection
from facerec.gallery.comparing import Comparison, compare
from facerec.gallery.indexing import name_image, to_stored_faces
from facerec.gallery.matching import MatchResult, match
from facerec.gallery.photos import look_at
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine


@dataclass
class FakeService:
    """The parts that operations take, and the shortest way to call them in tests."""

    store: SqliteStore
    engine: FaceEngine = field(default_factory=FakeEngine)

    @classmethod
    def in_folder(cls, folder: Path) -> FakeService:
        return cls(SqliteStore(folder / "facerec.db"))

    def index(
        self,
        photo: bytes,
        *,
        collection_id: str = "staff",
        external_image_id: str | None = None,
        source: str = "",
        now: float = 1_700_000_000.0,
        options: FaceOptions = FaceOptions(),  # noqa: B008 - frozen
    ) -> list[StoredFace]:
        version = self.engine.model_version
        obtain_collection(collection_id, model_version=version, now=now, records=self.store)
        image = name_image(
            collection_id,
            photo,
            external_image_id=external_image_id,
            source=source,
            model_version=version,
        )
        faces = to_stored_faces(
            image,
            look_at(photo, engine=self.engine, options=options),
            settings=options.digest(),
            model_version=version,
            now=now,
        )
        self.store.put_images(collection_id, {image.image_key: faces})
        return faces

    def match(
        self, photo: bytes, *, collection_id: str = "staff", **settings: object
    ) -> MatchResult:
        return match(
            photo,
            collection_id=collection_id,
            engine=self.engine,
            records=self.store,
            faces=self.store,
            **settings,  # type: ignore[arg-type]
        )

    def compare(self, source: bytes, target: bytes, **settings: object) -> Comparison:
        return compare(source, target, engine=self.engine, **settings)  # type: ignore[arg-type]
