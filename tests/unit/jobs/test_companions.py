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
        ("PXL_20240101.MP", "a video file"),
        ("a.insv", "a video file"),
        ("walk.gpx", "a sidecar file"),
        ("a.lnk", "a shortcut"),
        ("a.url", "a shortcut"),
        ("picasa.ini", "a file of the operating system"),
        ("SYNOINDEX_MEDIA_INFO", "a file of the operating system"),
        ("._a.jpg", "a file of the operating system"),
        ("a.rar", "an archive"),
        ("a.amr", "an audio file"),
    ],
)
def test_a_file_beside_photos_is_described(name: str, what: str) -> None:
    assert describe_companion(f"s3://photos/2024/{name}") == what


@pytest.mark.parametrize("name", ["a.jpg", "a.HEIC", "a.md.png", "a", "a.psd", "a.mpo"])
def test_a_possible_photo_is_not_a_companion(name: str) -> None:
    assert describe_companion(f"s3://photos/{name}") is None
