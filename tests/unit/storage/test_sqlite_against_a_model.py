"""Any sequence of operations leaves the store equal to a dictionary."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from facerec.core.ids import group_of
from facerec.core.records import StoredFace
from facerec.storage.sqlite import SqliteStore
from facerec.testing.faces import by_image, stored_face

collections = st.sampled_from(["staff", "guests"])
images = st.integers(0, 15)
faces_of_image = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=4)


class StoreAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "facerec.db"
        self.store = SqliteStore(self.path)
        self.model: dict[str, dict[str, StoredFace]] = {"staff": {}, "guests": {}}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(collection=collections, wanted=st.dictionaries(images, faces_of_image, max_size=12))
    def put(self, collection: str, wanted: dict[int, list[tuple[int, int]]]) -> None:
        put: dict[str, list[StoredFace]] = {}
        for image, places in wanted.items():
            name = f"image {image}"
            (key,) = by_image([stored_face("", image=name)])
            put[key] = [
                stored_face(f"person {place}", image=name, place=place, shot=shot, away=0.1)
                for place, shot in dict(places).items()
            ]
        self.store.put_images(collection, put)
        held = self.model[collection]
        for face_id in [face_id for face_id in held if group_of(face_id) in put]:
            del held[face_id]
        held.update({face.record.face_id: face for faces in put.values() for face in faces})

    @rule(collection=collections, data=st.data())
    def delete_faces(self, collection: str, data: st.DataObject) -> None:
        held = self.model[collection]
        known = data.draw(st.lists(st.sampled_from(sorted(held)), unique=True)) if held else []
        unknown = stored_face("nobody").record.face_id
        assert self.store.delete_faces(collection, [*known, unknown]) == known
        for face_id in known:
            del held[face_id]

    @rule(collection=collections)
    def delete_namespace(self, collection: str) -> None:
        self.store.delete_namespace(collection)
        self.model[collection] = {}

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path)

    @invariant()
    def store_equals_model(self) -> None:
        for collection, held in self.model.items():
            assert self.store.count_faces(collection) == len(held)
            listed = self.store.list_faces(collection)
            assert listed == [held[face_id].record for face_id in sorted(held)]
            got = self.store.get_faces(collection, sorted(held))
            for face in got:
                expected = held[face.record.face_id].embedding
                assert face.embedding.tobytes() == expected.tobytes()
            assert self.found(collection) == {face_id: 0.0 for face_id in held}, (
                "each face finds itself"
            )

    def found(self, collection: str) -> dict[str, float]:
        held = self.model[collection]
        if not held:
            probes = stored_face("person 0").embedding[None]
            assert self.store.search(collection, probes, limit=9, max_distance=9.0) == [[]]
            return {}
        probes = np.stack([face.embedding for face in held.values()])
        found = self.store.search(collection, probes, limit=4096, max_distance=9.0)
        distances = {}
        for face_id, neighbours in zip(held, found, strict=True):
            assert len(neighbours) == len(held)
            distances |= {
                neighbour.record.face_id: neighbour.distance
                for neighbour in neighbours
                if neighbour.record.face_id == face_id
            }
        return distances


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
