"""Photos indexed while their collection is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from facerec.core.faces import CohortStats
from facerec.core.ids import group_of
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.records import StoredFace
from facerec.errors import CollectionNotFoundError
from facerec.gallery.gallery import Gallery
from facerec.gallery.transfer.importing import KnownFace
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators

ANN = fake_photo(fake_face("ann"))
FACE_ID = "6f2c1d2e-0000-4000-8000-000000000001"
IMAGE_ID = "6f2c1d2e-0000-4000-8000-000000000002"


def index_ann(gallery: Gallery) -> object:
    return gallery.index("staff", ANN)


def import_ann(gallery: Gallery) -> object:
    (face,) = gallery.detect(ANN).faces
    return gallery.import_faces("staff", ANN, [KnownFace(FACE_ID, IMAGE_ID, None, face.box)])


both_ways = pytest.mark.parametrize("store_ann", [index_ann, import_ann])
"""The operations that add the faces of one photo."""


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


@both_ways
def test_a_photo_indexed_while_its_collection_is_deleted_leaves_no_face(
    gallery: Gallery, collaborators: Collaborators, store_ann: Callable[[Gallery], object]
) -> None:
    engine = InterruptedEngine(lambda: gallery.delete_collection("staff"))
    with pytest.raises(CollectionNotFoundError):
        store_ann(replace(collaborators, engine=engine).gallery())
    assert collaborators.faces.count_faces("staff") == 0


@both_ways
def test_a_photo_indexed_into_a_deleted_collection_is_not_in_the_next_of_its_name(
    gallery: Gallery, collaborators: Collaborators, store_ann: Callable[[Gallery], object]
) -> None:
    def delete_and_create() -> None:
        gallery.delete_collection("staff")
        collaborators.clock.now += 1
        gallery.create_collection("staff")

    engine = InterruptedEngine(delete_and_create)
    with pytest.raises(CollectionNotFoundError):
        store_ann(replace(collaborators, engine=engine).gallery())
    assert gallery.describe_collection("staff").face_count == 0


@both_ways
def test_a_face_that_the_next_collection_indexed_itself_stays(
    gallery: Gallery, collaborators: Collaborators, store_ann: Callable[[Gallery], object]
) -> None:
    def delete_create_and_index() -> None:
        gallery.delete_collection("staff")
        collaborators.clock.now += 1
        gallery.create_collection("staff")
        store_ann(gallery)
        collaborators.clock.now += 1

    engine = InterruptedEngine(delete_create_and_index)
    with pytest.raises(CollectionNotFoundError):
        store_ann(replace(collaborators, engine=engine).gallery())
    assert gallery.describe_collection("staff").face_count == 1


class InterruptedCohort(FakeEngine):
    """Does something else while it computes cohort stats."""

    def __init__(self, interrupt: Callable[[], object]) -> None:
        super().__init__()
        self._interrupt = interrupt

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        self._interrupt()
        return super().cohort_stats(embeddings)


def test_refreshing_stats_neither_restores_a_deleted_face_nor_drops_a_new_one(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    photo = fake_photo(fake_face("ann"), fake_face("bob", left=0.5))
    both = gallery.index("staff", photo).faces
    ann, bob = collaborators.faces.get_faces("staff", [face.record.face_id for face in both])
    (key,) = {group_of(ann.record.face_id)}
    stale = StoredFace(replace(ann.record, stats=None), ann.embedding)
    collaborators.faces.put_images("staff", {key: [stale]})

    def delete_one_and_add_one() -> None:
        gallery.delete_faces("staff", [stale.record.face_id])
        collaborators.faces.put_images("staff", {key: [bob]})

    engine = InterruptedCohort(delete_one_and_add_one)
    replace(collaborators, engine=engine).gallery().refresh_stats("staff")
    assert collaborators.faces.list_faces("staff") == [bob.record]
