"""The contract of stores of people."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from facerec.core.protocols.records import RecordStore
from facerec.core.records import Collection, User
from facerec.errors import (
    CollectionNotFoundError,
    ConflictError,
    UserExistsError,
    UserNameExistsError,
    UserNotFoundError,
)
from facerec.testing.faces import stored_face
from facerec.testing.records.two_collections import TwoCollections

FACES = [stored_face(f"person {number}").record.face_id for number in range(250)]


class UserContract(TwoCollections):
    """Tests of people, their names and their faces."""

    def test_a_user_comes_back_as_it_was_created(self, records: RecordStore) -> None:
        user = User("ann:1", 1_700_000_000.125)
        records.create_user("staff", user)
        assert records.get_user("staff", "ann:1") == user

    def test_a_user_is_created_with_its_faces_or_not_at_all(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0, tuple(FACES[:100]), name="Ann"))
        ann = records.get_user("staff", "ann")
        assert (sorted(ann.face_ids), ann.vector_version) == (sorted(FACES[:100]), 0)
        assert ann.version > 0
        assert set(records.users_of_faces("staff", FACES[:101])) == set(FACES[:100])
        with pytest.raises(ConflictError):
            records.create_user("staff", User("bob", 2.0, (FACES[100], FACES[0])))
        assert records.get_users("staff", ["bob"]) == []
        assert records.users_of_faces("staff", FACES[100:101]) == {}

    def test_a_user_is_created_once_in_each_collection(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.create_user("guests", User("ann", 2.0))
        with pytest.raises(UserExistsError):
            records.create_user("staff", User("ann", 3.0))
        assert records.get_user("staff", "ann").created_at == 1.0

    def test_of_callers_that_create_one_user_at_once_exactly_one_succeeds(
        self, records: RecordStore
    ) -> None:
        def create(number: int) -> bool:
            try:
                records.create_user("staff", User("ann", float(number)))
            except UserExistsError:
                return False
            return True

        with ThreadPoolExecutor(8) as callers:
            assert sorted(callers.map(create, range(8))) == [False] * 7 + [True]

    def test_a_user_needs_a_collection(self, records: RecordStore) -> None:
        with pytest.raises(CollectionNotFoundError):
            records.create_user("nowhere", User("ann", 1.0))

    def test_an_unknown_user_is_an_error_that_names_it(self, records: RecordStore) -> None:
        with pytest.raises(UserNotFoundError) as raised:
            records.get_user("staff", "ann")
        assert raised.value.user_id == "ann"
        with pytest.raises(UserNotFoundError):
            records.delete_user("staff", "ann")
        with pytest.raises(UserNotFoundError):
            records.change_user("staff", "ann", version=0, add=FACES[:1])
        assert not records.set_vector_version("staff", User("ann", 1.0))

    def test_users_are_listed_in_pages_in_the_order_of_their_names(
        self, records: RecordStore
    ) -> None:
        names = ["b", "A", "a", "a:1", "a-1", "Z9", "0", "_", "b" * 128]
        for name in names:
            records.create_user("staff", User(name, 1.0))
        records.create_user("guests", User("elsewhere", 1.0))
        first = records.list_users("staff", limit=5)
        rest = records.list_users("staff", after=first[-1].user_id, limit=5)
        assert [user.user_id for user in first + rest] == sorted(names)
        assert records.count_users("staff") == len(names)

    def test_associated_faces_stay_in_order_and_know_their_user(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        first = records.change_user("staff", "ann", version=0, add=FACES[3:5])
        second = records.change_user("staff", "ann", version=1, add=FACES[:2])
        assert first == User("ann", 1.0, (FACES[3], FACES[4]), 1, 0)
        assert second == User("ann", 1.0, (*FACES[3:5], *FACES[:2]), 2, 0)
        assert records.get_user("staff", "ann") == second
        assert records.list_users("staff") == [second]
        assert records.users_of_faces("staff", FACES[1:4]) == {FACES[1]: "ann", FACES[3]: "ann"}
        assert records.users_of_faces("guests", FACES[1:4]) == {}

    def test_users_are_returned_in_the_order_requested_without_unknown_ones(
        self, records: RecordStore
    ) -> None:
        names = [f"user-{number:03}" for number in range(120)]
        for name in names:
            records.create_user("staff", User(name, 1.0))
        records.create_user("guests", User("guest", 1.0))
        ann = records.change_user("staff", names[0], version=0, add=FACES[:2])
        requested = [*reversed(names), "nobody", "guest"]
        found = records.get_users("staff", requested)
        assert [user.user_id for user in found] == list(reversed(names))
        assert found[-1] == ann
        assert records.get_users("staff", []) == []

    def test_faces_can_be_disassociated_and_associated_again(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.create_user("staff", User("bob", 1.0))
        records.change_user("staff", "ann", version=0, add=FACES[:3])
        left = records.change_user("staff", "ann", version=1, remove=FACES[:2])
        assert left.face_ids == (FACES[2],)
        records.change_user("staff", "bob", version=0, add=FACES[:1])
        assert records.users_of_faces("staff", FACES[:3]) == {FACES[0]: "bob", FACES[2]: "ann"}

    def test_a_hundred_faces_can_be_changed_in_one_step(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        user = records.change_user("staff", "ann", version=0, add=FACES[:100])
        assert user.face_ids == tuple(FACES[:100])
        user = records.change_user("staff", "ann", version=user.version, remove=FACES[:100])
        assert user.face_ids == ()
        assert records.users_of_faces("staff", FACES[:100]) == {}

    def test_a_face_of_another_user_changes_nothing(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.create_user("staff", User("bob", 1.0))
        records.change_user("staff", "ann", version=0, add=FACES[:1])
        with pytest.raises(ConflictError):
            records.change_user("staff", "bob", version=0, add=[FACES[1], FACES[0]])
        assert records.get_user("staff", "bob") == User("bob", 1.0)
        assert records.users_of_faces("staff", FACES[:2]) == {FACES[0]: "ann"}

    def test_of_changes_that_start_from_one_version_exactly_one_succeeds(
        self, records: RecordStore
    ) -> None:
        records.create_user("staff", User("ann", 1.0))

        def change(number: int) -> bool:
            try:
                records.change_user("staff", "ann", version=0, add=[FACES[number]])
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as callers:
            assert sorted(callers.map(change, range(8))) == [False] * 7 + [True]
        assert len(records.get_user("staff", "ann").face_ids) == 1

    def test_a_display_name_in_any_script_stays_with_the_user(self, records: RecordStore) -> None:
        user = User("wei", 1.0, name="张伟")
        records.create_user("staff", user)
        records.create_user("staff", User("ann", 1.0))
        assert records.get_user("staff", "wei") == user
        assert records.list_users("staff") == [User("ann", 1.0), user]
        changed = records.change_user("staff", "wei", version=0, add=FACES[:2])
        assert changed.name == "张伟"
        assert records.get_user_named("staff", "张伟") == changed
        assert records.get_user_named("staff", "wei") is None
        assert records.get_user_named("guests", "张伟") is None

    def test_a_display_name_can_be_changed_and_removed(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0, name="Ann"))
        records.create_user("staff", User("bob", 1.0))
        records.change_user("staff", "ann", version=0, add=FACES[:1])
        renamed = records.set_user_name("staff", "ann", "Анна")
        assert renamed == User("ann", 1.0, (FACES[0],), 1, 0, "Анна")
        assert records.get_user("staff", "ann") == renamed
        assert records.set_user_name("staff", "ann", "Анна") == renamed
        assert records.set_user_name("staff", "bob", "Ann").name == "Ann"
        assert records.set_user_name("staff", "ann", None).name is None
        assert records.get_user_named("staff", "Анна") is None
        assert records.get_user("staff", "ann").name is None
        with pytest.raises(UserNotFoundError):
            records.set_user_name("staff", "cyd", "Cyd")

    def test_two_users_of_a_collection_never_have_one_name(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0, name="Ann"))
        records.create_user("staff", User("bob", 1.0, name="Bob"))
        records.create_user("guests", User("cyd", 1.0, name="Ann"))
        with pytest.raises(UserNameExistsError):
            records.create_user("staff", User("cyd", 1.0, name="Ann"))
        with pytest.raises(UserExistsError):
            records.create_user("staff", User("ann", 1.0, name="Ann"))
        with pytest.raises(UserNameExistsError):
            records.set_user_name("staff", "bob", "Ann")
        assert [(user.user_id, user.name) for user in records.list_users("staff")] == [
            ("ann", "Ann"),
            ("bob", "Bob"),
        ]

    def test_of_callers_that_choose_one_name_at_once_exactly_one_succeeds(
        self, records: RecordStore
    ) -> None:
        for number in range(8):
            records.create_user("staff", User(f"user-{number}", 1.0))

        def rename(number: int) -> bool:
            try:
                records.set_user_name("staff", f"user-{number}", "Ann")
            except UserNameExistsError:
                return False
            return True

        with ThreadPoolExecutor(8) as callers:
            assert sorted(callers.map(rename, range(8))) == [False] * 7 + [True]
        assert sum(user.name == "Ann" for user in records.list_users("staff")) == 1

    def test_a_name_is_free_after_its_user_or_collection_is_deleted(
        self, records: RecordStore
    ) -> None:
        records.create_user("staff", User("ann", 1.0, name="Ann"))
        records.delete_user("staff", "ann")
        assert records.get_user_named("staff", "Ann") is None
        records.create_user("staff", User("bob", 1.0, name="Ann"))
        records.delete_collection("staff")
        records.create_collection(Collection("staff", "dlib-1", 2.0))
        assert records.get_user_named("staff", "Ann") is None
        records.create_user("staff", User("cyd", 1.0, name="Ann"))

    def test_names_are_listed_with_the_ids_of_their_users(self, records: RecordStore) -> None:
        assert records.list_names("staff") == {}
        records.create_user("staff", User("ann", 1.0, name="Ann"))
        records.create_user("staff", User("bob", 1.0))
        records.create_user("staff", User("cyd", 1.0, name="ann"))
        records.create_user("guests", User("dan", 1.0, name="Dan"))
        assert records.list_names("staff") == {"Ann": "ann", "ann": "cyd"}
        records.set_user_name("staff", "ann", "张伟")
        records.delete_user("staff", "cyd")
        assert records.list_names("staff") == {"张伟": "ann"}

    def test_faces_move_from_one_user_to_another(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.create_user("staff", User("bob", 2.0, name="Bob"))
        ann = records.change_user("staff", "ann", version=0, add=FACES[:100])
        bob = records.change_user("staff", "bob", version=0, add=FACES[100:102])
        ann, bob = records.move_faces("staff", FACES[1:100], source=ann, target=bob)
        assert ann.face_ids == (FACES[0],)
        assert bob.face_ids == (*FACES[100:102], *FACES[1:100])
        assert bob.name == "Bob"
        assert records.get_user("staff", "ann") == ann
        assert records.get_user("staff", "bob") == bob
        assert records.users_of_faces("staff", FACES[:2]) == {FACES[0]: "ann", FACES[1]: "bob"}
        assert ann.version != ann.vector_version
        assert bob.version != bob.vector_version
        records.change_user("staff", "bob", version=bob.version, remove=FACES[1:2])

    def test_a_move_by_a_stale_version_or_of_a_strange_face_changes_nothing(
        self, records: RecordStore
    ) -> None:
        for name in ("ann", "bob", "cyd"):
            records.create_user("staff", User(name, 1.0))
        old = records.get_user("staff", "ann")
        ann = records.change_user("staff", "ann", version=0, add=FACES[:2])
        bob = records.get_user("staff", "bob")
        records.change_user("staff", "cyd", version=0, add=FACES[2:3])
        for source, face_ids in ((old, FACES[:1]), (ann, FACES[1:3]), (ann, FACES[3:4])):
            with pytest.raises(ConflictError):
                records.move_faces("staff", face_ids, source=source, target=bob)
        with pytest.raises(UserNotFoundError):
            records.move_faces("staff", FACES[:1], source=ann, target=User("dan", 1.0))
        assert records.get_user("staff", "ann") == ann
        assert records.get_user("staff", "bob") == bob
        owners = records.users_of_faces("staff", FACES[:4])
        assert owners == {FACES[0]: "ann", FACES[1]: "ann", FACES[2]: "cyd"}

    def test_a_vector_is_marked_for_the_newest_version_only(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.change_user("staff", "ann", version=0, add=FACES[:1])
        first = records.get_user("staff", "ann")
        assert records.set_vector_version("staff", first)
        assert records.get_user("staff", "ann").vector_version == 1
        records.change_user("staff", "ann", version=1, add=FACES[1:2])
        assert not records.set_vector_version("staff", first)
        assert records.get_user("staff", "ann").vector_version == 1

    def test_a_user_who_is_created_again_is_not_the_earlier_one(self, records: RecordStore) -> None:
        records.create_user("staff", User("bob", 1.0, tuple(FACES[2:4])))
        records.create_user("staff", User("ann", 1.0, tuple(FACES[:1])))
        bob, earlier = (records.get_user("staff", user_id) for user_id in ("bob", "ann"))
        records.delete_user("staff", "ann")
        records.create_user("staff", User("ann", 2.0, tuple(FACES[1:2])))
        again = records.get_user("staff", "ann")
        assert again.version == earlier.version
        assert not records.set_vector_version("staff", earlier)
        with pytest.raises(ConflictError):
            records.move_faces("staff", FACES[2:3], source=bob, target=earlier)
        with pytest.raises(UserNotFoundError):
            records.delete_user("staff", "ann", created_at=1.0)
        assert records.get_user("staff", "ann") == again
        assert records.delete_user("staff", "ann", created_at=2.0)

    def test_a_deleted_user_frees_its_faces(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.change_user("staff", "ann", version=0, add=FACES[:100])
        records.delete_user("staff", "ann")
        assert records.users_of_faces("staff", FACES[:100]) == {}
        assert records.count_users("staff") == 0
        records.create_user("staff", User("ann", 2.0))
        assert records.get_user("staff", "ann").face_ids == ()

    def test_a_user_with_other_faces_is_kept_if_the_deletion_says_so(
        self, records: RecordStore
    ) -> None:
        records.create_user("staff", User("ann", 1.0, tuple(FACES[:2])))
        ann = records.get_user("staff", "ann")
        assert not records.delete_user("staff", "ann", no_faces_but=())
        assert not records.delete_user("staff", "ann", no_faces_but=FACES[1:3])
        assert records.get_user("staff", "ann") == ann
        assert records.delete_user("staff", "ann", no_faces_but=FACES[:3])
        assert records.users_of_faces("staff", FACES[:2]) == {}
        records.create_user("staff", User("ann", 1.0))
        assert records.delete_user("staff", "ann", no_faces_but=())
        with pytest.raises(UserNotFoundError):
            records.delete_user("staff", "ann", no_faces_but=())

    def test_no_face_is_without_its_user_if_the_empty_user_is_deleted_at_once(
        self, records: RecordStore
    ) -> None:
        for number in range(8):
            user_id = f"user-{number}"
            records.create_user("staff", User(user_id, 1.0))

            def add(user_id: str = user_id, number: int = number) -> bool:
                try:
                    records.change_user("staff", user_id, version=0, add=[FACES[number]])
                except UserNotFoundError:
                    return False
                return True

            with ThreadPoolExecutor(2) as callers:
                added = callers.submit(add)
                deleted = callers.submit(records.delete_user, "staff", user_id, no_faces_but=())
                assert added.result() != deleted.result()
            owners = {FACES[number]: user_id} if added.result() else {}
            assert records.users_of_faces("staff", [FACES[number]]) == owners
            assert bool(records.get_users("staff", [user_id])) == added.result()

    def test_users_and_tags_vanish_with_their_collection(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.create_user("guests", User("bob", 1.0))
        records.change_user("staff", "ann", version=0, add=FACES[:1])
        records.change_tags("staff", put={"team": "a"})
        records.delete_collection("staff")
        records.create_collection(Collection("staff", "dlib-1", 2.0))
        assert records.list_users("staff") == []
        assert records.users_of_faces("staff", FACES[:1]) == {}
        assert records.get_tags("staff") == {}
        assert records.count_users("guests") == 1

    def test_many_faces_are_asked_for_at_once(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0))
        records.change_user("staff", "ann", version=0, add=FACES[200:210])
        assert set(records.users_of_faces("staff", FACES)) == set(FACES[200:210])
        assert records.users_of_faces("staff", []) == {}
