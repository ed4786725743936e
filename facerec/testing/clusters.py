"""The contract of stores of clusters; an implementation's tests inherit from this class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facerec.core.clusters import Cluster, ClusterChanges
from facerec.core.faces import Quality
from facerec.core.protocols.clusters import ClusterStore
from facerec.core.protocols.records import RecordStore
from facerec.core.records import Collection, User
from facerec.errors import CollectionNotFoundError, ConflictError
from facerec.storage.faces import FaceStore
from facerec.testing.engine import FAKE_COHORT_STATS
from facerec.testing.faces import by_image, stored_face

FACES = [stored_face("ann", image=f"photo {number}", shot=number) for number in range(6)]
FACES[0] = replace(
    FACES[0],
    record=replace(FACES[0].record, quality=replace(FACES[0].record.quality, sharpness=5.0)),
)
BLURRED = FACES[0].record.face_id
IDS = sorted(face.record.face_id for face in FACES)
NOBODY = ClusterChanges({}, {}, [])
VERSION = FAKE_COHORT_STATS.version


def is_clear(quality: Quality) -> bool:
    """Return whether a face is sharp; all faces of the contract are, except ``BLURRED``."""
    return quality.sharpness > 10


class ClusterStoreContract:
    """Tests of clusters; subclasses provide ``clusters``, ``faces`` and ``records``."""

    @pytest.fixture
    def clusters(self) -> ClusterStore:
        raise NotImplementedError

    @pytest.fixture
    def faces(self) -> FaceStore:
        raise NotImplementedError

    @pytest.fixture
    def records(self) -> RecordStore:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def staff(self, faces: FaceStore, records: RecordStore) -> None:
        records.create_collection(Collection("staff", "fake-1", 1.0))
        faces.put_images("staff", by_image(FACES))

    @staticmethod
    def save(clusters: ClusterStore, changes: ClusterChanges = NOBODY) -> list[int]:
        state = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").state
        return clusters.save_clusters("staff", changes, state)

    def test_faces_are_read_as_arrays(self, clusters: ClusterStore) -> None:
        arrays = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp")
        by_slot = clusters.face_ids_of_slots(arrays.slots.tolist())
        ids = [by_slot[slot] for slot in arrays.slots.tolist()]
        assert sorted(ids) == IDS
        assert clusters.slots_of_faces("staff", IDS) == {
            each: slot for slot, each in by_slot.items()
        }
        stored = {face.record.face_id: face for face in FACES}
        embeddings = np.stack([stored[face_id].embedding for face_id in ids])
        assert np.array_equal(clusters.read_embeddings(arrays.slots), embeddings)
        assert np.array_equal(clusters.read_embeddings(arrays.slots[[1, 4]]), embeddings[[1, 4]])
        assert set(arrays.means.tolist()) == {np.float32(FAKE_COHORT_STATS.mean)}
        blurred = [face_id for face_id, clear in zip(ids, arrays.clear, strict=True) if not clear]
        assert blurred == [BLURRED]
        assert len(set(arrays.photos.tolist())) == len(IDS)
        assert arrays.changed.all()

    def test_what_is_read_again_is_as_if_read_for_the_first_time(
        self, clusters: ClusterStore, faces: FaceStore
    ) -> None:
        self.save(clusters)
        stats = replace(FAKE_COHORT_STATS, mean=0.25)
        faces.put_stats("staff", {IDS[1]: stats})
        faces.delete_faces("staff", [IDS[2]])
        faces.put_images("staff", by_image([stored_face("bob"), stored_face("cyd")]))
        arrays = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp")
        by_slot = clusters.face_ids_of_slots(arrays.slots.tolist())
        means = {by_slot[slot]: mean for slot, mean in zip(arrays.slots, arrays.means, strict=True)}
        assert len(means) == len(IDS) + 1
        assert [face_id for face_id, mean in means.items() if mean == np.float32(0.25)] == [IDS[1]]
        again = clusters.read_face_arrays("staff", VERSION, lambda _: False, "none is")
        assert not again.clear.any()
        assert np.array_equal(again.means, arrays.means)

    def test_the_state_is_that_of_the_arrays(self, clusters: ClusterStore) -> None:
        arrays = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp")
        assert clusters.read_state("staff") == arrays.state
        assert clusters.read_state("nowhere") is None

    def test_stats_of_another_cohort_are_not_read(self, clusters: ClusterStore) -> None:
        arrays = clusters.read_face_arrays("staff", "another", is_clear, "sharp")
        assert np.isnan(arrays.means).all()
        assert np.isnan(arrays.deviations).all()

    def test_faces_of_one_photo_have_one_number(
        self, clusters: ClusterStore, faces: FaceStore
    ) -> None:
        faces.put_images(
            "staff", by_image(stored_face("b", image="pair", place=place) for place in (0, 5))
        )
        arrays = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp")
        assert len(set(arrays.photos.tolist())) == len(IDS) + 1

    def test_only_later_faces_have_changed(self, clusters: ClusterStore, faces: FaceStore) -> None:
        self.save(clusters)
        assert not clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").changed.any()
        later = stored_face("bob")
        faces.put_images("staff", by_image([later]))
        arrays = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp")
        slot = clusters.slots_of_faces("staff", [later.record.face_id])[later.record.face_id]
        assert arrays.slots[arrays.changed].tolist() == [slot]

    def test_clusters_come_back_largest_first(self, clusters: ClusterStore) -> None:
        assert self.save(clusters, ClusterChanges({}, {}, [IDS[:2], IDS[2:5]])) == [1, 2]
        second, first = Cluster(2, tuple(IDS[2:5])), Cluster(1, tuple(IDS[:2]))
        assert clusters.list_clusters("staff") == [second, first]
        assert clusters.list_clusters("staff", limit=1) == [second]
        assert clusters.list_clusters("staff", after=(3, 2)) == [first]
        assert clusters.get_clusters("staff", [1, 9, 2]) == [first, second]
        assert clusters.clusters_of_faces("staff", IDS[1:3]) == {IDS[1]: 1, IDS[2]: 2}
        assert clusters.members_of_clusters("staff", [1, 9]) == {1: IDS[:2]}

    def test_faces_join_and_clusters_merge(self, clusters: ClusterStore) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:2], IDS[2:4]]))
        self.save(clusters, ClusterChanges({IDS[4]: 1}, {2: 1}, []))
        assert clusters.list_clusters("staff") == [Cluster(1, tuple(IDS[:5]))]
        assert self.save(clusters, ClusterChanges({}, {}, [[IDS[5]]])) == [3]

    def test_faces_that_are_clustered_or_deleted_concurrently_stay_so(
        self, clusters: ClusterStore, faces: FaceStore
    ) -> None:
        state = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").state
        self.save(clusters, ClusterChanges({}, {}, [IDS[:2]]))
        faces.delete_faces("staff", [IDS[2]])
        clusters.save_clusters("staff", ClusterChanges({}, {}, [IDS[1:5]]), state)
        assert clusters.members_of_clusters("staff", [1, 2]) == {1: IDS[:2], 2: IDS[3:5]}

    def test_clusters_show_the_faces_without_a_user(
        self, clusters: ClusterStore, records: RecordStore
    ) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:3], IDS[3:5]]))
        for name, own in (("ann", IDS[:2]), ("bob", IDS[3:5])):
            records.create_user("staff", User(name, 1.0))
            records.change_user("staff", name, version=0, add=own)
        assert clusters.list_clusters("staff") == [Cluster(1, (IDS[2],), "ann")]
        assert clusters.get_clusters("staff", [2]) == []
        assert clusters.members_of_clusters("staff", [2]) == {2: IDS[3:5]}
        records.delete_user("staff", "bob")
        assert clusters.get_clusters("staff", [2]) == [Cluster(2, tuple(IDS[3:5]))]

    def test_a_cluster_of_a_person_with_all_faces_that_one_can_have_is_not_listed(
        self, clusters: ClusterStore, records: RecordStore
    ) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:3], IDS[3:5]]))
        records.create_user("staff", User("ann", 1.0, tuple(IDS[:2])))
        listed = [each.number for each in clusters.list_clusters("staff", max_faces=3)]
        assert listed == [2, 1]
        assert [each.number for each in clusters.list_clusters("staff", max_faces=2)] == [2]

    def test_changes_to_what_was_read_before_are_not_saved(self, clusters: ClusterStore) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:2], IDS[2:4]]))
        for change in (
            lambda: clusters.set_ignored("staff", 2, ignored=True),
            lambda: clusters.set_ignored("staff", 2, ignored=False),
            lambda: clusters.set_not_faces("staff", IDS[4:5], lift=False),
            lambda: clusters.set_not_faces("staff", IDS[4:5], lift=True),
            lambda: clusters.leave_clusters("staff", IDS[:1]),
            lambda: self.save(clusters, ClusterChanges({}, {}, [[IDS[0]]])),
        ):
            version = clusters.read_version("staff")
            state = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").state
            change()
            assert clusters.read_version("staff") != version
            with pytest.raises(ConflictError):
                merged = ClusterChanges({}, {2: 1}, [])
                clusters.save_clusters("staff", merged, state, version=version)
        assert clusters.members_of_clusters("staff", [2]) == {2: IDS[2:4]}
        current = clusters.read_version("staff")
        clusters.save_clusters("staff", ClusterChanges({}, {2: 1}, []), state, version=current)
        assert clusters.members_of_clusters("staff", [2]) == {}

    def test_clusters_of_several_users_are_mixed(
        self, clusters: ClusterStore, records: RecordStore
    ) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:3], IDS[3:5]]))
        for name, own in (("ann", IDS[:2]), ("bob", IDS[2:4])):
            records.create_user("staff", User(name, 1.0))
            records.change_user("staff", name, version=0, add=own)
        assert clusters.mixed_clusters("staff") == [1]

    def test_ignored_clusters_are_not_listed(self, clusters: ClusterStore) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:2]]))
        clusters.set_ignored("staff", 1, ignored=True)
        clusters.set_ignored("staff", 1, ignored=True)
        assert clusters.ignored_clusters("staff") == {1}
        assert clusters.list_clusters("staff") == []
        assert clusters.get_clusters("staff", [1]) == [Cluster(1, tuple(IDS[:2]), ignored=True)]
        clusters.set_ignored("staff", 1, ignored=False)
        assert [each.number for each in clusters.list_clusters("staff")] == [1]

    def test_a_face_that_leaves_is_clustered_again(self, clusters: ClusterStore) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:3]]))
        clusters.leave_clusters("staff", IDS[:1])
        assert clusters.list_clusters("staff") == [Cluster(1, tuple(IDS[1:3]))]
        assert clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").changed.sum() == 1
        self.save(clusters)
        assert not clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").changed.any()

    def test_what_is_not_a_face_is_not_read(self, clusters: ClusterStore) -> None:
        self.save(clusters)
        clusters.set_not_faces("staff", IDS[:2], lift=False)
        assert clusters.list_not_faces("staff") == IDS[:2]
        assert len(clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").slots) == 4
        clusters.set_not_faces("staff", IDS[:1], lift=True)
        arrays = clusters.read_face_arrays("staff", VERSION, is_clear, "sharp")
        assert (len(arrays.slots), arrays.changed.sum()) == (5, 1)

    def test_deleted_faces_leave_nothing_behind(
        self, clusters: ClusterStore, faces: FaceStore
    ) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:3]]))
        clusters.set_not_faces("staff", IDS[3:4], lift=False)
        clusters.leave_clusters("staff", IDS[2:3])
        assert {IDS[0], IDS[3]} <= clusters.faces_with_data("staff", IDS)
        faces.delete_faces("staff", [IDS[0], IDS[2], IDS[3]])
        assert clusters.members_of_clusters("staff", [1]) == {1: IDS[1:2]}
        assert clusters.faces_with_data("staff", [IDS[0], *IDS[2:4]]) == set()
        assert clusters.faces_with_data("staff", IDS[1:2]) == {IDS[1]}
        assert clusters.list_not_faces("staff") == []

    def test_a_deleted_collection_leaves_nothing_behind(
        self, clusters: ClusterStore, faces: FaceStore, records: RecordStore
    ) -> None:
        self.save(clusters, ClusterChanges({}, {}, [IDS[:3]]))
        clusters.set_ignored("staff", 1, ignored=True)
        clusters.set_not_faces("staff", IDS[3:4], lift=False)
        faces.delete_namespace("staff")
        records.delete_collection("staff")
        assert clusters.members_of_clusters("staff", [1]) == {}
        for refused in (
            lambda: clusters.save_clusters("staff", NOBODY, None),
            lambda: clusters.set_ignored("staff", 1, ignored=True),
            lambda: clusters.set_not_faces("staff", IDS[:1], lift=False),
        ):
            with pytest.raises(CollectionNotFoundError):
                refused()
        records.create_collection(Collection("staff", "fake-1", 2.0))
        assert clusters.ignored_clusters("staff") == set()
        assert clusters.list_not_faces("staff") == []
        assert len(clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").slots) == 0
        faces.put_images("staff", by_image(FACES))
        assert clusters.read_face_arrays("staff", VERSION, is_clear, "sharp").changed.all()
