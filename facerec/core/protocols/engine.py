"""The protocols of engines, which find and describe faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from facerec.core.attributes import FaceAttributes
    from facerec.core.faces import CohortStats
    from facerec.core.options import FaceOptions
    from facerec.core.photos import DetectedFace, PhotoFaces, UnreadablePhoto


class Cohort(Protocol):
    """Vectors of strangers, used to normalise distances."""

    @property
    def cohort_version(self) -> str:
        """Version of the cohort of ``cohort_stats``; only stats of one version can be compared."""
        ...

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """Return the stats of embeddings, float32 of shape (n, 128)."""
        ...


class FaceEngine(Cohort, Protocol):
    """Finds faces in photos and computes their embeddings."""

    @property
    def model_version(self) -> str:
        """Version of weights, alignment and recipe; only faces of one version can be compared.

        Raises:
            WeightsError: A file of a network is missing or cannot be used.
        """
        ...

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """Return the faces of each photo in order; an unreadable photo is a result, not an error.

        Args:
            photos: The bytes of image files.
            options: Options that determine how faces are found and chosen.

        Raises:
            WeightsError: A file of a network is missing or cannot be used.
        """
        ...


class AttributeEstimator(Protocol):
    """Estimates age and gender of faces that an engine has found."""

    @property
    def is_installed(self) -> bool:
        """Whether the optional networks are installed."""
        ...

    def estimate(
        self, photo: bytes, faces: Sequence[DetectedFace], options: FaceOptions
    ) -> list[FaceAttributes]:
        """Return the attributes of each face, in order.

        Args:
            photo: The bytes of the image file in which the faces were found.
            faces: The faces.
            options: The options with which the faces were found.

        Raises:
            AttributesUnavailableError: The networks are not installed.
            UnreadablePhotoError: The photo cannot be decoded.
            WeightsError: A file of a network is damaged or cannot be read.
        """
        ...
