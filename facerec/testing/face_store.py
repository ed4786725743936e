"""What every store of faces must do; an implementation's tests inherit from this class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from facerec.core.protocols import FaceStore
from facerec.core.records import FaceRecord, StoredFace
from facerec.testing.engine import fake_embedding
from facerec.testing.faces import by_image, stored_face

Settle = Callable[[], None]


class FaceStoreContract:
    """Subclasses give the fixture ``store``, and ``settle`` if reads lag behind writes.

    Collections are called ``staff`` and ``guests``; a store that outlives a test must be emptied.
    """

    exactness = 1e-12
    """The largest error of a distance that the store may make."""

    many = 3000
    """Faces of the largest test; stores behind a network may take fewer, but over a thousand."""

    @pytest.fixture
    def store(self) -> FaceStore:
        raise NotImplementedError

    @pytest.fixture
    def settle(self) -> Settle:
        """Return what waits until all that was written can be read."""
        return lambda: None

    def test_a_face_comes_back_as_it_was_put(self, store: FaceStore, settle: Settle) -> None:
        face = stored_face("ann", external_image_id="ann:1.jpg", source="s3://photos/añ 1.jpg")
        store.put_images("staff", by_image([face]))
        settle()
        (found,) = store.get_faces("staff", [face.record.face_id])
        assert found.record == face.record
        assert found.embedding.dtype == np.float32
        assert found.embedding.tobytes() == face.embedding.tobytes()

    def test_an_external_image_id_may_be_missing(self, store: FaceStore, settle: Settle) -> None:
        face = stored_face("ann", external_image_id=None)
        store.put_images("staff", by_image([face]))
        settle()
        assert store.list_faces("staff") == [face.record]

    def test_faces_are_got_in_the_order_asked_for_without_those_unknown(
        self, store: FaceStore, settle: Settle
    ) -> None:
        faces = [stored_face(person) for person in ("ann", "bob", "cyd")]
        store.put_images("staff", by_image(faces))
        settle()
        ids = ids_of(faces)
        unknown = stored_face("nobody").record.face_id
        found = store.get_faces("staff", [ids[2], unknown, ids[0]])
        assert ids_of(found) == [ids[2], ids[0]]

    def test_putting_the_same_faces_again_changes_nothing(
        self, store: FaceStore, settle: Settle
    ) -> None:
        faces = [stored_face("ann", image="both"), stored_face("bob", image="both", place=1)]
        store.put_images("staff", by_image(faces))
        store.put_images("staff", by_image(faces))
        settle()
        assert store.count_faces("staff") == 2
        assert len(search_one(store, fake_embedding("ann"), max_distance=0.1)) == 1

    def test_an_image_holds_exactly_the_faces_that_were_put_last(
        self, store: FaceStore, settle: Settle
    ) -> None:
        first = [stored_face("ann", image="group"), stored_face("bob", image="group", place=1)]
        other = stored_face("cyd")
        second = [stored_face("dot", image="group"), stored_face("eve", image="group", place=2)]
        store.put_images("staff", by_image([*first, other]))
        settle()
        store.put_images("staff", by_image(second))
        settle()
        assert {record.face_id for record in store.list_faces("staff")} == {
            *ids_of(second),
            other.record.face_id,
        }
        assert search_one(store, fake_embedding("ann"), max_distance=0.3) == []
        assert search_one(store, fake_embedding("bob"), max_distance=0.3) == []
        assert search_one(store, fake_embedding("dot")) == [(second[0].record.face_id, 0.0)]

    def test_an_image_can_be_put_without_faces(self, store: FaceStore, settle: Settle) -> None:
        face = stored_face("ann")
        (image_key,) = by_image([face])
        store.put_images("staff", by_image([face]))
        settle()
        store.put_images("staff", {image_key: []})
        settle()
        assert store.count_faces("staff") == 0
        assert search_one(store, face.embedding) == []

    def test_images_are_found_by_key_those_without_faces_left_out(
        self, store: FaceStore, settle: Settle
    ) -> None:
        group = [stored_face("ann", image="group"), stored_face("bob", image="group", place=1)]
        single = stored_face("cyd")
        store.put_images("staff", by_image([*group, single]))
        settle()
        (group_key,) = by_image(group)
        (single_key,) = by_image([single])
        (unknown_key,) = by_image([stored_face("nobody")])
        found = store.find_images("staff", [group_key, unknown_key, single_key])
        assert found.keys() == {group_key, single_key}
        assert found[single_key] == [single.record]
        assert sorted_records(found[group_key]) == sorted_records([f.record for f in group])

    def test_the_nearest_faces_come_first_with_their_distances(
        self, store: FaceStore, settle: Settle
    ) -> None:
        faces = [
            stored_face("ann", image=f"shot {shot}", away=away, shot=shot)
            for shot, away in enumerate((0.3, 0.1, 0.4, 0.2))
        ]
        store.put_images("staff", by_image([*faces, stored_face("bob")]))
        settle()
        found = search_one(store, fake_embedding("ann"), top=3)
        assert [face_id for face_id, _ in found] == [
            faces[place].record.face_id for place in (1, 3, 0)
        ]
        assert [distance for _, distance in found] == pytest.approx([0.1, 0.2, 0.3], abs=1e-6)

    def test_the_distance_to_an_equal_embedding_is_zero(
        self, store: FaceStore, settle: Settle
    ) -> None:
        store.put_images("staff", by_image([stored_face("ann")]))
        settle()
        ((_, distance),) = search_one(store, fake_embedding("ann"))
        assert distance == pytest.approx(0.0, abs=self.exactness)

    def test_faces_at_the_greatest_distance_asked_for_count_and_those_beyond_do_not(
        self, store: FaceStore, settle: Settle
    ) -> None:
        probe = np.zeros(128, np.float32)
        at = np.zeros(128, np.float32)
        at[0] = 0.5
        beyond = np.zeros(128, np.float32)
        beyond[1] = 0.5001
        store.put_images(
            "staff",
            by_image([stored_face("ann", embedding=at), stored_face("bob", embedding=beyond)]),
        )
        settle()
        found = search_one(store, probe, max_distance=0.5)
        assert [face_id for face_id, _ in found] == [stored_face("ann").record.face_id]

    def test_every_probe_gets_its_own_neighbours(self, store: FaceStore, settle: Settle) -> None:
        people = [f"person {number}" for number in range(70)]
        faces = {person: stored_face(person, away=0.1) for person in people}
        store.put_images("staff", by_image(faces.values()))
        settle()
        probes = np.stack([fake_embedding(person) for person in [*people, "stranger"]])
        found = store.search("staff", probes, top=2, max_distance=0.3)
        assert [[n.record.face_id for n in neighbours] for neighbours in found] == [
            *([faces[person].record.face_id] for person in people),
            [],
        ]

    def test_no_probe_finds_nothing(self, store: FaceStore) -> None:
        assert store.search("staff", np.empty((0, 128), np.float32), top=1, max_distance=1) == []

    def test_an_unknown_collection_holds_no_faces(self, store: FaceStore) -> None:
        face_id = stored_face("ann").record.face_id
        assert store.count_faces("staff") == 0
        assert store.list_faces("staff") == []
        assert store.get_faces("staff", [face_id]) == []
        assert store.find_images("staff", [face_id[:24]]) == {}
        assert search_one(store, fake_embedding("ann")) == []
        assert store.delete_faces("staff", [face_id]) == []
        store.delete_namespace("staff")

    def test_collections_do_not_see_each_other(self, store: FaceStore, settle: Settle) -> None:
        ann, bob = stored_face("ann"), stored_face("bob")
        store.put_images("staff", by_image([ann]))
        store.put_images("guests", by_image([ann, bob]))
        settle()
        assert store.delete_faces("guests", ids_of([ann])) == ids_of([ann])
        settle()
        assert store.list_faces("staff") == [ann.record]
        assert store.list_faces("guests") == [bob.record]
        store.delete_namespace("guests")
        settle()
        assert store.count_faces("guests") == 0
        assert search_one(store, ann.embedding) == [(ann.record.face_id, 0.0)]

    def test_faces_are_listed_in_pages_in_the_order_of_their_ids(
        self, store: FaceStore, settle: Settle
    ) -> None:
        faces = [stored_face(f"person {number}") for number in range(25)]
        store.put_images("staff", by_image(faces))
        settle()
        listed: list[FaceRecord] = []
        while page := store.list_faces(
            "staff", after=listed[-1].face_id if listed else None, limit=10
        ):
            assert len(page) <= 10
            listed += page
        assert [record.face_id for record in listed] == sorted(ids_of(faces))

    def test_deleted_faces_are_gone_and_named(self, store: FaceStore, settle: Settle) -> None:
        faces = [stored_face(person) for person in ("ann", "bob", "cyd")]
        store.put_images("staff", by_image(faces))
        settle()
        ann, bob, cyd = ids_of(faces)
        unknown = stored_face("nobody").record.face_id
        assert store.delete_faces("staff", [cyd, unknown, ann]) == [cyd, ann]
        settle()
        assert store.delete_faces("staff", [cyd]) == []
        assert [record.face_id for record in store.list_faces("staff")] == [bob]
        assert store.get_faces("staff", [ann]) == []
        assert store.find_images("staff", [ann[:24]]) == {}
        assert search_one(store, fake_embedding("ann"), max_distance=0.3) == []
        assert store.count_faces("staff") == 1

    def test_faces_put_after_a_deletion_are_found(self, store: FaceStore, settle: Settle) -> None:
        faces = [stored_face(f"person {number}") for number in range(40)]
        store.put_images("staff", by_image(faces))
        settle()
        store.delete_faces("staff", ids_of(faces[:20]))
        later = [stored_face(f"later {number}") for number in range(30)]
        store.put_images("staff", by_image(later))
        settle()
        probes = np.stack([face.embedding for face in later])
        found = store.search("staff", probes, top=1, max_distance=0.1)
        assert [n.record.face_id for (n,) in found] == ids_of(later)
        assert store.count_faces("staff") == 50

    def test_a_search_sees_faces_put_since_the_last_one(
        self, store: FaceStore, settle: Settle
    ) -> None:
        for number in range(5):
            face = stored_face(f"person {number}")
            store.put_images("staff", by_image([face]))
            settle()
            ((face_id, _),) = search_one(store, face.embedding, top=1)
            assert face_id == face.record.face_id

    def test_thousands_of_faces_are_searched_exactly(
        self, store: FaceStore, settle: Settle
    ) -> None:
        random = np.random.default_rng(7)
        embeddings = random.normal(0.1, 0.06, (self.many, 128)).astype(np.float32)
        faces = [
            stored_face(f"person {number}", embedding=embedding)
            for number, embedding in enumerate(embeddings)
        ]
        for start in range(0, len(faces), 500):
            store.put_images("staff", by_image(faces[start : start + 500]))
        settle()
        probe = random.normal(0.1, 0.06, 128).astype(np.float32)
        differences = embeddings.astype(np.float64) - probe
        distances = np.sqrt((differences**2).sum(axis=1))
        nearest = np.argsort(distances)[:50]
        found = search_one(store, probe, top=50, max_distance=10.0)
        assert [face_id for face_id, _ in found] == [faces[n].record.face_id for n in nearest]
        assert [distance for _, distance in found] == pytest.approx(
            distances[nearest].tolist(), abs=self.exactness
        )

    @pytest.mark.parametrize(
        "embedding",
        [
            np.zeros(127, np.float32),
            np.zeros(128, np.float64),
            np.full(128, np.nan, np.float32),
            np.full(128, np.inf, np.float32),
        ],
        ids=["short", "float64", "not a number", "infinite"],
    )
    def test_what_is_no_embedding_is_refused(self, store: FaceStore, embedding: np.ndarray) -> None:
        face = stored_face("ann", embedding=embedding)
        with pytest.raises(ValueError, match="embedding"):
            store.put_images("staff", by_image([stored_face("bob"), face]))
        assert store.count_faces("staff") == 0

    def test_a_face_of_another_image_is_refused(self, store: FaceStore) -> None:
        with pytest.raises(ValueError, match="not of image"):
            store.put_images("staff", {"00000000-0000-8000-8000-": [stored_face("ann")]})

    @pytest.mark.parametrize("image_key", ["", "0", "00000000-0000-8000-8000", "%" * 24])
    def test_what_is_no_image_key_replaces_nothing(
        self, store: FaceStore, settle: Settle, image_key: str
    ) -> None:
        store.put_images("staff", by_image([stored_face("ann")]))
        settle()
        with pytest.raises(ValueError, match="key of an image"):
            store.put_images("staff", {image_key: []})
        assert store.count_faces("staff") == 1

    @pytest.mark.parametrize("top", [0, 4097])
    def test_a_number_of_neighbours_out_of_range_is_refused(
        self, store: FaceStore, top: int
    ) -> None:
        with pytest.raises(ValueError, match="top"):
            search_one(store, fake_embedding("ann"), top=top)


def search_one(
    store: FaceStore, probe: np.ndarray, *, top: int = 10, max_distance: float = 0.6
) -> list[tuple[str, float]]:
    """Return ids and distances of the neighbours of one probe in ``staff``."""
    (neighbours,) = store.search("staff", probe[None], top=top, max_distance=max_distance)
    return [(neighbour.record.face_id, neighbour.distance) for neighbour in neighbours]


def ids_of(faces: list[StoredFace]) -> list[str]:
    return [face.record.face_id for face in faces]


def sorted_records(records: list[FaceRecord]) -> list[FaceRecord]:
    return sorted(records, key=lambda record: record.face_id)
