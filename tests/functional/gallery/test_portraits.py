"""Real photos through the real engine: people who smile, searched among neutral portraits."""

import pytest

from facerec.core.options import FaceOptions, QualityFilter
from facerec.engine.engine import open_engine
from facerec.gallery.search.decision import Decision
from facerec.gallery.search.search_results import SearchedFace
from facerec.storage.sqlite import SqliteStore
from tests.support.gallery import Collaborators
from tests.support.shared_data import shared_data

LARGE_FACES = FaceOptions(smallest_face=250, quality_filter=QualityFilter.NONE)
"""A face fills each portrait; looking for small ones as well would take ten times as long."""


@pytest.fixture(scope="module")
def searches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SearchedFace]:
    """Return the search of each person's smiling portrait among 34 neutral ones."""
    portraits = shared_data("london")
    found = {}
    with SqliteStore(tmp_path_factory.mktemp("store") / "facerec.db") as store:
        gallery = Collaborators(store, store, open_engine(threads=1)).gallery()
        gallery.create_collection("portraits")
        for photo in sorted(portraits.glob("*_neutral_front.jpg")):
            gallery.index(
                "portraits", photo, external_image_id=person(photo.name), options=LARGE_FACES
            )
        for photo in sorted(portraits.glob("*_smiling_front.jpg")):
            result = gallery.search("portraits", photo, options=LARGE_FACES)
            (found[person(photo.name)],) = result.faces
    return found


def person(file_name: str) -> str:
    return file_name.partition("_")[0]


def test_at_least_33_of_34_smiling_people_are_named_first(
    searches: dict[str, SearchedFace],
) -> None:
    right = [
        name
        for name, searched in searches.items()
        if searched.matches and searched.matches[0].face.external_image_id == name
    ]
    assert len(searches) == 34
    assert len(right) >= 33


def test_no_decision_names_the_wrong_person(searches: dict[str, SearchedFace]) -> None:
    decided = {
        name: searched.matches[0].face.external_image_id
        for name, searched in searches.items()
        if searched.decision is Decision.MATCH
    }
    assert len(decided) >= 33
    assert all(name == found for name, found in decided.items())
