"""Types of the input and the results of imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facerec.core.arrays import np
    from facerec.core.faces import BoundingBox

MIN_SHARED = 0.4
"""Minimum intersection over union of two boxes of the same face. For a box of dlib's network and
one of Rekognition's, it is about 0.7; boxes of two faces rarely overlap at all."""


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A face as another service's collection lists it.

    Attributes:
        face_id: Id of the face there, a lowercase UUID.
        image_id: Id of the photo there, a lowercase UUID.
        external_image_id: The caller's own name for the photo, or None.
        box: Position of the face in the photo.
        user_id: The person that it is associated with, or None.
    """

    face_id: str
    image_id: str
    external_image_id: str | None
    box: BoundingBox
    user_id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NamedEmbedding:
    """An embedding of dlib's network that another program computed.

    Attributes:
        name: Name of the person; it may contain any characters.
        embedding: float32, shape (128,).
    """

    name: str
    embedding: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImportedPhoto:
    """The outcome of importing a photo's known faces; faces in none of the sets were not found.

    Attributes:
        imported: Ids of the faces that the collection now contains.
        in_use: Ids that already belong to faces of other photos.
        indexed: Ids of faces that the collection already contains under ids of its own.
        deleted: Ids of faces that were deleted from the collection on purpose.
    """

    imported: frozenset[str] = frozenset()
    in_use: frozenset[str] = frozenset()
    indexed: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ImportedEmbeddings:
    """The outcome of importing embeddings.

    Attributes:
        face_ids: Ids of the faces, in the order of the embeddings.
        deleted: Ids of the faces that were deleted from the collection on purpose, and stay
            deleted.
    """

    face_ids: tuple[str, ...]
    deleted: frozenset[str] = frozenset()
