"""Where the labelled photos lie that may not be shipped with the project."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_data(name: str) -> Path:
    """Return a folder of the shared data; skip the test where it is absent."""
    folder = SHARED_DATA / name
    if not folder.is_dir():
        pytest.skip(f"needs the labelled photos in ../shared/data/{name}, which are absent")
    return folder
