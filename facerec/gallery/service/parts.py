"""What the operations of the API work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from facerec.gallery.service.photos import Buckets
from facerec.stores.protocol import FaceStore, RecordStore, RequestStore, TagStore, UserStore
from facerec.vision.options import FaceOptions
from facerec.vision.protocol import FaceEngine


class Records(RecordStore, UserStore, TagStore, RequestStore, Protocol):
    """All the records that the operations need, in one store."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running API.

    Attributes:
        engine: finds faces; several threads may use it at once.
        faces: where faces and the vectors of users are.
        records: where collections, users, tags and answered requests are.
        buckets: where photos are read that are named and not sent.
        options: how faces are found and chosen where a request does not say.
        threshold: the similarity, 0 to 1, of a match where a request does not say.
        clock: seconds since 1970.
    """

    engine: FaceEngine
    faces: FaceStore
    records: Records
    buckets: Buckets
    options: FaceOptions = field(default_factory=FaceOptions)
    threshold: float = 0.8
    clock: Callable[[], float] = time.time
