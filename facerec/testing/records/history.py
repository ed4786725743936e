"""The contract of stores of the history of people."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from facerec.core.history import Action, Cause, Entry, Step, StepKind
from facerec.core.protocols.records import RecordStore
from facerec.core.recording import caused_by
from facerec.core.records import Collection, Correction, User
from facerec.errors import CollectionNotFoundError, ConflictError, UserNameExistsError
from facerec.testing.faces import stored_face
from facerec.testing.records.two_collections import TwoCollections

FACES = [stored_face(f"person {number}").record.face_id for number in range(100)]


def cause(number: int, **others: str) -> Cause:
    """Return the cause of an entry; entries with greater numbers are newer."""
    entry_id = f"20260102T0304{number:02}000000Z-0000"
    return Cause(entry_id, Action.CREATE, 1767323040.0 + number, **others)


def entries(records: RecordStore) -> list[Entry]:
    """Return all entries of ``staff``, oldest first."""
    return list(reversed(records.list_history("staff")))


class HistoryContract(TwoCollections):
    """Tests of the history of people."""

    def test_each_change_is_a_step_of_its_entry(self, records: RecordStore) -> None:
        one = cause(1, by="zoe", why="Grund: „张伟“")
        with caused_by(one):
            records.create_user("staff", User("ann", 1.5, name="张伟"))
            records.create_user("staff", User("bob", 1.0))
            ann = records.change_user("staff", "ann", version=0, add=FACES)
            bob = records.get_user("staff", "bob")
            records.move_faces("staff", FACES[:2], source=ann, target=bob)
            records.change_user("staff", "bob", version=1, remove=FACES[:1])
            records.set_user_name("staff", "ann", "Ann")
            records.add_corrections("staff", [Correction(FACES[0], "ann")])
            records.remove_corrections("staff", [Correction(FACES[0], "ann")])
            records.delete_user("staff", "bob")
        (entry,) = entries(records)
        assert entry.cause == one
        kinds = [step.kind for step in entry.steps]
        added = [step for step in entry.steps if step.kind is StepKind.FACES_ADDED]
        assert sorted(face for step in added for face in step.face_ids) == sorted(FACES)
        others = [step for step in entry.steps if step.kind is not StepKind.FACES_ADDED]
        assert kinds[:3] == [StepKind.CREATED, StepKind.CREATED, StepKind.FACES_ADDED]
        assert others == [
            Step(StepKind.CREATED, "ann", created_at=1.5, name="张伟"),
            Step(StepKind.CREATED, "bob", created_at=1.0),
            Step(StepKind.FACES_MOVED, "bob", "ann", face_ids=tuple(FACES[:2])),
            Step(StepKind.FACES_REMOVED, "bob", face_ids=(FACES[0],)),
            Step(StepKind.RENAMED, "ann", name="Ann", earlier_name="张伟"),
            Step(StepKind.CORRECTED, face_ids=(FACES[0],), person="ann"),
            Step(StepKind.CORRECTION_LIFTED, face_ids=(FACES[0],), person="ann"),
            Step(StepKind.DELETED, "bob", created_at=1.0, face_ids=(FACES[1],)),
        ]
        assert records.get_history("staff", one.entry_id) == entry
        assert records.get_history("guests", one.entry_id) is None

    def test_a_change_without_a_cause_or_an_effect_is_no_step(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0, name="Ann"))
        records.add_corrections("staff", [Correction(FACES[0], "ann")])
        with caused_by(cause(1)):
            records.set_user_name("staff", "ann", "Ann")
            records.add_corrections("staff", [Correction(FACES[0], "ann")])
            records.remove_corrections("staff", [Correction(FACES[1], "ann")])
            records.change_user("staff", "ann", version=0)
            for change in self._refused(records):
                with pytest.raises((ConflictError, UserNameExistsError)):
                    change()
        assert entries(records) == []

    @staticmethod
    def _refused(records: RecordStore) -> list[Callable[[], object]]:
        return [
            lambda: records.create_user("staff", User("bob", 1.0, name="Ann")),
            lambda: records.change_user("staff", "ann", version=7, add=FACES[:1]),
        ]

    def test_entries_are_listed_newest_first_by_subject_and_in_pages(
        self, records: RecordStore
    ) -> None:
        for number in range(7):
            undoes = {"undoes": cause(0).entry_id} if number == 6 else {}
            with caused_by(cause(number, **undoes)):
                user = User(f"user-{number % 3}-{number}", 1.0, name=f"Name {number}")
                records.create_user("staff", user)
                records.change_user("staff", user.user_id, version=0, add=[FACES[number]])
        expected = [cause(number).entry_id for number in reversed(range(7))]
        found = records.list_history("staff", limit=3)
        assert [entry.cause.entry_id for entry in found] == expected[:3]
        rest = records.list_history("staff", before=expected[2], limit=9)
        assert [entry.cause.entry_id for entry in rest] == expected[3:]
        for subject in ("user-1-4", "Name 4", FACES[4]):
            (entry,) = records.list_history("staff", subject=subject)
            assert entry.cause.entry_id == expected[2]
            assert len(entry.steps) == 2
        (undoing,) = records.list_history("staff", subject=expected[-1])
        assert undoing.cause.entry_id == expected[0]
        assert records.list_history("staff", subject="user") == []
        assert records.get_history_subjects("staff", ["user-1-4", "user", FACES[2]]) == {
            "user-1-4",
            FACES[2],
        }

    def test_erased_people_and_faces_are_in_no_entry(self, records: RecordStore) -> None:
        with caused_by(cause(1, why="Ann rief an")):
            records.create_user("staff", User("ann", 1.0, name="Ann"))
        with caused_by(cause(2)):
            records.set_user_name("staff", "ann", "Anne")
        with caused_by(cause(3, why="new")):
            records.create_user("staff", User("bob", 1.0, name="Bob"))
            records.change_user("staff", "bob", version=0, add=FACES[:2])
        changed, names = records.erase_history("staff", people=["ann"], face_ids=FACES[:1])
        assert (changed, set(names)) == (3, {"ann", "Ann", "Anne"})
        first, second, third = entries(records)
        assert (first.is_erased, second.is_erased, third.is_erased) == (True, True, False)
        assert not {"ann", "Ann", "Anne", FACES[0]} & (first.subjects | second.subjects)
        assert (first.cause.why, third.cause.why) == (None, "new")
        assert third.subjects == {"bob", "Bob", FACES[1]}
        assert records.get_history_subjects("staff", ["ann", "Ann", "Anne", FACES[0]]) == set()
        assert records.erase_history("staff", people=["ann"], face_ids=[])[0] == 0

    def test_a_deleted_person_goes_with_the_last_face(self, records: RecordStore) -> None:
        records.create_user("staff", User("ann", 1.0, name="Ann"))
        records.change_user("staff", "ann", version=0, add=FACES[:2])
        with caused_by(cause(1)):
            records.set_user_name("staff", "ann", "Anne")
        with caused_by(cause(2)):
            records.delete_user("staff", "ann")
        records.erase_history("staff", people=[], face_ids=FACES[:1])
        assert records.get_history_subjects("staff", ["ann", "Ann", "Anne"]) == {
            "ann",
            "Ann",
            "Anne",
        }
        records.erase_history("staff", people=[], face_ids=FACES[1:2])
        assert records.get_history_subjects("staff", ["ann", "Ann", "Anne"]) == set()

    def test_whoever_was_merged_goes_with_the_person(self, records: RecordStore) -> None:
        with caused_by(cause(1)):
            records.create_user("staff", User("ann-2", 1.0, name="Nettie"))
        with caused_by(cause(2, into="ann")):
            records.delete_user("staff", "ann-2")
        records.erase_history("staff", people=["ann"], face_ids=[])
        assert records.get_history_subjects("staff", ["ann", "ann-2", "Nettie"]) == set()

    def test_old_entries_expire(self, records: RecordStore) -> None:
        for number in range(3):
            with caused_by(cause(number)):
                records.create_user("staff", User(f"user-{number}", 1.0))
        assert records.expire_history("staff", cause(2).at) == 2
        assert [entry.cause for entry in entries(records)] == [cause(2)]
        assert records.expire_history("staff", cause(2).at) == 0
        assert records.get_history_subjects("staff", ["user-0", "user-2"]) == {"user-2"}

    def test_entries_of_another_store_are_kept_as_they_are(self, records: RecordStore) -> None:
        own = [
            Entry(
                cause(number), tuple(Step(StepKind.DELETED, face, created_at=2.0) for face in FACES)
            )
            for number in range(2)
        ]
        records.put_history("staff", own)
        records.put_history("staff", own)
        assert entries(records) == own
        with pytest.raises(CollectionNotFoundError):
            records.put_history("nowhere", own)

    def test_the_history_goes_with_its_collection(self, records: RecordStore) -> None:
        for name in ("staff", "guests"):
            with caused_by(cause(1)):
                records.create_user(name, User("ann", 1.0))
        records.delete_collection("staff")
        records.create_collection(Collection("staff", "dlib-1", 2.0))
        assert records.list_history("staff") == []
        assert records.get_history_subjects("staff", ["ann"]) == set()
        assert len(records.list_history("guests")) == 1

    def test_a_transaction_keeps_its_changes(self, records: RecordStore) -> None:
        with records.transaction():
            records.create_user("staff", User("ann", 1.0))
            records.create_user("staff", User("bob", 1.0))
            assert records.count_users("staff") == 2
        assert [user.user_id for user in records.list_users("staff")] == ["ann", "bob"]
