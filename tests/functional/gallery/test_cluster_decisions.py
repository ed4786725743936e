"""Whatever is indexed, deleted and clustered again: nothing that people decided changes.

``python -m tests.support.cluster_decisions`` is the long form.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.gallery.gallery import Gallery
from tests.support.cluster_decisions import no_decision_changes
from tests.support.gallery import Collaborators
from tests.support.long import mostly_long

RUNS = 40
"""Clusterings of each seed."""


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """A gallery with the empty collection ``staff``."""
    collaborators = Collaborators.in_folder(tmp_path)
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    yield gallery
    collaborators.records.close()


@pytest.mark.parametrize("seed", mostly_long(range(5), 1))
def test_no_decision_changes_in_forty_random_runs(gallery: Gallery, seed: int) -> None:
    assert no_decision_changes(gallery, seed, RUNS).count > 5
