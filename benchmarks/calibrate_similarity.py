"""Measure what distances mean: false match rates, false non-match rates, wrong decisions.

    python -m benchmarks.calibrate_similarity [--lfw FOLDER] [--embeddings FILE] [--json FILE]

Needs photos of Labeled Faces in the Wild: ``pairs.csv`` (fold, image_a, image_b, same) and
``images/PERSON/PHOTO.jpg``. Prints the two distances that ``facerec.gallery.similarity`` is fixed
by, and the tables of ``docs/accuracy.md``. The descriptors are computed once (about two minutes)
and kept in the file of ``--embeddings``.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.support.results import DATA, arguments, finish
from facerec.core.faces import BoundingBox, CohortStats, Landmarks, Point, Pose, Quality
from facerec.core.ids import face_id, group_of, image_id, image_key
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import EmbeddedFace, PhotoFaces
from facerec.core.records import FaceRecord, StoredFace
from facerec.engine.engine import open_engine
from facerec.gallery.decision import MARGIN
from facerec.gallery.matching import search_probes
from facerec.gallery.similarity import distance_of, similarity_of
from facerec.storage.sqlite import SqliteStore

LFW = DATA / "lfw"
SIMILARITIES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
DECISION_THRESHOLDS = (0.8, 0.95, 0.99, 0.999)
FALSE_MATCH_RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
EVERY_FACE = FaceOptions(max_faces=100, min_confidence=0.5, quality_filter=QualityFilter.NONE)


@dataclass(frozen=True)
class Faces:
    """One face of each photo.

    Attributes:
        photos: ``PERSON/PHOTO.jpg``; sorted.
        embeddings: float32, shape (n, 128).
        missed: photos in which no face was found.
        model_version: of the engine.
    """

    photos: list[str]
    embeddings: NDArray[np.float32]
    missed: list[str]
    model_version: str

    @property
    def people(self) -> NDArray[np.int64]:
        """A number for each photo's person, shape (n,)."""
        names = [photo.split("/")[0] for photo in self.photos]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--lfw", type=Path, default=LFW)
    parser.add_argument("--embeddings", type=Path, help="where to keep the descriptors (.npz)")
    parser.add_argument("--detector", default=EVERY_FACE.detector)
    options = parser.parse_args()
    faces = load_faces(options.lfw, options.embeddings, options.detector)
    pairs = read_pairs(options.lfw / "pairs.csv", faces)
    impostors = impostor_distances(faces)
    genuine = pairs.distances[pairs.same]
    results = {
        "model_version": faces.model_version,
        "photos": len(faces.photos) + len(faces.missed),
        "photos_without_a_face": len(faces.missed),
        "impostor_pairs": len(impostors),
        "genuine_pairs": len(genuine),
        "by_false_match_rate": [
            {
                "false_match_rate": rate,
                "distance": (distance := float(np.quantile(impostors, rate))),
                "similarity": similarity_of(distance),
                "false_non_match_rate": float(np.mean(genuine > distance)),
            }
            for rate in FALSE_MATCH_RATES
        ],
        "by_similarity": [
            {
                "similarity": similarity,
                "distance": (distance := distance_of(similarity)),
                "false_match_rate": float(np.mean(impostors <= distance)),
                "false_matches": int(np.sum(impostors <= distance)),
                "false_non_match_rate": float(np.mean(genuine > distance)),
            }
            for similarity in SIMILARITIES
        ],
        "view_2_accuracy_by_fold": verification_accuracy(pairs),
        "decisions": decision_rates(faces),
    }
    print_tables(results)
    finish("calibrate_similarity", results, options.json)


def load_faces(lfw: Path, kept: Path | None, detector: str) -> Faces:
    """Return the descriptors of all photos, computed unless ``kept`` has them."""
    engine, options = open_engine(threads=1), replace(EVERY_FACE, detector=detector)
    if kept and kept.exists():
        content = np.load(kept)
        if str(content["model_version"]) == engine.model_version:
            return Faces(
                list(content["photos"]),
                content["embeddings"],
                list(content["missed"]),
                engine.model_version,
            )
    paths = sorted((lfw / "images").glob("*/*.jpg"))
    found: dict[str, NDArray[np.float32]] = {}
    missed = []
    for start in range(0, len(paths), 16):
        batch = paths[start : start + 16]
        outcomes = engine.analyse([path.read_bytes() for path in batch], options)
        for path, outcome in zip(batch, outcomes, strict=True):
            name = f"{path.parent.name}/{path.name}"
            if isinstance(outcome, PhotoFaces) and outcome.faces:
                found[name] = central_face(outcome).embedding
            else:
                missed.append(name)
    faces = Faces(list(found), np.stack(list(found.values())), missed, engine.model_version)
    if kept:
        np.savez(
            kept,
            photos=faces.photos,
            embeddings=faces.embeddings,
            missed=np.array(faces.missed, dtype=str),
            model_version=faces.model_version,
        )
    return faces


def central_face(photo: PhotoFaces) -> EmbeddedFace:
    """Return the face that the photo is named for: the one nearest to its centre."""
    return min(
        photo.faces,
        key=lambda face: np.hypot(
            face.box.left + face.box.width / 2 - 0.5, face.box.top + face.box.height / 2 - 0.5
        ),
    )


@dataclass(frozen=True)
class Pairs:
    """The labelled pairs of View 2; arrays of shape (n,)."""

    folds: NDArray[np.int64]
    distances: NDArray[np.float64]
    same: NDArray[np.bool_]


def read_pairs(path: Path, faces: Faces) -> Pairs:
    """Return the labelled pairs with their distances; infinite where a face was missed."""
    places = {photo: place for place, photo in enumerate(faces.photos)}
    folds, distances, same = [], [], []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            both = [places[row[name]] for name in ("image_a", "image_b") if row[name] in places]
            folds.append(int(row["fold"]))
            same.append(row["same"] == "1")
            if len(both) == 2:
                first, second = faces.embeddings[both].astype(np.float64)
                distances.append(float(np.linalg.norm(first - second)))
            else:
                distances.append(np.inf)
    return Pairs(np.array(folds), np.array(distances), np.array(same))


def impostor_distances(faces: Faces) -> NDArray[np.float32]:
    """Return the distances of all pairs of photos of different people."""
    embeddings, people = faces.embeddings.astype(np.float64), faces.people
    norms = np.einsum("ij,ij->i", embeddings, embeddings)
    parts = []
    for place in range(0, len(embeddings), 256):
        rows = slice(place, place + 256)
        squared = norms[rows, None] + norms[None] - 2 * embeddings[rows] @ embeddings.T
        behind = (
            np.arange(len(embeddings))[None] > np.arange(place, place + len(norms[rows]))[:, None]
        )
        other = people[rows, None] != people[None]
        parts.append(np.sqrt(np.maximum(squared[behind & other], 0)).astype(np.float32))
    return np.concatenate(parts)


def verification_accuracy(pairs: Pairs) -> list[dict[str, float]]:
    """Return the accuracy in each fold at the threshold that is best in the other folds."""
    results = []
    for fold in np.unique(pairs.folds):
        others = pairs.folds != fold
        candidates = np.unique(pairs.distances[others & np.isfinite(pairs.distances)])
        same, different = (
            np.sort(pairs.distances[others & (pairs.same == kind)]) for kind in (True, False)
        )
        right = np.searchsorted(same, candidates, "right") + len(different)
        right -= np.searchsorted(different, candidates, "right")
        threshold = float(candidates[np.argmax(right)])
        inside = pairs.folds == fold
        accuracy = np.mean((pairs.distances[inside] <= threshold) == pairs.same[inside])
        results.append({"fold": int(fold), "threshold": threshold, "accuracy": float(accuracy)})
    return results


def decision_rates(faces: Faces) -> list[dict[str, Any]]:
    """Search half of the photos among the other half, and count decisions.

    A probe is known if its person is on photos of both halves, and a stranger otherwise.
    """
    people = faces.people
    stored = [stored_face(*face) for face in zip(faces.photos, faces.embeddings, strict=True)]
    person_of = {face.record.face_id: person for face, person in zip(stored, people, strict=True)}
    half_of = np.arange(len(stored)) % 2
    results = []
    with tempfile.TemporaryDirectory() as folder, SqliteStore(Path(folder) / "faces.db") as store:
        for half in (0, 1):
            members = [stored[place] for place in np.flatnonzero(half_of == half)]
            store.put_images(f"half-{half}", {group_of(f.record.face_id): [f] for f in members})
        for threshold in DECISION_THRESHOLDS:
            counts: Counter[str] = Counter()
            for half in (0, 1):
                held = set(people[half_of == half].tolist())
                places = np.flatnonzero(half_of != half)
                searched = search_probes(
                    [probe(stored[place]) for place in places],
                    collection_id=f"half-{half}",
                    faces=store,
                    threshold=threshold,
                    limit=1,
                )
                for place, face in zip(places, searched, strict=True):
                    kind = "known" if people[place] in held else "stranger"
                    first = face.matches[0].face.face_id if face.matches else None
                    right = first is not None and person_of[first] == people[place]
                    who = "right" if right else "wrong" if first else "nobody"
                    counts[f"{kind}_{face.decision}_{who}"] += 1
            results.append({"threshold": threshold, "margin": MARGIN, "counts": dict(counts)})
    return results


def stored_face(photo: str, embedding: NDArray[np.float32]) -> StoredFace:
    """Return a photo's face as a collection would hold it, under a name of the photo's own."""
    content_id = image_id(photo.encode())
    box, point = BoundingBox(0.33, 0.33, 0.33, 0.33), Point(0.5, 0.5)
    record = FaceRecord(
        face_id=face_id(image_key("lfw", content_id, None, "measured"), box),
        image_id=content_id,
        external_image_id=Path(photo).name,
        source=photo,
        box=box,
        confidence=1.0,
        landmarks=Landmarks(point, point, point, point, point),
        quality=Quality(80.0, 50.0, 50.0, Pose(0.0, 0.0, 0.0)),
        model_version="measured",
        settings="",
        indexed_at=0.0,
    )
    return StoredFace(record, embedding)


def probe(face: StoredFace) -> EmbeddedFace:
    """Return a stored face as a face to search for."""
    record = face.record
    return EmbeddedFace(
        record.box,
        record.confidence,
        record.landmarks,
        record.quality,
        face.embedding,
        CohortStats(0.63, 0.026, "measured"),
    )


def print_tables(results: dict[str, Any]) -> None:
    """Print the results for people, as ``docs/accuracy.md`` has them."""
    print(
        f"{results['model_version']}: {results['photos']:,} photos, "
        f"{results['photos_without_a_face']} without a face; "
        f"{results['impostor_pairs']:,} pairs of different people, "
        f"{results['genuine_pairs']:,} of one person\n"
    )
    print("| false match rate | distance | similarity | false non-match rate |")
    print("| --- | --- | --- | --- |")
    for row in results["by_false_match_rate"]:
        print(
            f"| {row['false_match_rate']:.0e} | {row['distance']:.3f} "
            f"| {row['similarity']:.4f} | {row['false_non_match_rate']:.1%} |"
        )
    print("\n| similarity | distance | false match rate | false non-match rate |")
    print("| --- | --- | --- | --- |")
    for row in results["by_similarity"]:
        print(
            f"| {row['similarity']} | {row['distance']:.3f} | {row['false_match_rate']:.1e} "
            f"({row['false_matches']:,} pairs) | {row['false_non_match_rate']:.1%} |"
        )
    folds = results["view_2_accuracy_by_fold"]
    accuracies = [fold["accuracy"] for fold in folds]
    print(
        f"\nView 2, folds {', '.join(str(fold['fold']) for fold in folds)}: accuracy "
        f"{np.mean(accuracies):.2%} (standard deviation {np.std(accuracies):.2%}), "
        f"thresholds {min(f['threshold'] for f in folds):.3f} to "
        f"{max(f['threshold'] for f in folds):.3f}"
    )
    print("\n| threshold | probe | right person | wrong person | ambiguous | unknown |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in results["decisions"]:
        for kind in ("known", "stranger"):
            counts = {
                name.removeprefix(f"{kind}_"): count
                for name, count in row["counts"].items()
                if name.startswith(kind)
            }
            ambiguous = sum(counts.get(f"ambiguous_{who}", 0) for who in ("right", "wrong"))
            print(
                f"| {row['threshold']} | {kind} | {counts.get('match_right', 0):,} "
                f"| {counts.get('match_wrong', 0):,} | {ambiguous:,} "
                f"(nearest was wrong: {counts.get('ambiguous_wrong', 0):,}) "
                f"| {counts.get('unknown_nobody', 0):,} |"
            )


if __name__ == "__main__":
    main()
