"""What the commands say of a job that was ended because its first photos failed alike."""

from __future__ import annotations

from pathlib import Path

from tests.support.command_line import Facerec
from tests.support.jobs import write_manifest

PHOTOS = 800


def test_the_command_says_what_to_do(facerec: Facerec, tmp_path: Path) -> None:
    photos = [tmp_path / "moved" / f"{number}.jpg" for number in range(PHOTOS)]
    manifest = write_manifest(tmp_path / "all.jsonl", photos)

    ended = facerec("index", manifest, "--collection", "staff", "--workers", "1")

    assert ended.exit_code == 7, ended.output
    assert "photos failed with NOT_FOUND" in ended.stderr
    assert "compare the addresses" in ended.stderr
    shown = facerec("jobs", "status")
    assert "failed" in shown.stdout
    assert "photos failed with NOT_FOUND" in shown.output
    assert "of the first" in facerec("jobs", "report").output
