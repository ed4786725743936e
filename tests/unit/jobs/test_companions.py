"""Files beside photos are known by their names."""

from __future__ import annotations

import pytest

from facerec.jobs.manifest.companions import describe_companion


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("walk.MOV", "a video file"),
        ("walk.m4a", "an audio file"),
        ("README.md", "a sidecar file"),
        ("manifest.jsonl", "a sidecar file"),
        ("a.jpg.json", "a sidecar file"),
        ("manifest.csv.gz", "an archive"),
        ("a.on1", "a sidecar file"),
        ("a.jpg.part", "an unfinished download"),
        ("a.jpg~", "a backup of an editor"),
    ],
)
def test_a_file_beside_photos_is_described(name: str, what: str) -> None:
    assert describe_companion(f"s3://photos/2024/{name}") == what


@pytest.mark.parametrize("name", ["a.jpg", "a.HEIC", "a.md.png", "a"])
def test_a_possible_photo_is_not_a_companion(name: str) -> None:
    assert describe_companion(f"s3://photos/{name}") is None
