"""Files that have crashed, hung or exhausted image readers: each has an outcome here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from facerec.core.photos import UnreadableReason
from tests.support.shared_data import shared_data

GIGABYTE = 1_000_000_000

LOOK_AT_ALL = """
import json, re, sys
from pathlib import Path
from facerec.engine.decode.decoding import DecodedPhoto, decode

outcomes = {}
for path in map(Path, sys.argv[1:]):
    photo = decode(path.read_bytes(), smallest_face=None, max_pixels=100_000_000)
    good = isinstance(photo, DecodedPhoto)
    outcomes[path.name] = ["DECODED", ""] if good else [photo.reason, photo.detail]
status = Path("/proc/self/status").read_text()
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024
print(json.dumps({"outcomes": outcomes, "peak": peak}))
"""
"""A process of its own, so that its memory can be judged and a crash is seen as one."""


@pytest.fixture(scope="module")
def looked_at() -> subprocess.CompletedProcess[str]:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc to judge the memory of a process")
    paths = [str(path) for path in sorted(shared_data("odd").rglob("*")) if path.is_file()]
    return subprocess.run(
        [sys.executable, "-c", LOOK_AT_ALL, *paths],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_every_odd_file_decodes_or_has_a_reason(
    looked_at: subprocess.CompletedProcess[str],
) -> None:
    assert looked_at.returncode == 0, looked_at.stderr[-2000:]
    outcomes = json.loads(looked_at.stdout)["outcomes"]
    assert len(outcomes) > 400
    allowed = {"DECODED", *UnreadableReason}
    assert {reason for reason, _ in outcomes.values()} <= allowed
    for name, (reason, detail) in outcomes.items():
        if reason != "DECODED":
            assert detail.isprintable()
            assert name not in detail


def test_odd_files_need_less_than_a_gigabyte(
    looked_at: subprocess.CompletedProcess[str],
) -> None:
    assert json.loads(looked_at.stdout)["peak"] < GIGABYTE


def test_odd_files_print_no_python_warnings(
    looked_at: subprocess.CompletedProcess[str],
) -> None:
    assert "Warning" not in looked_at.stderr
    assert ".py" not in looked_at.stderr


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test__fixtures__giant-image.jpg", "DECODED"),
        ("test__fixtures__truncated.jpg", "CORRUPT"),
        ("test__fixtures__Channel_digital_image_CMYK_color_no_profile.jpg", "DECODED"),
        ("test__fixtures__16-bit-grey-alpha.png", "DECODED"),
        ("Tests__images__avif__rot1mir1.avif", "DECODED"),
        ("testimages__monkey12.jpg", "UNSUPPORTED_FORMAT"),
        ("tests__images__heif_corrupted__corrupted.heic", "CORRUPT"),
        ("test__fixtures__NotoSans-Regular.ttf", "UNSUPPORTED_FORMAT"),
        ("test__fixtures__2x2_fdcce6.png", "TOO_SMALL"),
        ("Tests__images__bmp__b__badwidth.bmp", "TOO_LARGE"),
    ],
)
def test_a_known_odd_file_ends_as_expected(
    looked_at: subprocess.CompletedProcess[str], name: str, expected: str
) -> None:
    assert json.loads(looked_at.stdout)["outcomes"][name][0] == expected
