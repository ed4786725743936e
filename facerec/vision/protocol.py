"""What the rest of facerec needs from an engine; ``facerec.vision.engine`` has the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from facerec.vision.options import FaceOptions
from facerec.vision.outcomes import PhotoFaces, UnreadablePhoto


class FaceEngine(Protocol):
    """Finds faces in photos and computes their descriptors."""

    @property
    def model_version(self) -> str:
        """Names weights, alignment and recipe; faces of different versions do not compare."""
        ...

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """Return what is in each photo, in order; never raises for what is wrong with a photo.

        Args:
            photos: the bytes of image files.
            options: how to find and choose faces.
        """
        ...
