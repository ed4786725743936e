"""Tests write to memory where there is enough, and where nobody chose another folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import temporary_folders
from tests.support.temporary_folders import use_memory

CHOSEN = "PYTEST_DEBUG_TEMPROOT"


@pytest.fixture(autouse=True)
def _nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what the test sets is removed at its end.
    monkeypatch.setenv(CHOSEN, "")
    monkeypatch.delenv(CHOSEN)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(temporary_folders, "MIN_FREE_BYTES", 1)


def test_a_folder_with_room_is_used(tmp_path: Path) -> None:
    use_memory(tmp_path)
    assert os.environ[CHOSEN] == str(tmp_path)


def test_a_folder_that_was_chosen_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/tmp")
    use_memory(tmp_path)
    assert CHOSEN not in os.environ
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setenv(CHOSEN, "/own")
    use_memory(tmp_path)
    assert os.environ[CHOSEN] == "/own"


def test_a_folder_that_is_absent_or_full_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_memory(tmp_path / "absent")
    monkeypatch.setattr(temporary_folders, "MIN_FREE_BYTES", 2**80)
    use_memory(tmp_path)
    assert CHOSEN not in os.environ
