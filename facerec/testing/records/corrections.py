"""The contract of stores of corrections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from facerec.core.history import Action
from facerec.core.protocols.records import RecordStore
from facerec.core.recording import recording
from facerec.core.records import Collection, Correction
from facerec.errors import (
    CollectionNotFoundError,
)
from facerec.testing.faces import stored_face
from facerec.testing.records.two_collections import TwoCollections

FACES = [stored_face(f"person {number}").record.face_id for number in range(10)]


class CorrectionContract(TwoCollections):
    """Tests of corrections: statements that faces do not show people."""

    def test_corrections_are_found_by_face_and_by_person(self, records: RecordStore) -> None:
        ann, both = Correction(FACES[0], "ann"), Correction(FACES[0], "bob:1")
        other = Correction(FACES[1], "ann")
        for correction in (ann, both, other, ann):
            records.add_corrections("staff", [correction])
        assert records.corrections_of_faces("staff", FACES[:3]) == sorted([ann, both, other])
        assert records.corrections_of_faces("staff", FACES[1:3]) == [other]
        assert records.corrections_of_people("staff", ["ann", "cyd"]) == sorted([ann, other])
        assert records.corrections_of_faces("guests", FACES) == []
        assert records.corrections_of_people("staff", []) == []

    def test_removed_corrections_are_gone(self, records: RecordStore) -> None:
        ann, bob = Correction(FACES[0], "ann"), Correction(FACES[0], "bob")
        for correction in (ann, bob):
            records.add_corrections("staff", [correction])
        assert records.remove_corrections("staff", [ann, Correction(FACES[1], "ann")]) == 1
        assert records.remove_corrections("staff", [ann]) == 0
        assert records.list_corrections("staff") == [bob]
        assert records.corrections_of_people("staff", ["ann", "bob"]) == [bob]
        assert records.remove_corrections("staff", [bob]) == 1
        assert records.list_corrections("staff") == []

    def test_many_corrections_are_added_at_once(self, records: RecordStore) -> None:
        added = [Correction(face_id, person) for face_id in FACES for person in "abcd"]
        records.add_corrections("staff", added[1:2])
        with recording(Action.NOT_SAME, 1.0) as cause:
            records.add_corrections("staff", added)
        assert records.list_corrections("staff") == sorted(added)
        assert records.corrections_of_people("staff", list("abcd")) == sorted(added)
        entry = records.get_history("staff", cause.entry_id)
        assert entry is not None
        assert len(entry.steps) == len(added) - 1

    def test_corrections_are_listed_in_pages(self, records: RecordStore) -> None:
        people = ["b", "A", "a:1"]
        stored = [Correction(face_id, person) for face_id in FACES[:3] for person in people]
        for correction in stored:
            records.add_corrections("staff", [correction])
        listed: list[Correction] = []
        while page := records.list_corrections(
            "staff", after=listed[-1] if listed else None, limit=2
        ):
            assert len(page) <= 2
            listed += page
        assert listed == sorted(stored)

    def test_corrections_need_a_collection_and_vanish_with_it(self, records: RecordStore) -> None:
        with pytest.raises(CollectionNotFoundError):
            records.add_corrections("nowhere", [Correction(FACES[0], "ann")])
        records.add_corrections("staff", [Correction(FACES[0], "ann")])
        records.delete_collection("staff")
        records.create_collection(Collection("staff", "dlib-1", 2.0))
        assert records.list_corrections("staff") == []
        assert records.corrections_of_people("staff", ["ann"]) == []

    def test_corrections_about_one_person_made_at_once_are_all_kept(
        self, records: RecordStore
    ) -> None:
        def correct(face_id: str) -> None:
            records.add_corrections("staff", [Correction(face_id, "ann")])

        with ThreadPoolExecutor(4) as callers:
            list(callers.map(correct, FACES[:4]))
        assert len(records.corrections_of_people("staff", ["ann"])) == 4
