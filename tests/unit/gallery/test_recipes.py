"""Collections of several recipes in one gallery."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.errors import InvalidInputError, ModelMismatchError
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators


def photo_of_ann(shot: int = 1) -> bytes:
    return fake_photo(fake_face("ann", shot=shot, away=0.1))


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    recipes = {"fast": FakeEngine(), "accurate": FakeEngine("fake-accurate")}
    return Collaborators.in_folder(tmp_path, recipes=recipes).gallery()


@pytest.mark.parametrize("recipe", ["fast", "accurate"])
def test_a_collection_is_indexed_and_searched_with_its_own_recipe(
    gallery: Gallery, recipe: str
) -> None:
    created = gallery.create_collection("staff", recipe=recipe)
    (face,) = gallery.index("staff", photo_of_ann()).faces
    assert face.record.model_version == created.model_version
    (searched,) = gallery.search("staff", photo_of_ann(2)).faces
    assert [match.face.face_id for match in searched.matches] == [face.record.face_id]
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face.record.face_id])
    found = gallery.search_users_by_photo("staff", photo_of_ann(3))
    assert [match.user.user_id for match in found.matches] == ["ann"]
    page = gallery.find("staff", photo_of_ann(3))
    assert [each.match.face.face_id for each in page.found] == [face.record.face_id]


def test_a_collection_without_a_recipe_has_that_of_the_gallery(gallery: Gallery) -> None:
    assert gallery.create_collection("staff").model_version == gallery.model_version


def test_an_unknown_recipe_is_refused_with_the_known_ones(gallery: Gallery) -> None:
    with pytest.raises(InvalidInputError, match="recipe 'best' is not available") as caught:
        gallery.create_collection("staff", recipe="best")
    assert caught.value.hint == "choose one of accurate, fast"


def test_a_gallery_without_the_recipe_of_a_collection_refuses_to_search_it(tmp_path: Path) -> None:
    recipes = {"accurate": FakeEngine("fake-accurate")}
    collaborators = Collaborators.in_folder(tmp_path, recipes=recipes)
    collaborators.gallery().create_collection("staff", recipe="accurate")
    collaborators.recipes = {}
    with pytest.raises(ModelMismatchError, match="'fake-accurate'"):
        collaborators.gallery().search("staff", photo_of_ann())
