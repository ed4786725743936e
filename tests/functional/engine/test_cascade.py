from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from facerec.engine.detect import cascade, proposals
from facerec.engine.detect.cascade import CascadeDetector
from facerec.engine.detect.closer_look import score_again
from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.exact import ExactDetector
from facerec.engine.detect.proposals import Proposal, ProposalNetwork
from facerec.engine.detect.verifier import Verifier
from facerec.engine.dlib.crop_network import crop_side
from facerec.engine.dlib.detector_interface import INPUT_NAME, OUTPUT_NAME, DetectorGeometry
from facerec.engine.dlib.models import crop_model, detector_model
from facerec.engine.dlib.sessions import open_session
from facerec.engine.smallest_face import MIN_KEPT_SHARE
from tests.support.example_photos import EXAMPLES, load
from tests.support.shared_data import shared_data

CLEAR = 0.5
"""A score well above 0, where both detectors have to agree."""


@pytest.fixture(scope="module")
def cascade_detector() -> CascadeDetector:
    return CascadeDetector(threads=1)


@pytest.fixture(scope="module")
def exact() -> ExactDetector:
    return ExactDetector(threads=1)


def overlap(one: Detection, other: Detection) -> float:
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(across, 0) * max(down, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def assert_finds_what_the_exact_one_finds(
    cascade_detector: CascadeDetector, exact: ExactDetector, pixels: Pixels, smallest: int
) -> int:
    """Compare every clear detection of either; return how many there are."""
    found = cascade_detector.detect(pixels, smallest)
    ours = [face for face in found if face.width >= MIN_KEPT_SHARE * smallest]
    expected = [face for face in exact.detect(pixels, smallest) if face.score > CLEAR]
    for face in expected:
        same = max(ours, key=lambda found, face=face: overlap(face, found))
        assert overlap(face, same) > 0.3
        assert same.score > face.score - 0.15
    # The cascade also finds faces that are a little smaller than the smallest face.
    known = exact.detect(pixels, 0.75 * smallest, threshold=-0.5)
    for found in ours:
        assert found.score < CLEAR or any(overlap(found, face) > 0.3 for face in known)
    return len(expected)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("side", [256, 700])
def test_faces_in_the_examples_are_those_of_the_exact_detector(
    cascade_detector: CascadeDetector, exact: ExactDetector, path: object, side: int
) -> None:
    assert_finds_what_the_exact_one_finds(cascade_detector, exact, load(path, side), 80)


def test_faces_in_photos_of_groups_are_those_of_the_exact_detector(
    cascade_detector: CascadeDetector, exact: ExactDetector
) -> None:
    paths = sorted(shared_data("groups/people").glob("*.jpg"))[:2]
    photos = [load(path, 900) for path in paths]
    faces = [
        assert_finds_what_the_exact_one_finds(cascade_detector, exact, photo, 60)
        for photo in photos
    ]
    assert sum(faces) >= 8


def test_labelled_faces_from_37_pixels_on_are_found(cascade_detector: CascadeDetector) -> None:
    folder = shared_data("groups/dlib_faces")
    labels, missed = 0, 0
    for name in ("training.xml", "testing.xml"):
        for image in ElementTree.parse(folder / name).iter("image"):
            with Image.open(folder / image.get("file", "")) as photo:
                found = cascade_detector.detect(np.asarray(photo.convert("RGB")), 40)
            for box in image.iter("box"):
                edges = (float(box.get(edge, "0")) for edge in ("left", "top", "width", "height"))
                label = Detection(*edges, score=1)
                missed += all(overlap(label, face) <= 0.3 for face in found)
                labels += 1
    assert labels == 43
    # The exact detector misses two of them, which are smaller than their labels.
    assert missed <= 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_proposals_have_the_position_and_size_of_the_faces(
    exact: ExactDetector, path: Path
) -> None:
    pixels = load(path, 600)
    places = list(ProposalNetwork(threads=1).propose(pixels, 40))
    for face in exact.detect(pixels, 80, threshold=CLEAR):
        x, y = face.left + face.width / 2, face.top + face.height / 2
        nearest = min(places, key=lambda place: math.hypot(place.x - x, place.y - y))
        assert math.hypot(nearest.x - x, nearest.y - y) < 0.2 * face.width
        # The exact detector's own steps are a fifth.
        assert abs(math.log2(nearest.side / face.width)) < 0.4


def test_press_photos_all_hold_a_face(cascade_detector: CascadeDetector) -> None:
    paths = sorted(shared_data("lfw/images").rglob("*.jpg"))[::38]
    found = [bool(cascade_detector.detect(load(path, 250), 80)) for path in paths]
    assert len(found) > 100
    assert all(found)


@pytest.mark.long
def test_faces_that_fill_a_large_photo_are_found(cascade_detector: CascadeDetector) -> None:
    paths = sorted(shared_data("fairface/images").glob("*.jpg"))[::40]
    found = []
    for path in paths:
        with Image.open(path) as photo:
            enlarged = photo.convert("RGB").resize((900, 900), Image.Resampling.BICUBIC)
        found.append(bool(cascade_detector.detect(np.asarray(enlarged), 40)))
    assert len(found) > 40
    assert sum(found) > 0.95 * len(found)


def test_a_doubtful_face_does_not_end_the_search_for_a_clear_one(
    cascade_detector: CascadeDetector,
) -> None:
    path = shared_data("lfw/images") / "Andy_Dick" / "Andy_Dick_0001.jpg"
    assert cascade_detector.detect(load(path, 250), 40)[0].score > CLEAR


def test_photos_without_faces_have_none(cascade_detector: CascadeDetector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    slope = np.broadcast_to(np.arange(400, dtype=np.uint8)[None, :, None], (300, 400, 3))
    for pixels in (noise, np.ascontiguousarray(slope), np.zeros((300, 400, 3), np.uint8)):
        assert cascade_detector.detect(pixels, 80) == []


def test_a_small_photo_without_proposals_is_searched_exactly(
    cascade_detector: CascadeDetector, exact: ExactDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    portrait = next(path for path in EXAMPLES if path.stem == "barack-obama-1")
    monkeypatch.setattr(cascade, "MIN_PROPOSAL_SCORE", math.inf)
    for weak in ("MAX_WEAK_PROPOSALS", "MAX_WEAK_PROPOSALS_IF_LARGE"):
        monkeypatch.setattr(cascade, weak, 0)
    monkeypatch.setattr(cascade, "CENTRAL_SHARE", 0)
    small = load(portrait, 400)
    assert cascade_detector.detect(small, 80) == exact.detect(small, 80) != []
    assert cascade_detector.detect(load(portrait, 1200), 80) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (6, 4), (33, 33), (700, 20)])
def test_narrow_photos_are_searched_too(
    cascade_detector: CascadeDetector, shape: tuple[int, int]
) -> None:
    assert cascade_detector.detect(np.zeros((*shape, 3), dtype=np.uint8), 80) == []


def test_a_face_cut_off_by_the_edge_is_found(
    cascade_detector: CascadeDetector, exact: ExactDetector
) -> None:
    portrait = next(path for path in EXAMPLES if path.stem == "barack-obama-1")
    pixels = load(portrait, 512)
    (face,) = exact.detect(pixels, 80)
    cut = np.ascontiguousarray(pixels[int(face.top + 0.15 * face.height) :])
    (expected,) = exact.detect(cut, 80)
    (found,) = cascade_detector.detect(cut, 80)
    assert overlap(found, expected) > 0.5


def test_the_score_of_a_crop_is_that_of_the_whole_photo() -> None:
    whole = open_session(detector_model(), 1)
    crops = open_session(crop_model(), 1)
    geometry = DetectorGeometry.from_metadata(crops.get_modelmeta().custom_metadata_map)
    side = crop_side(geometry)
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 3, side + 80, side + 80))
    photo = pixels.astype(np.float32)
    (expected,) = whole.run([OUTPUT_NAME], {INPUT_NAME: photo})
    crop = photo[:, :, 40 : 40 + side, 40 : 40 + side]
    (scores,) = crops.run([OUTPUT_NAME], {INPUT_NAME: crop})
    first = 40 // geometry.stride + geometry.reach
    same = expected[:, :, first : first + scores.shape[2], first : first + scores.shape[3]]
    assert scores.shape[2:] == (3, 3)
    np.testing.assert_allclose(scores, same, atol=1e-4)


def test_a_verifier_score_does_not_depend_on_distant_edges_of_the_photo() -> None:
    verifier = Verifier(threads=1)
    portrait = next(path for path in EXAMPLES if path.stem == "barack-obama-1")
    pixels = load(portrait, 512)
    face = verifier.score(pixels, 224, 120, 120)
    assert face is not None
    larger = np.pad(pixels, ((0, 300), (0, 300), (0, 0)))
    again = verifier.score(larger, 224, 120, 120)
    assert again is not None
    assert again.score == pytest.approx(face.score, abs=1e-5)
    assert verifier.score(pixels, -5000, 120, 120) is None


def test_proposals_of_a_divided_photo_are_those_of_the_whole_photo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels = load(EXAMPLES[0], 700)
    network = ProposalNetwork(threads=1)
    whole = list(network.propose(pixels, 40))
    monkeypatch.setattr(proposals, "_BLOCK_ROWS", 250)
    divided = list(network.propose(pixels, 40))
    assert len(whole) > 5
    assert [place.score for place in divided] == pytest.approx(
        [place.score for place in whole], abs=1e-3
    )


def test_a_second_look_tells_faces_from_other_places() -> None:
    portrait = next(path for path in EXAMPLES if path.stem == "barack-obama-1")
    pixels = load(portrait, 600)
    network = ProposalNetwork(threads=1)
    face, *others = network.propose(pixels, 40)
    far = [place for place in others if math.hypot(place.x - face.x, place.y - face.y) > face.side]
    scores = sorted(score_again(network, pixels, place) for place in far)
    assert scores[len(scores) // 2] < 0 < 2 * scores[-1] < score_again(network, pixels, face)
    beyond = Proposal(0.0, 0.0, 40.0, 0.0)
    assert score_again(network, np.zeros((80, 80, 3), np.uint8), beyond) < 0
