"""How many cores the networks may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facerec.engine.dlib.sessions import available_cores


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None), ("x y", None)],
)
def test_a_quota_of_the_control_group_bounds_the_cores(
    tmp_path: Path, limit: str, cores: int | None
) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(limit)
    assert available_cores(path) == (cores or available_cores(tmp_path / "none"))


def test_a_large_quota_gives_no_more_cores_than_there_are(tmp_path: Path) -> None:
    path = tmp_path / "cpu.max"
    path.write_text("100000000 100000")
    assert available_cores(path) <= (os.cpu_count() or 1)
