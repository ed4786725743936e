from __future__ import annotations

import dlib
import numpy as np
import pytest

from facerec.engine.describe.alignment import Aligner
from facerec.engine.describe.embedder import Embedder
from facerec.engine.detect.detection import Pixels
from facerec.engine.detect.exact import ExactDetector
from facerec.engine.dlib.weights import Weights, find_weights
from tests.support.example_photos import EXAMPLES, load
from tests.support.shared_data import shared_data

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(threads=1)


@pytest.fixture(scope="module")
def dlib_network() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(find_weights(Weights.DESCRIPTOR)))


@pytest.fixture(scope="module")
def example_chips() -> Pixels:
    detector, aligner = ExactDetector(threads=1), Aligner()
    photos = [load(path, 500) for path in EXAMPLES]
    chips = [
        aligner.chip(pixels, aligner.shape(pixels, detection))
        for pixels in photos
        for detection in detector.detect(pixels, 80)
    ]
    return np.stack(chips)


def assert_as_dlib(
    embedder: Embedder, dlib_network: dlib.face_recognition_model_v1, chips: Pixels
) -> None:
    theirs = np.array([dlib_network.compute_face_descriptor(chip) for chip in chips])
    np.testing.assert_allclose(embedder.embed(chips), theirs, rtol=0, atol=TOLERANCE)


def test_descriptors_of_the_examples_are_dlibs(
    embedder: Embedder, dlib_network: dlib.face_recognition_model_v1, example_chips: Pixels
) -> None:
    assert len(example_chips) >= 4
    assert_as_dlib(embedder, dlib_network, example_chips)


def test_descriptors_of_cropped_faces_are_dlibs(
    embedder: Embedder, dlib_network: dlib.face_recognition_model_v1
) -> None:
    paths = sorted(shared_data("johns").glob("*.jpg"))[:8]
    assert_as_dlib(embedder, dlib_network, np.stack([load(path, 150) for path in paths]))


def test_extreme_chips_have_dlibs_descriptors(
    embedder: Embedder, dlib_network: dlib.face_recognition_model_v1
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    chips = np.stack([np.zeros_like(noise), np.full_like(noise, 255), noise])
    assert_as_dlib(embedder, dlib_network, chips)


def test_a_face_has_dlibs_descriptor_from_photo_to_end(
    embedder: Embedder, dlib_network: dlib.face_recognition_model_v1
) -> None:
    pixels, aligner = load(EXAMPLES[0], 500), Aligner()
    (detection,) = ExactDetector(threads=1).detect(pixels, 80)
    shape = aligner.shape(pixels, detection)
    theirs = dlib_network.compute_face_descriptor(pixels, shape)
    ours = embedder.embed(aligner.chip(pixels, shape)[np.newaxis])
    np.testing.assert_allclose(ours[0], theirs, rtol=0, atol=TOLERANCE)


def test_a_batch_of_any_length_gives_what_single_chips_give(
    embedder: Embedder, example_chips: Pixels
) -> None:
    singly = np.concatenate([embedder.embed(chip[np.newaxis]) for chip in example_chips])
    repeated = np.concatenate([example_chips] * 9)
    together = embedder.embed(repeated)
    assert together.dtype == np.float32
    assert together.shape == (9 * len(example_chips), 128)
    np.testing.assert_allclose(together, np.concatenate([singly] * 9), rtol=0, atol=1e-6)


def test_no_chips_have_no_descriptors(embedder: Embedder) -> None:
    assert embedder.embed(np.empty((0, 150, 150, 3), dtype=np.uint8)).shape == (0, 128)


@pytest.mark.parametrize(
    "chips",
    [np.zeros((1, 150, 150, 3)), np.zeros((1, 151, 150, 3), np.uint8), np.zeros((150, 150, 3))],
    ids=["float", "size", "single"],
)
def test_an_array_that_is_not_a_chip_is_refused(embedder: Embedder, chips: np.ndarray) -> None:
    with pytest.raises(ValueError, match="chips"):
        embedder.embed(chips)
