"""The training photos, labelled by dlib's detector.

Photos of LFW and of ``groups/dlib_faces`` are excluded: the result is judged on them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.detect.detection import Detection
from facerec.engine.detect.exact import ExactDetector
from facerec.engine.detect.verifier import Verifier

DOUBTFUL = -0.9
"""Places with at least this score are not negative examples."""

CERTAIN = 0.3
"""Places with at least this score are positive examples."""

_SIDES = 2 ** (np.arange(-4, 5) / 8)
_SHARPNESS = 0.05
_ROUNDS = 2

_FACE_FREE = {
    "skimage": (
        "brick cell chelsea chessboard_GRAY clock_motion coffee coins color grass gravel horse"
        " hubble_deep_field ihc logo microaneurysms moon motorcycle_left page phantom retina rocket"
        " text"
    ),
    "sklearn": "china flower",
}


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPhoto:
    """A photo and its faces.

    Attributes:
        name: The file's path below the data.
        pixels: uint8 of shape (height, width, 3), RGB.
        faces: Centre x, centre y, side and score; shape (n, 4).
    """

    name: str
    pixels: NDArray[np.uint8]
    faces: NDArray[np.float64]

    @property
    def kind(self) -> str:
        """The top folder of the photo."""
        return self.name.split("/")[0]


def label_photos(data: Path) -> list[LabelledPhoto]:
    """Label all photos with the exact detector; group photos from faces of 20 pixels."""
    detector, verifier = ExactDetector(threads=1), Verifier(threads=1)
    labelled = []
    for name, pixels in _photos(data):
        smallest = _smallest_face(name, pixels)
        found = detector.detect(pixels, smallest, threshold=DOUBTFUL)
        faces = [_refined(verifier, pixels, face) for face in found]
        is_stray = name.startswith("odd") and any(face[3] > 0 for face in faces)
        if not is_stray:
            labelled.append(LabelledPhoto(name, pixels, np.array(faces).reshape(-1, 4)))
    return labelled


def _smallest_face(name: str, pixels: NDArray[np.uint8]) -> int:
    if name.startswith("london"):
        return 80
    is_large = pixels.size > 3 * 1.3e6
    if name.startswith("groups"):
        return 28 if is_large else 20
    return 53 if is_large else 36


def _refined(
    verifier: Verifier, pixels: NDArray[np.uint8], face: Detection
) -> tuple[float, float, float, float]:
    """Return centre x, centre y, side and score, without the pyramid's coarse steps.

    The network scores many boxes around a face about the same; this returns their mean.
    """
    x, y, side = face.left + face.width / 2, face.top + face.height / 2, face.width
    for _ in range(_ROUNDS):
        scored = [verifier.score(pixels, x, y, side * factor) for factor in _SIDES]
        boxes = [box for box in scored if box is not None]
        scores = np.array([box.score for box in boxes])
        weights = np.exp((scores - scores.max()) / _SHARPNESS)
        centers = [(box.left + box.width / 2, box.top + box.height / 2) for box in boxes]
        x, y = np.average(centers, axis=0, weights=weights)
        side = np.exp(np.average(np.log([box.width for box in boxes]), weights=weights))
    return x, y, side, face.score


def _photos(data: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    folders = ("london", "groups/crowds", "groups/people", "johns", "odd/exif_samples")
    paths = [
        path
        for folder in (*folders, "odd/pillow_ok", "odd/sharp")
        for path in sorted((data / folder).rglob("*"))
        if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
    ]
    for path in paths:
        photo = _open(path)
        if photo is not None:
            yield str(path.relative_to(data)), photo
    for package, names in _FACE_FREE.items():
        specification = importlib.util.find_spec(package)
        if specification is None or specification.origin is None:
            raise SystemExit("needs scikit-image and scikit-learn for photos without faces")
        for name in names.split():
            (path,) = Path(specification.origin).parent.rglob(f"{name}.[pj][np]g")
            photo = _open(path)
            if photo is not None:
                yield f"{package}/{path.name}", photo


def _open(path: Path) -> NDArray[np.uint8] | None:
    try:
        with Image.open(path) as file:
            if min(file.size) < 48 or file.width * file.height > 30e6:
                return None
            photo = file.convert("RGB")
    except (OSError, Image.DecompressionBombError):
        return None
    longest = {"london": 450, "crowds": 2000, "people": 2000}.get(path.parent.name, 1280)
    photo.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(photo)
