"""What the operations of the API work with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from facerec.core.options import FaceOptions
from facerec.core.protocols import (
    FaceEngine,
    FaceStore,
    RecordStore,
    RequestStore,
    TagStore,
    UserStore,
)
from facerec.storage.objects.protocol import ObjectStore


class Records(RecordStore, UserStore, TagStore, RequestStore, Protocol):
    """All the records that the operations need, in one store."""


class Copies(Protocol):
    """What is kept of faces beside the store, as in the folders of jobs."""

    def forget_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Delete what is kept of faces."""
        ...

    def forget_collection(self, collection_id: str) -> None:
        """Delete what is kept of all faces of a collection."""
        ...


class NoCopies:
    """Says that nothing is kept of faces but in the store."""

    def forget_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        """Do nothing."""

    def forget_collection(self, collection_id: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running API.

    Attributes:
        engine: finds faces; several threads may use it at once.
        faces: where faces and the vectors of users are.
        records: where collections, users, tags and answered requests are.
        photos: where photos are read that are named and not sent; only what callers may read.
        sources: where the photos of stored faces are read, if not in ``photos``.
        options: how faces are found and chosen where a request does not say.
        threshold: the similarity, 0 to 1, of a match where a request does not say.
        copies: forgets what is kept of deleted faces elsewhere.
        clock: seconds since 1970.
    """

    engine: FaceEngine
    faces: FaceStore
    records: Records
    photos: ObjectStore
    sources: ObjectStore | None = None
    options: FaceOptions = field(default_factory=FaceOptions)
    threshold: float = 0.8
    copies: Copies = field(default_factory=NoCopies)
    clock: Callable[[], float] = time.time
