"""The engine: finds the faces of photos and computes their embeddings, with dlib's networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facerec.core.faces import BoundingBox, CohortStats
from facerec.core.options import FaceOptions, Recipe
from facerec.core.photos import DetectedFace, PhotoFaces, UnreadablePhoto
from facerec.engine.decode.decoding import DecodedPhoto, decode
from facerec.engine.describe.alignment import FACE_IN_CHIP
from facerec.engine.describe.cohort import Cohort
from facerec.engine.describe.pose import PoseEstimator
from facerec.engine.describe.quality import assess
from facerec.engine.describe.recipe import VIEWS
from facerec.engine.describe.selection import rejection_reasons, remedies
from facerec.engine.describe.version import model_version
from facerec.engine.detect.confidence import confidence
from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.detectors import face_pixels
from facerec.engine.detect.orientation import (
    turned,
)
from facerec.engine.finding import FaceFinder
from facerec.engine.photos import AlignedFace, AlignedPhoto, LocatedPhoto
from facerec.engine.smallest_face import MIN_KEPT_SHARE, effective_smallest_face
from facerec.engine.turning import turned_back

if TYPE_CHECKING:
    import dlib

    from facerec.engine.describe.alignment import Aligner
    from facerec.engine.describe.embedder import Embedder

MAX_HELD_BYTES = 64 * 1024 * 1024
"""Approximate maximum size, in bytes, of the decoded photos that wait for alignment."""


def open_engine(*, threads: int | None = None, recipe: Recipe = Recipe.FAST) -> Engine:
    """Return an engine that loads each network when it is first needed.

    Args:
        threads: Number of threads per network run; None for all cores of this process. Worker
            processes that share a machine should each use one.
        recipe: The views of a face from which its embedding is computed.
    """
    return Engine(threads=threads, recipe=recipe)


class Engine:
    """Finds faces and computes their embeddings; implements ``FaceEngine``."""

    def __init__(self, *, threads: int | None = None, recipe: Recipe = Recipe.FAST) -> None:
        self._threads = threads
        self._recipe = recipe
        self._finder = FaceFinder(threads=threads)

    @cached_property
    def model_version(self) -> str:
        """Version of weights, alignment and recipe; only faces of one version can be compared.

        Raises:
            WeightsError: dlib's weights are missing or cannot be used.
        """
        return model_version(self._recipe)

    @property
    def cohort_version(self) -> str:
        """See ``FaceEngine``."""
        return self._cohort.version

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        """See ``FaceEngine``; loads the cohort and no network."""
        return self._cohort.stats(embeddings)

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        """Return the faces of each photo, in order; problems with a photo are results, not errors.

        One call with several photos is faster than a call for each photo: embeddings are computed
        in batches, and landmarks are found for several photos in a row. Most photos are reduced to
        their face chips as soon as possible, to limit memory.

        Args:
            photos: Contents of image files.
            options: How to find and select faces.

        Raises:
            InvalidInputError: The options name an unknown detector.
            WeightsError: dlib's weights are missing or cannot be used.
        """
        aligned = list(self._aligned_photos(photos, options))
        views = [
            face.views
            for photo in aligned
            if isinstance(photo, AlignedPhoto)
            for face in photo.kept
        ]
        embeddings = iter(self._embed(np.stack(views)) if views else ())
        return [
            photo.result(embeddings) if isinstance(photo, AlignedPhoto) else photo
            for photo in aligned
        ]

    def _embed(self, views: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.float32], CohortStats]]:
        """Return each face's embedding, averaged over its views, and its cohort stats.

        Args:
            views: uint8 of shape (faces, views of each, 150, 150, 3), RGB.
        """
        faces, views_of_each = views.shape[:2]
        embedded = self._embedder.embed(views.reshape(-1, *views.shape[2:]))
        embeddings = embedded.reshape(faces, views_of_each, -1).mean(axis=1)
        return zip(embeddings, self._cohort.stats(embeddings), strict=True)

    def _aligned_photos(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> Iterator[AlignedPhoto | UnreadablePhoto]:
        """Yield each photo with its aligned faces, in order.

        Faces of several photos are aligned in a row: the landmark predictor's trees take 9 MB,
        which the networks would evict from the processor's cache between two photos.
        """
        waiting: list[LocatedPhoto | UnreadablePhoto] = []
        held = 0
        for content in photos:
            photo = self._locate(content, options)
            waiting.append(photo)
            held += photo.pixels.nbytes if isinstance(photo, LocatedPhoto) else 0
            if held > MAX_HELD_BYTES:
                yield from (self._align_all(each, options) for each in waiting)
                waiting, held = [], 0
        yield from (self._align_all(each, options) for each in waiting)

    def _locate(self, content: bytes, options: FaceOptions) -> LocatedPhoto | UnreadablePhoto:
        """Decode a photo and detect its faces, at a resolution that is enough for their chips."""
        decoded = decode(
            content,
            smallest_face=options.smallest_face,
            max_pixels=options.max_pixels,
            face_pixels=face_pixels(options.detector),
        )
        if isinstance(decoded, UnreadablePhoto):
            return decoded
        smallest = effective_smallest_face(decoded.width, decoded.height, options.smallest_face)
        turns, detections = self._finder.find(decoded, smallest * decoded.scale, options)
        if not detections:
            return LocatedPhoto(decoded.width, decoded.height, decoded.is_animated, smallest)
        if decoded.is_preview and any(face.width < FACE_IN_CHIP for face in detections):
            finer = decode(
                content, smallest_face=options.smallest_face, max_pixels=options.max_pixels
            )
            if isinstance(finer, UnreadablePhoto):
                return finer
            detections = _rescaled(detections, decoded, finer, turns)
            decoded = finer
        detections.sort(key=lambda detection: detection.width * detection.height, reverse=True)
        return LocatedPhoto(
            decoded.width,
            decoded.height,
            decoded.is_animated,
            smallest,
            detections,
            turned(decoded.pixels, turns),
            turns,
        )

    def _align_all(
        self, photo: LocatedPhoto | UnreadablePhoto, options: FaceOptions
    ) -> AlignedPhoto | UnreadablePhoto:
        """Align the faces of a photo and decide which to keep."""
        if isinstance(photo, UnreadablePhoto):
            return photo
        aligned = [self._align(photo, face, options.detector) for face in photo.detections]
        min_size = MIN_KEPT_SHARE * photo.smallest_face
        aspect = photo.width / photo.height
        found = [face for face, _ in aligned]
        reasons = rejection_reasons(found, options, min_size, aspect=aspect)
        faces = [
            AlignedFace(
                face,
                views,
                face_reasons,
                remedies(face, face_reasons, options, min_size, aspect=aspect)
                if face_reasons
                else (),
            )
            for (face, views), face_reasons in zip(aligned, reasons, strict=True)
        ]
        return AlignedPhoto(photo.width, photo.height, faces, photo.turns, photo.is_animated)

    def _align(
        self, photo: LocatedPhoto, detection: Detection, detector: str
    ) -> tuple[DetectedFace, NDArray[np.uint8]]:
        """Return a face, in ratios of its photo, and its views."""
        height, width = photo.pixels.shape[:2]
        box = BoundingBox(
            left=detection.left / width,
            top=detection.top / height,
            width=detection.width / width,
            height=detection.height / height,
        )
        shape = self._aligner.shape(photo.pixels, detection)
        landmarks = self._aligner.landmarks(photo.pixels, shape)
        chip = self._aligner.chip(photo.pixels, shape)
        pose = self._poses.estimate(chip, landmarks, *photo.turned_size)
        face = DetectedFace(
            box=box,
            confidence=confidence(detector, detection.score),
            landmarks=landmarks,
            quality=assess(chip, box, pose, *photo.turned_size),
        )
        return turned_back(face, photo.turns), self._views(photo.pixels, shape, chip)

    def _views(
        self, pixels: Pixels, shape: dlib.full_object_detection, chip: Pixels
    ) -> NDArray[np.uint8]:
        """Return the views of a face that the recipe embeds; ``chip`` is the one of ``FAST``."""
        if self._recipe is Recipe.FAST:
            return chip[None]
        views = [self._aligner.chip(pixels, shape, view.padding) for view in VIEWS[self._recipe]]
        return np.stack(
            [
                padded[:, ::-1] if view.mirrored else padded
                for padded, view in zip(views, VIEWS[self._recipe], strict=True)
            ]
        )

    @cached_property
    def _poses(self) -> PoseEstimator:
        return PoseEstimator(threads=self._threads)

    @cached_property
    def _embedder(self) -> Embedder:
        from facerec.engine.describe.embedder import Embedder

        return Embedder(threads=self._threads)

    @cached_property
    def _cohort(self) -> Cohort:
        return Cohort.load(self._recipe)

    @cached_property
    def _aligner(self) -> Aligner:
        from facerec.engine.describe.alignment import Aligner

        return Aligner()


def _rescaled(
    detections: Sequence[Detection], source: DecodedPhoto, target: DecodedPhoto, turns: int
) -> list[Detection]:
    """Return detections in one decoding of a turned photo as pixels of another decoding."""
    down, across, _ = np.divide(target.pixels.shape, source.pixels.shape).tolist()
    if turns % 2:
        down, across = across, down
    return [face.resized(across, down) for face in detections]
