"""What lines of manifests name."""

from __future__ import annotations

import json

import pytest

from facerec.jobs.manifest.entries import LineParser, ManifestEntry
from facerec.jobs.manifest.source import LineFormat
from facerec.jobs.outcomes import Outcome, PhotoFailure


@pytest.mark.parametrize("local", [True, False], ids=["one machine", "AWS"])
@pytest.mark.parametrize(
    "named",
    [
        {"image": "s3://b/\ud800.jpg"},
        {"image": "s3://b/\udcff.jpg"},
        {"image": "s3://b/a.jpg", "version_id": "\ud800"},
        {"image": "s3://b/a.jpg", "version_id": "\udcff"},
        {"image": "s3://b/a.jpg", "external_image_id": "\ud800"},
        {"image": "s3://b/\ud800.jpg", "external_image_id": "not allowed!"},
        {"image": "\ud800.jpg"},
        {"image": "/photos/\udfff.jpg"},
        # Bytes that are valid UTF-8, and so another name.
        {"image": "\udcc3\udca9.jpg"},
    ],
    ids=ascii,
)
def test_half_of_a_character_makes_a_line_malformed(named: dict[str, str], local: bool) -> None:
    parser = LineParser(LineFormat.JSONL, (), "/work/" if local else None, local)
    line = json.dumps(named).encode()
    failure = parser.parse(line)
    assert isinstance(failure, PhotoFailure)
    assert failure.outcome is Outcome.MALFORMED_LINE
    assert not any("\ud800" <= each <= "\udfff" for each in failure.uri + failure.detail)
    again = parser.parse(parser.named_again(line))
    assert again == failure


def test_a_path_may_have_bytes_that_are_not_utf_8() -> None:
    parser = LineParser(LineFormat.JSONL, (), "/work/", True)
    assert parser.parse(b'{"image": "caf\\udce9.jpg"}') == ManifestEntry("/work/caf\udce9.jpg")
    assert parser.parse(b'{"image": "\\ud83d\\ude00.jpg"}') == ManifestEntry("/work/\U0001f600.jpg")


def test_a_number_with_too_many_digits_makes_a_line_malformed() -> None:
    parser = LineParser(LineFormat.JSONL, (), "/work/", True)
    failure = parser.parse(b'{"image": ' + b"1" * 5_000 + b"}")
    assert isinstance(failure, PhotoFailure)
    assert failure.detail == "not JSON that can be read: a number has too many digits"
