"""The records that stores keep."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facerec.core.addresses import address_of_source
from facerec.core.ids import group_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Quality
    from facerec.core.registrations import Registration


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """A stored face without its embedding.

    Attributes:
        face_id: Lowercase UUID; its first 24 characters (``image_key``) identify the photo, unless
            the face was imported under the id of another service.
        image_id: Lowercase UUID derived from the photo's content.
        external_image_id: The caller's own name for the photo, or None.
        source: Path or ``s3://`` address of the photo as text (``storable_source``); for bytes
            ``upload://`` and a name, or "".
        box: Position of the face in the photo.
        confidence: Confidence that this is a face, 0 to 1.
        landmarks: Positions of the eyes and the nose in the photo.
        quality: Size, sharpness, brightness and pose.
        model_version: Version of the engine that computed the embedding.
        options_digest: Digest of the options for the faces of this photo.
        indexed_at: Seconds since 1970, UTC.
        stats: Cohort stats of the face; None if an earlier release stored it, or they are damaged.
    """

    face_id: str
    image_id: str
    external_image_id: str | None
    source: str
    box: BoundingBox
    confidence: float
    landmarks: Landmarks
    quality: Quality
    model_version: str
    options_digest: str
    indexed_at: float
    stats: CohortStats | None = None

    @property
    def address(self) -> str:
        """Path or ``s3://`` address at which the photo is read; for bytes, the source itself."""
        return address_of_source(self.source)


@dataclass(frozen=True, slots=True, eq=False)
class StoredFace:
    """A face with its embedding: float32, shape (128,). A repr never contains the embedding."""

    record: FaceRecord
    embedding: NDArray[np.float32] = field(repr=False)


def by_image(faces: Iterable[StoredFace]) -> dict[str, list[StoredFace]]:
    """Return faces by the image key in their ids, as ``FaceStore.put_images`` takes them."""
    images: dict[str, list[StoredFace]] = {}
    for face in faces:
        images.setdefault(group_of(face.record.face_id), []).append(face)
    return images


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of faces of one model version.

    Attributes:
        collection_id: 1 to 255 characters of ``[a-zA-Z0-9_.-]``.
        model_version: Model version of all its faces.
        created_at: Seconds since 1970, UTC.
        threshold: Default minimum similarity of a match, 0 to 1; None if the gallery's default
            applies.
        generation: Distinguishes this collection from others with the same id if its vectors are in
            a store without transactions; "" for collections that the first release created. See
            ``generation_of``.
        first_version: Model version with which it was created, if it has been migrated; else None.
        side: Number of the set of vectors that is served, if its vectors are in a store without
            transactions. See ``facerec.storage.generations``.
        standby_side: Number of the set of the version that is not served; None without a migration.
        next_side: Number of the set that is about to be served, so that vectors must not be
            written; None unless the collection is being switched.
        sides: Number of sets that the collection has had.
    """

    collection_id: str
    model_version: str
    created_at: float
    threshold: float | None = None
    generation: str = field(default="", compare=False)
    first_version: str | None = None
    side: int = field(default=0, compare=False)
    standby_side: int | None = field(default=None, compare=False)
    next_side: int | None = field(default=None, compare=False)
    sides: int = field(default=1, compare=False)

    @property
    def is_switching(self) -> bool:
        """Whether the collection is about to serve another set of vectors."""
        return self.next_side is not None

    @property
    def named_sides(self) -> frozenset[int]:
        """Numbers of the sets of vectors that are served, kept, or may be served next."""
        sides = (self.side, self.standby_side, self.next_side)
        return frozenset(side for side in sides if side is not None)

    @property
    def id_version(self) -> str:
        """The model version that ids of its photos and faces are derived from.

        A migration changes ``model_version`` and keeps the ids.
        """
        return self.first_version or self.model_version


def new_collection(
    collection_id: str, model_version: str, created_at: float, *, first_version: str | None = None
) -> Collection:
    """Return a new collection that is not stored yet."""
    return Collection(
        collection_id,
        model_version,
        created_at,
        generation=generation_of(created_at),
        first_version=first_version,
    )


def generation_of(created_at: float) -> str:
    """Return the generation of a collection: its creation time as 16 hexadecimal digits."""
    return struct.pack(">d", created_at).hex()


def creation_of(generation: str) -> float:
    """Return the creation time, in seconds since 1970, that a generation encodes.

    Raises:
        ValueError: The text is not a generation.
    """
    try:
        (created_at,) = struct.unpack(">d", bytes.fromhex(generation))
    except struct.error as error:
        raise ValueError(f"{generation!r} is not a generation") from error
    return float(created_at)


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """A statement that a stored face does not show a person.

    Attributes:
        face_id: Id of the face.
        person: User id of the person, a name in external image ids, or the id of a face; see
            ``facerec.gallery.people.corrections``.
    """

    face_id: str
    person: str


@dataclass(frozen=True, slots=True)
class User:
    """A person whose faces in a collection are known to belong together.

    Attributes:
        user_id: 1 to 128 characters of ``[a-zA-Z0-9_.:-]``.
        created_at: Seconds since 1970, UTC.
        face_ids: The associated faces, in the order of their association.
        version: Number that grows with every change of ``face_ids``.
        vector_version: The version for which the person's stored vector was computed.
        name: Display name in any script, which no other person of the collection has; None if the
            person has none.
        registration: Consent to be matched against new photos; None if there is none.
    """

    user_id: str
    created_at: float
    face_ids: tuple[str, ...] = ()
    version: int = 0
    vector_version: int = 0
    name: str | None = None
    registration: Registration | None = None


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """The answer to a request with an idempotency token.

    Attributes:
        digest: Digest of the operation and its parameters.
        answer: The answer, as JSON.
        expires_at: Seconds since 1970; after that the token is unknown.
    """

    digest: str
    answer: str
    expires_at: float
