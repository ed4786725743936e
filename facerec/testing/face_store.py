"""The contract of faces in any vector store; an implementation's tests inherit from this class.

``VectorStoreContract`` has the rules of vectors; this suite is about faces stored as vectors.
"""

from __future__ import annotations

import numpy as np
import pytest

from facerec.core.ids import group_of
from facerec.storage.faces import FaceStore
from facerec.testing.engine import fake_embedding
from facerec.testing.faces import by_image, stored_face
from facerec.testing.vectors import Settle


class FaceStoreContract:
    """Tests of faces; subclasses provide the fixture ``faces``.

    If reads do not see the latest writes, they provide ``settle`` too. The collection is called
    ``staff``; a store that outlives a test must be emptied.
    """

    @pytest.fixture
    def faces(self) -> FaceStore:
        raise NotImplementedError

    @pytest.fixture
    def settle(self) -> Settle:
        """Return a function that waits until everything written can be read."""
        return lambda: None

    def test_a_face_comes_back_as_it_was_put(self, faces: FaceStore, settle: Settle) -> None:
        face = stored_face("ann", external_image_id="ann:1.jpg", source="s3://photos/añ 1.jpg")
        faces.put_images("staff", by_image([face]))
        settle()
        (found,) = faces.get_faces("staff", [face.record.face_id])
        assert found.record == face.record
        assert found.embedding.dtype == np.float32
        assert found.embedding.tobytes() == face.embedding.tobytes()

    def test_an_external_image_id_may_be_missing(self, faces: FaceStore, settle: Settle) -> None:
        face = stored_face("ann", external_image_id=None)
        faces.put_images("staff", by_image([face]))
        settle()
        assert faces.list_faces("staff") == [face.record]

    def test_the_faces_of_an_image_are_found_replaced_and_deleted_together(
        self, faces: FaceStore, settle: Settle
    ) -> None:
        group = [stored_face("ann", image="group"), stored_face("bob", image="group", place=1)]
        other = stored_face("cyd")
        faces.put_images("staff", by_image([*group, other]))
        settle()
        (image_key,) = by_image(group)
        assert image_key == group_of(group[0].record.face_id)
        found = faces.get_images("staff", [image_key])
        expected = sorted((face.record for face in group), key=lambda record: record.face_id)
        assert found == {image_key: expected}
        faces.put_images("staff", {image_key: [group[1]]})
        settle()
        assert faces.get_images("staff", [image_key]) == {image_key: [group[1].record]}
        faces.put_images("staff", {image_key: []})
        settle()
        assert faces.count_faces("staff") == 1

    def test_a_search_returns_records_and_distances(self, faces: FaceStore, settle: Settle) -> None:
        near, far = stored_face("ann", image="1", away=0.1), stored_face("ann", image="2", away=0.3)
        faces.put_images("staff", by_image([far, near, stored_face("bob")]))
        settle()
        (found,) = faces.search("staff", fake_embedding("ann")[None], limit=5, max_distance=0.5)
        assert [neighbour.record for neighbour in found] == [near.record, far.record]
        assert [each.distance for each in found] == pytest.approx([0.1, 0.3], abs=1e-5)

    def test_deleted_faces_are_gone(self, faces: FaceStore, settle: Settle) -> None:
        ann, bob = stored_face("ann"), stored_face("bob")
        faces.put_images("staff", by_image([ann, bob]))
        settle()
        assert faces.delete_faces("staff", [ann.record.face_id]) == [ann.record.face_id]
        settle()
        assert faces.list_faces("staff") == [bob.record]
        faces.delete_namespace("staff")
        settle()
        assert faces.list_faces("staff") == []
