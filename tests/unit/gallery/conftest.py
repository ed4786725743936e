from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facerec.gallery.gallery import Gallery
from tests.support.gallery import Collaborators


@pytest.fixture
def collaborators(tmp_path: Path) -> Iterator[Collaborators]:
    collaborators = Collaborators.in_folder(tmp_path)
    yield collaborators
    collaborators.records.close()


@pytest.fixture
def gallery(collaborators: Collaborators) -> Gallery:
    """A gallery with the empty collection ``staff``."""
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    return gallery


@pytest.fixture
def today(collaborators: Collaborators) -> None:
    """Set the clock to the day on which ``YEAR`` begins."""
    collaborators.clock.now = datetime(2026, 11, 26, 15, tzinfo=UTC).timestamp()
