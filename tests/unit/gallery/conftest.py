from collections.abc import Iterator
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
