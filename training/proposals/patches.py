"""Training examples: augmented patches of photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from teacher import CERTAIN, LabelledPhoto

SIDE = 192
"""Side of a patch in pixels: twice the receptive field, since patches have more edges near their
faces than photos."""

STRIDE = 8
GREY = 117
"""Grey value around a photo, and the network's zero."""

SIDES = 36 * 2 ** (np.arange(-1, 3) / 3)
"""Anchor sizes: sides in pixels of the faces that each kind of output stands for."""

OFFSETS_IN_OCTAVE = 3
"""Units per octave of the size offsets, so that they are about as large as position offsets."""

_MIXTURES = ((0.299, 0.587, 0.114), (0.6, 0.3, 0.1), (0.1, 0.3, 0.6), (0.1, 0.8, 0.1), (0, 1, 0))
_FACE_SHARE = 0.62
_FACE_WEIGHTS = {"london": 0.45, "johns": 0.5}
_PHOTO_WEIGHTS = {"london": 0.1, "johns": 0.1}

_MAX_ENLARGEMENT = 2.2
"""Photos are not enlarged further: faces too small to be labelled must stay too small to count."""

Grey = NDArray[np.float32]
Generator = np.random.Generator
_ROWS, _COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Inputs and targets of the network.

    Attributes:
        patches: uint8 of shape (n, SIDE, SIDE).
        kinds: 1 for a face, 0 for none, -1 to ignore; int8 of shape
            (n, kinds, outputs, outputs).
        offsets: Offsets of the face's centre, right and down, in strides, and of its side, in
            thirds of an octave; float16 of shape (n, kinds, 3, outputs, outputs).
    """

    patches: NDArray[np.uint8]
    kinds: NDArray[np.int8]
    offsets: NDArray[np.float16]


class Source:
    """A photo in several greyscale mixtures, each as a pyramid of halves."""

    def __init__(self, photo: LabelledPhoto) -> None:
        self.faces = photo.faces
        self.kind = photo.kind
        self.width = photo.pixels.shape[1]
        self.height = photo.pixels.shape[0]
        self._greys = []
        for mixture in _MIXTURES:
            grey = np.clip(photo.pixels @ np.array(mixture, np.float32), 0, 255).astype(np.uint8)
            halvings = [grey]
            while min(halvings[-1].shape) > 40 and len(halvings) < 6:
                size = (halvings[-1].shape[1] // 2, halvings[-1].shape[0] // 2)
                halvings.append(cv2.resize(halvings[-1], size, interpolation=cv2.INTER_AREA))
            self._greys.append(halvings)

    def place(
        self,
        generator: Generator,
        matrix: NDArray[np.float64],
        shift: NDArray[np.float64],
        fill: int | None,
    ) -> Grey:
        """Return a patch of the photo under an affine map, filled or mirrored beyond its edges."""
        halvings = self._greys[generator.integers(len(_MIXTURES))]
        scale = np.sqrt(abs(np.linalg.det(matrix)))
        level = 0
        while level + 1 < len(halvings) and scale * 2 ** (level + 1) <= 1:
            level += 1
        grey = halvings[level]
        border = cv2.BORDER_REFLECT if fill is None else cv2.BORDER_CONSTANT
        affine = np.hstack([matrix * self.width / grey.shape[1], shift[:, np.newaxis]])
        patch: Grey = cv2.warpAffine(
            grey,
            affine,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR,
            borderMode=border,
            borderValue=fill or 0,
        ).astype(np.float32)
        return patch


def make_examples(
    sources: Sequence[Source], seed: int, count: int, origin: int, outputs: int
) -> Examples:
    """Return random patches.

    Args:
        sources: Photos to take patches from.
        seed: Seed of the random generator.
        count: Number of patches.
        origin: Input pixel at the centre of the network's first output.
        outputs: Number of outputs along a side of a patch.
    """
    cv2.setNumThreads(1)
    generator = np.random.default_rng(seed)
    faces = [(source, face) for source in sources for face in source.faces if face[3] > CERTAIN]
    face_weights = np.array([_FACE_WEIGHTS.get(source.kind, 1.6) for source, _ in faces])
    photo_weights = np.array([_PHOTO_WEIGHTS.get(source.kind, 1.2) for source in sources])
    examples = Examples(
        np.empty((count, SIDE, SIDE), np.uint8),
        np.empty((count, len(SIDES), outputs, outputs), np.int8),
        np.empty((count, len(SIDES), 3, outputs, outputs), np.float16),
    )
    centers = origin + STRIDE * np.arange(outputs)
    for number in range(count):
        if generator.random() < _FACE_SHARE:
            one, other = generator.choice(len(faces), 2, p=face_weights / face_weights.sum())
            second = faces[other] if generator.random() < 0.4 else None
            patch, boxes = _face_patch(generator, faces[one], second)
        else:
            chosen = generator.choice(len(sources), p=photo_weights / photo_weights.sum())
            patch, boxes = _random_patch(generator, sources[chosen])
        examples.patches[number] = _degrade(generator, patch)
        examples.kinds[number], examples.offsets[number] = _targets(boxes, centers)
    return examples


_Face = tuple[Source, NDArray[np.float64]]


def _face_patch(
    generator: Generator, face: _Face, second: _Face | None
) -> tuple[Grey, NDArray[np.float64]]:
    source, (x, y, face_side, _) = face
    largest = np.clip(_MAX_ENLARGEMENT * face_side, 28, 90)
    side = np.exp(generator.uniform(np.log(24), np.log(largest)))
    matrix = _linear_map(generator, side / face_side, 12)
    jitter = generator.uniform(-0.45, 0.45, 2) * SIDE * min(1, 1.6 - side / 100)
    center = SIDE / 2 + jitter
    shift = center - matrix @ (x, y)
    patch = source.place(generator, matrix, shift, _fill(generator))
    if second is not None:
        patch = _exchange_face(generator, patch, center, side, second)
    if generator.random() < 0.5:
        patch = _distort(generator, patch, side)
    if generator.random() < 0.12:
        width = generator.integers(6, 24)
        left, top = generator.integers(0, SIDE - width, 2)
        patch[top : top + width, left : left + width] = generator.uniform(0, 255)
    return patch, _boxes(source, matrix, shift)


def _random_patch(generator: Generator, source: Source) -> tuple[Grey, NDArray[np.float64]]:
    scale = np.exp(generator.uniform(np.log(0.2), np.log(1.3)))
    matrix = _linear_map(generator, scale, 12)
    middle = generator.uniform(0, (source.width, source.height))
    shift = SIDE / 2 - matrix @ middle
    patch = source.place(generator, matrix, shift, _fill(generator))
    return patch, _boxes(source, matrix, shift)


def _fill(generator: Generator) -> int:
    """Return the grey beyond a photo's edge: mostly the one used in detection."""
    return GREY if generator.random() < 0.6 else int(generator.integers(256))


def _linear_map(generator: Generator, scale: float, degrees: float) -> NDArray[np.float64]:
    """Return a random linear map: scaled, rotated, mirrored, stretched and slanted a little."""
    angle = np.deg2rad(generator.normal(0, degrees)) if generator.random() < 0.6 else 0
    stretch = np.exp(generator.normal(0, 0.05))
    mirror = generator.choice((-1, 1))
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.array([[mirror * cosine, -sine], [mirror * sine, cosine]])
    stretched = turned * (scale * stretch, scale / stretch)
    slanted: NDArray[np.float64] = stretched @ [[1, generator.normal(0, 0.05)], [0, 1]]
    return slanted


def _boxes(
    source: Source, matrix: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    boxes = source.faces.copy()
    boxes[:, :2] = boxes[:, :2] @ matrix.T + shift
    boxes[:, 2] *= np.sqrt(abs(np.linalg.det(matrix)))
    return boxes


def _exchange_face(
    generator: Generator, patch: Grey, center: NDArray[np.float64], side: float, second: _Face
) -> Grey:
    """Blend in the face of another person, for more variety than the photos have."""
    source, (x, y, face_side, _) = second
    matrix = _linear_map(generator, side / face_side, 6)
    other = source.place(generator, matrix, center - matrix @ (x, y), None)
    half_width, half_height = side * np.array((0.42, 0.5)) * np.exp(generator.normal(0, 0.12, 2))
    radius = np.hypot((_COLUMNS - center[0]) / half_width, (_ROWS - center[1]) / half_height)
    mask = np.clip((1.25 - radius) / 0.5, 0, 1)
    inner = mask > 0.5
    if inner.any():
        contrast = (patch[inner].std() * generator.uniform(0.8, 1.2) + 1) / (other[inner].std() + 1)
        other = (other - other[inner].mean()) * contrast + patch[inner].mean()
    mask *= generator.choice((0.5, 0.75, 1, 1))
    blended: Grey = patch * (1 - mask) + other * mask
    return blended


def _distort(generator: Generator, patch: Grey, side: float) -> Grey:
    """Warp a face locally, by up to about 4 % of its side."""
    coarse = generator.normal(0, 1, (7, 7, 2)).astype(np.float32)
    field = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    field *= np.float32(generator.uniform(0.01, 0.045) * side)
    columns, rows = _COLUMNS + field[..., 0], _ROWS + field[..., 1]
    distorted: Grey = cv2.remap(
        patch, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return distorted


def _degrade(generator: Generator, patch: Grey) -> NDArray[np.uint8]:
    """Change light, contrast, focus and noise, and compress some patches as JPEG."""
    if generator.random() < 0.8:
        patch = 255 * (np.clip(patch, 0, 255) / 255) ** np.exp(generator.normal(0, 0.3))
        contrast = np.exp(generator.normal(0, 0.3))
        patch = (patch - patch.mean()) * contrast + patch.mean() + generator.normal(0, 20)
    if generator.random() < 0.25:
        angle = generator.uniform(0, 2 * np.pi)
        slope = np.cos(angle) * (_COLUMNS / SIDE - 0.5) + np.sin(angle) * (_ROWS / SIDE - 0.5)
        patch = patch * (1 + generator.uniform(0, 0.8) * slope)
    if generator.random() < 0.3:
        patch = cv2.GaussianBlur(patch, (0, 0), generator.uniform(0.3, 1.2))
    if generator.random() < 0.3:
        patch = patch + generator.normal(0, generator.uniform(1, 8), patch.shape)
    result = np.clip(patch, 0, 255).astype(np.uint8)
    if generator.random() < 0.3:
        quality = int(generator.integers(30, 90))
        _, encoded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])
        result = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
    return result


def _targets(
    boxes: NDArray[np.float64], centers: NDArray[np.int64]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    across, down = np.meshgrid(centers, centers)
    kinds = np.zeros((len(SIDES), *across.shape), np.int8)
    offsets = np.zeros((len(SIDES), 3, *across.shape), np.float32)
    nearest = np.full(kinds.shape, np.inf)
    for x, y, side, score in boxes:
        right, below = x - across, y - down
        distance = np.hypot(right, below) / side
        at_face = np.maximum(abs(right), abs(below)) <= max(5.0, 0.16 * side)
        for kind, own_side in enumerate(SIDES):
            octaves = np.log2(side / own_side)
            near = 0.5 if abs(octaves) < 0.75 else 0.3 if abs(octaves) < 1.1 else 0
            kinds[kind][(distance < near) & (kinds[kind] != 1)] = -1
            if abs(octaves) < 0.27 and score > CERTAIN:
                best = at_face & (distance < nearest[kind])
                kinds[kind][best] = 1
                nearest[kind][best] = distance[best]
                parts = np.full(across.shape, octaves * OFFSETS_IN_OCTAVE)
                values = np.stack([right / STRIDE, below / STRIDE, parts])
                offsets[kind][:, best] = values[:, best]
    return kinds, offsets
