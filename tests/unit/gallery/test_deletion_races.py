"""Photos indexed while their collection is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.errors import CollectionNotFoundError
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators

ANN = fake_photo(fake_face("ann"))


class InterruptedEngine(FakeEngine):
    """Does something else while it processes a photo."""

    def __init__(self, interrupt: Callable[[], object]) -> None:
        super().__init__()
        self._interrupt = interrupt

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        self._interrupt()
        return super().analyse(photos, options)


def test_a_photo_indexed_while_its_collection_is_deleted_leaves_no_face(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    engine = InterruptedEngine(lambda: gallery.delete_collection("staff"))
    with pytest.raises(CollectionNotFoundError):
        replace(collaborators, engine=engine).gallery().index("staff", ANN)
    assert collaborators.faces.count_faces("staff") == 0


def test_a_photo_indexed_into_a_deleted_collection_is_not_in_the_next_of_its_name(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    def delete_and_create() -> None:
        gallery.delete_collection("staff")
        collaborators.clock.now += 1
        gallery.create_collection("staff")

    engine = InterruptedEngine(delete_and_create)
    with pytest.raises(CollectionNotFoundError):
        replace(collaborators, engine=engine).gallery().index("staff", ANN)
    assert gallery.describe_collection("staff").face_count == 0


def test_a_face_that_the_next_collection_indexed_itself_stays(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    def delete_create_and_index() -> None:
        gallery.delete_collection("staff")
        collaborators.clock.now += 1
        gallery.create_collection("staff")
        gallery.index("staff", ANN)
        collaborators.clock.now += 1

    engine = InterruptedEngine(delete_create_and_index)
    with pytest.raises(CollectionNotFoundError):
        replace(collaborators, engine=engine).gallery().index("staff", ANN)
    assert gallery.describe_collection("staff").face_count == 1
