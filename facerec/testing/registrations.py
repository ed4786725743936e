"""The contracts of stores of registered people; an implementation's tests inherit from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facerec.core.events import MatchEvent
from facerec.core.protocols.records import RecordStore
from facerec.core.protocols.registrations import RegistrationStore
from facerec.core.records import Collection, Correction, User
from facerec.core.registrations import Registration
from facerec.errors import UserNotFoundError
from facerec.storage.faces import FaceStore
from facerec.testing.faces import by_image, stored_face

FACES = [stored_face("ann", image=f"photo {number}", shot=number) for number in range(5)]
ANN = User("ann", 1.0, name="Ann")
YEAR = Registration("2026-11-26", "2027-11-26")

NOW = 1_795_000_000.0
"""A time at which the consent of ``YEAR`` holds, in seconds since 1970."""


class RegistrationStoreContract:
    """Tests of registrations; subclasses provide ``registrations`` and ``records`` of one store."""

    @pytest.fixture
    def registrations(self) -> RegistrationStore:
        raise NotImplementedError

    @pytest.fixture
    def records(self) -> RecordStore:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def two_collections(self, records: RecordStore) -> None:
        for name in ("staff", "guests"):
            records.create_collection(Collection(name, "fake-1", 1_700_000_000.5))
            records.create_user(name, ANN)

    def test_a_registration_is_a_part_of_the_person(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        registered = replace(ANN, registration=YEAR)
        assert registrations.set_registration("staff", "ann", YEAR) == registered
        assert records.get_user("staff", "ann") == registered
        assert records.list_users("staff") == [registered]
        assert records.get_user("guests", "ann") == ANN

    def test_a_person_is_created_with_a_registration(self, records: RecordStore) -> None:
        bea = User("bea", 2.0, registration=YEAR)
        records.create_user("staff", bea)
        assert records.get_user("staff", "bea") == bea

    def test_the_registered_people_are_listed_without_the_others(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        for user_id in ("bea", "cyd"):
            records.create_user("staff", User(user_id, 1.0))
        for user_id in ("cyd", "ann"):
            registrations.set_registration("staff", user_id, YEAR)
        assert [user.user_id for user in registrations.list_registered("staff")] == ["ann", "cyd"]
        assert registrations.list_registered("guests") == []

    def test_a_registration_is_replaced_and_removed(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        registrations.set_registration("staff", "ann", YEAR)
        longer = Registration("2027-11-01", "2028-11-01")
        assert registrations.set_registration("staff", "ann", longer).registration == longer
        assert registrations.set_registration("staff", "ann", None) == ANN
        assert records.get_user("staff", "ann") == ANN
        assert registrations.list_registered("staff") == []

    def test_nobody_unknown_is_registered(self, registrations: RegistrationStore) -> None:
        with pytest.raises(UserNotFoundError):
            registrations.set_registration("staff", "zoe", YEAR)

    def test_a_registration_is_deleted_with_the_person(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        registrations.set_registration("staff", "ann", YEAR)
        records.delete_user("staff", "ann")
        assert registrations.list_registered("staff") == []
        records.create_user("staff", ANN)
        assert records.get_user("staff", "ann") == ANN


def match_event(number: int, *, user_id: str = "ann", similarity: float = 0.99) -> MatchEvent:
    """Return an event of a stored face of Ann; events with greater numbers are later."""
    record = FACES[number].record
    return MatchEvent(
        f"{number:032x}",
        "staff",
        user_id,
        record.face_id,
        record.image_id,
        None,
        "",
        similarity,
        NOW + number,
    )


class EventContract(RegistrationStoreContract):
    """Tests of the outbox of events."""

    @pytest.fixture(autouse=True)
    def ann(self, registrations: RegistrationStore, two_collections: None) -> None:
        del two_collections
        registrations.set_registration("staff", "ann", YEAR)

    def test_an_event_is_in_the_outbox_once(self, registrations: RegistrationStore) -> None:
        for similarity in (0.99, 0.98):
            registrations.put_events([match_event(1, similarity=similarity)], NOW)
        (kept,) = registrations.list_events("staff")
        assert kept.event == match_event(1)
        assert (kept.attempts, kept.delivered_at, kept.problem) == (0, None, None)
        assert registrations.list_events("guests") == []

    def test_nobody_without_a_consent_that_holds_has_an_event(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        records.create_user("staff", User("bea", 1.0))
        after = NOW + 400 * 86400
        registrations.put_events([match_event(1, user_id="bea")], NOW)
        registrations.put_events([match_event(2, user_id="zoe")], NOW)
        registrations.put_events([match_event(3)], after)
        assert registrations.list_events("staff") == []

    def test_the_oldest_event_is_claimed_by_one_of_many(
        self, registrations: RegistrationStore
    ) -> None:
        registrations.put_events([match_event(2), match_event(1)], NOW)
        assert registrations.claim_event(NOW, NOW + 60) is None
        claimed = registrations.claim_event(NOW + 5, NOW + 60)
        assert claimed is not None
        assert (claimed.event, claimed.attempts) == (match_event(1), 1)
        assert registrations.claim_event(NOW + 5, NOW + 60).event == match_event(2)  # type: ignore[union-attr]
        assert registrations.claim_event(NOW + 5, NOW + 60) is None
        again = registrations.claim_event(NOW + 60, NOW + 90)
        assert again is not None
        assert (again.event, again.attempts) == (match_event(1), 2)

    def test_an_event_that_was_not_accepted_is_due_later_or_when_asked(
        self, registrations: RegistrationStore
    ) -> None:
        registrations.put_events([match_event(1)], NOW)
        registrations.claim_event(NOW + 5, NOW + 60)
        assert registrations.retry_events("staff", NOW + 6) == 0
        registrations.note_undelivered(match_event(1), "no answer", NOW + 3600)
        (kept,) = registrations.list_events("staff", undelivered=True)
        assert kept.problem == "no answer"
        assert registrations.claim_event(NOW + 3599, NOW + 9999) is None
        assert registrations.retry_events("guests", NOW + 7) == 0
        assert registrations.retry_events("staff", NOW + 7) == 1
        assert registrations.claim_event(NOW + 7, NOW + 60) is not None

    def test_a_delivered_event_is_kept_and_not_due(self, registrations: RegistrationStore) -> None:
        registrations.put_events([match_event(1)], NOW)
        registrations.claim_event(NOW + 5, NOW + 60)
        registrations.note_delivered(match_event(1), NOW + 6)
        (kept,) = registrations.list_events("staff")
        assert kept.delivered_at == NOW + 6
        assert registrations.list_events("staff", undelivered=True) == []
        assert registrations.claim_event(NOW + 999, NOW + 9999) is None
        registrations.put_events([match_event(1)], NOW)
        assert registrations.claim_event(NOW + 999, NOW + 9999) is None

    @pytest.mark.parametrize("how", ["unregistered", "expired"])
    def test_what_is_not_delivered_when_a_consent_ends_never_is(
        self, registrations: RegistrationStore, how: str
    ) -> None:
        registrations.put_events([match_event(1), match_event(2)], NOW)
        registrations.note_delivered(match_event(2), NOW)
        now = NOW + 10
        if how == "unregistered":
            registrations.set_registration("staff", "ann", None)
        else:
            now += 400 * 86400
        assert registrations.claim_event(now, now + 60) is None
        assert [kept.event for kept in registrations.list_events("staff")] == [match_event(2)]

    @pytest.mark.parametrize("ended", [True, False])
    def test_a_later_consent_sends_nothing_of_an_earlier_one_that_ended(
        self, registrations: RegistrationStore, ended: bool
    ) -> None:
        registrations.put_events([match_event(1), match_event(2)], NOW)
        registrations.note_delivered(match_event(2), NOW)
        if ended:
            registrations.set_registration("staff", "ann", None)
            assert registrations.list_events("staff", undelivered=True) == []
            registrations.set_registration("staff", "ann", YEAR)
        else:
            later = Registration(YEAR.expires, "2099-01-01")
            registrations.set_registration("staff", "ann", later)
        assert [kept.event for kept in registrations.list_events("staff")] == [match_event(2)]

    def test_a_consent_that_is_renewed_in_time_keeps_what_is_not_delivered(
        self, registrations: RegistrationStore
    ) -> None:
        registrations.put_events([match_event(1)], NOW)
        registrations.set_registration("staff", "ann", Registration("2027-11-25", "2099-01-01"))
        assert [kept.event for kept in registrations.list_events("staff")] == [match_event(1)]

    def test_what_a_correction_denies_before_the_delivery_is_not_delivered(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        registrations.put_events([match_event(1), match_event(2), match_event(3)], NOW)
        registrations.note_delivered(match_event(2), NOW)
        for number, person in ((1, "ann"), (2, "ann"), (3, "bea")):
            correction = Correction(match_event(number).face_id, person)
            records.add_corrections("staff", [correction])
        claimed = registrations.claim_event(NOW + 10, NOW + 60)
        assert claimed is not None
        assert claimed.event == match_event(3)
        assert registrations.claim_event(NOW + 10, NOW + 60) is None
        left = [kept.event for kept in registrations.list_events("staff")]
        assert left == [match_event(3), match_event(2)]

    def test_many_events_that_must_not_be_sent_do_not_delay_another(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        for number in range(12):
            user_id = f"user-{number}"
            records.create_user("staff", User(user_id, 1.0, registration=YEAR))
            event = match_event(number % 4, user_id=user_id)
            registrations.put_events([replace(event, event_id=f"{100 + number:032x}")], NOW)
            records.add_corrections("staff", [Correction(event.face_id, user_id)])
        registrations.put_events([match_event(4)], NOW)
        claimed = registrations.claim_event(NOW + 10, NOW + 60)
        assert claimed is not None
        assert claimed.event == match_event(4)
        assert [kept.event for kept in registrations.list_events("staff")] == [match_event(4)]

    def test_the_events_of_faces_are_deleted_before_these(
        self, registrations: RegistrationStore
    ) -> None:
        registrations.put_events([match_event(1), match_event(2)], NOW)
        registrations.delete_events("guests", [match_event(2).face_id])
        registrations.delete_events("staff", [match_event(1).face_id])
        assert [kept.event for kept in registrations.list_events("staff")] == [match_event(2)]

    def test_events_are_listed_in_pages_newest_first(
        self, registrations: RegistrationStore
    ) -> None:
        registrations.put_events([match_event(number) for number in range(5)], NOW)
        found = [kept.event for kept in registrations.list_events("staff", limit=3)]
        assert found == [match_event(number) for number in (4, 3, 2)]
        last = (found[-1].matched_at, found[-1].event_id)
        rest = registrations.list_events("staff", before=last)
        assert [kept.event for kept in rest] == [match_event(1), match_event(0)]

    def test_an_event_is_deleted_with_its_person_and_its_collection(
        self, registrations: RegistrationStore, records: RecordStore
    ) -> None:
        registrations.put_events([match_event(1)], NOW)
        records.delete_user("staff", "ann")
        assert registrations.list_events("staff") == []
        records.create_user("staff", replace(ANN, registration=YEAR))
        registrations.put_events([match_event(1)], NOW)
        assert len(registrations.list_events("staff")) == 1
        records.delete_collection("staff")
        assert registrations.list_events("staff") == []

    def test_the_events_about_people_and_faces_are_found(
        self, registrations: RegistrationStore
    ) -> None:
        registrations.put_events([match_event(1), match_event(2)], NOW)
        about = registrations.events_about
        assert len(about("staff", ["ann"], [])) == 2
        assert [kept.event for kept in about("staff", ["bea"], [match_event(2).face_id])] == [
            match_event(2)
        ]
        assert about("staff", [], []) == about("guests", ["ann"], []) == []


class FaceEventContract(EventContract):
    """Tests of an outbox in the store of the faces; subclasses provide ``faces`` too."""

    @pytest.fixture
    def faces(self) -> FaceStore:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def faces_of_ann(self, faces: FaceStore, ann: None) -> None:
        del ann
        faces.put_images("staff", by_image(FACES))

    def test_an_event_is_deleted_with_its_face(
        self, registrations: RegistrationStore, faces: FaceStore
    ) -> None:
        registrations.put_events([match_event(1), match_event(2)], NOW)
        faces.put_images("staff", by_image(FACES))
        faces.delete_faces("staff", [match_event(1).face_id])
        assert [kept.event for kept in registrations.list_events("staff")] == [match_event(2)]
