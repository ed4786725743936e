"""`facerec index --person-from`: people are created from the names of photos."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.functional.test_erasing import Installation
from tests.support.job_doors import use_fake_engine


def test_copies_of_indexed_photos_name_nobody_and_the_reason_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    here = Installation(tmp_path)
    here.write("ann", 1)
    here.run("index", here.photos, "--collection", "staff", "--external-ids", "none")
    members = tmp_path / "members"
    shutil.copytree(here.photos, members)
    words = ("--collection", "staff", "--person-from", "folder")
    shown = here.run("index", members, *words).output
    assert "0 people" in shown
    assert "1 photo indexed before from another address, which names nobody here" in shown
    shown = here.run("index", here.photos, *words).output
    assert "1 person, 1 of them new" in shown
    assert "another address" not in shown
