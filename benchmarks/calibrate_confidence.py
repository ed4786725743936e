"""Fit detection scores to confidence, and print the figures of docs/accuracy.md.

    python -m benchmarks.calibrate_confidence [--data ../shared/data] [--detector hog]

Every detection above a low threshold, in photos of groups and in every 13th photo of LFW, is true
if it overlaps a face and otherwise false. The faces come from dlib's labels, from the layout of LFW
(the person named is in the middle), and for all other detections of cnn-exact and hog from judging
them by eye (judged_faces.json, by the hash of the photo's content). Faces in masks and in profile
are faces; statues, backs of heads and parts of a face are not. A photo of drawings is excluded, as
are detections that could not be judged.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.results import DATA
from facerec.engine.decode.decoding import DecodedPhoto, decode
from facerec.engine.detect.confidence import confidence
from facerec.engine.detect.detectors import open_detector

Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the photo."""

THRESHOLDS = {"cnn": -1.0, "cnn-exact": -1.0, "hog": -0.6}
"""All detections of ``cnn-exact`` and ``hog`` above these scores were judged. ``cnn`` has scores of
the same network as ``cnn-exact``."""

FACE_PIXELS = 40
JUDGED_SHARE = 0.75
"""Smallest detection that was judged, as a share of ``FACE_PIXELS``. dlib's detectors find no
smaller ones; ``cnn`` does."""

SAME_FACE = 0.3
"""Minimum intersection over union of a detection and the face it found."""

EVERY = 13
LFW_FACE: Box = (83, 83, 84, 84)
"""Box of the person named in the 250x250 photos of LFW."""

PHOTO_OF_DRAWINGS = "masked_face__imgs__img1.jpeg"
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
JUDGED = Path(__file__).with_name("judged_faces.json")


@dataclass(frozen=True, slots=True)
class Truth:
    """A photo, the faces in it, and places where detections are not counted."""

    path: Path
    faces: tuple[Box, ...]
    doubtful: tuple[Box, ...]


def main() -> None:
    """Fit each detector and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--detector", choices=sorted(THRESHOLDS), action="append")
    arguments = parser.parse_args()
    photos = list(labelled_photos(arguments.data))
    for name in arguments.detector or sorted(THRESHOLDS):
        scores, is_face, faces = look_at(photos, name)
        report(name, scores, is_face, faces)


def labelled_photos(data: Path) -> Iterator[Truth]:
    """Return the photos that are examined, with the faces in them."""
    judged = json.loads(JUDGED.read_text())
    labels = dict(dlib_labels(data / "groups" / "dlib_faces"))
    paths = [
        path for path in sorted((data / "groups").rglob("*.jp*g")) if path.name != PHOTO_OF_DRAWINGS
    ]
    lfw = sorted((data / "lfw" / "images").rglob("*.jpg"))[::EVERY]
    for path in paths + lfw:
        seen = judged.get(hashlib.sha256(path.read_bytes()).hexdigest()[:16], {})
        known = [LFW_FACE] if path in lfw else labels.get(path.name, [])
        yield Truth(
            path,
            faces=tuple(known + [tuple(box) for box in seen.get("faces", [])]),
            doubtful=tuple(tuple(box) for box in seen.get("doubtful", [])),
        )


def dlib_labels(folder: Path) -> Iterator[tuple[str, list[Box]]]:
    """Read the boxes of dlib's example photos by file name."""
    for name in ("training.xml", "testing.xml"):
        for image in ElementTree.parse(folder / name).iter("image"):
            boxes: list[Box] = [
                (
                    float(box.attrib["left"]),
                    float(box.attrib["top"]),
                    float(box.attrib["width"]),
                    float(box.attrib["height"]),
                )
                for box in image.iter("box")
            ]
            yield image.attrib["file"], boxes


def look_at(
    photos: list[Truth], name: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Run a detector.

    Returns:
        The score of each detection; whether it is a face; and the best score with which each face
        was found, -inf if it was missed.
    """
    detector = open_detector(name, threads=1)
    scores, is_face, best = [], [], []
    for photo in photos:
        decoded = decode(photo.path.read_bytes(), smallest_face=FACE_PIXELS, max_pixels=10**8)
        if not isinstance(decoded, DecodedPhoto):
            raise SystemExit(f"{photo.path} cannot be read: {decoded.detail}")
        found = [-math.inf] * len(photo.faces)
        smallest = FACE_PIXELS * decoded.scale
        for detection in detector.detect(decoded.pixels, smallest, threshold=THRESHOLDS[name]):
            sides = (detection.left, detection.top, detection.width, detection.height)
            left, top, width, height = (side / decoded.scale for side in sides)
            if min(width, height) < JUDGED_SHARE * FACE_PIXELS:
                continue
            box = (left, top, width, height)
            overlaps = [overlap(box, face) for face in photo.faces]
            hit = bool(overlaps) and max(overlaps) >= SAME_FACE
            if hit:
                face = int(np.argmax(overlaps))
                found[face] = max(found[face], detection.score)
            elif any(overlap(box, doubtful) >= SAME_FACE for doubtful in photo.doubtful):
                continue
            scores.append(detection.score)
            is_face.append(hit)
        best.extend(found)
    return np.array(scores), np.array(is_face), np.array(best)


def overlap(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (first[2] * first[3] + second[2] * second[3] - both)


def fit(scores: NDArray[np.float64], is_face: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit P(face) = 1 / (1 + exp(-(slope * score + intercept))) by Newton's method.

    Platt 1999, "Probabilistic outputs for support vector machines", with his softened targets,
    which keep the slope finite where few detections are on the wrong side.
    """
    true, false = is_face.sum(), (~is_face).sum()
    targets = np.where(is_face, (true + 1) / (true + 2), 1 / (false + 2))
    features = np.stack([scores, np.ones_like(scores)], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        probability = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (targets - probability)
        curvature = features.T @ (features * (probability * (1 - probability))[:, None])
        weights = weights + np.linalg.solve(curvature, gradient)
    return float(weights[0]), float(weights[1])


def report(
    name: str,
    scores: NDArray[np.float64],
    is_face: NDArray[np.bool_],
    faces: NDArray[np.float64],
) -> None:
    """Print the fit, and how well it and the mapping in use describe the same detections."""
    slope, intercept = fit(scores, is_face)
    print(f"\n{name}: {is_face.sum()} true and {(~is_face).sum()} false detections above", end=" ")
    print(f"{THRESHOLDS[name]}; {len(faces)} faces; fit: slope {slope:.2f}, {intercept:+.2f}")
    mapped = np.array([confidence(name, score) for score in scores])
    faces_mapped = np.array([confidence(name, score) for score in faces])
    print("| confidence | score | detections | false | precision | faces found |")
    print("| --- | --- | --- | --- | --- | --- |")
    for level in LEVELS:
        kept = mapped >= level
        lowest = min(scores[kept])
        false = int((kept & ~is_face).sum())
        print(
            f"| {level} | {lowest:.2f} | {kept.sum()} | {false} | {1 - false / kept.sum():.3f} "
            f"| {(faces_mapped >= level).mean():.3f} |"
        )
    print("| confidence between | detections | true |")
    print("| --- | --- | --- |")
    edges = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 1.01)
    for low, high in pairwise(edges):
        within = (mapped >= low) & (mapped < high)
        share = is_face[within].mean() if within.any() else math.nan
        print(f"| {low:g} to {min(high, 1):g} | {within.sum()} | {share:.2f} |")


if __name__ == "__main__":
    main()
