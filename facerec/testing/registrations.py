"""What every store of registered people must do; an implementation's tests inherit this class."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facerec.core.protocols.records import RecordStore
from facerec.core.protocols.registrations import RegistrationStore
from facerec.core.records import Collection, User
from facerec.core.registrations import Registration
from facerec.errors import UserNotFoundError

ANN = User("ann", 1.0, name="Ann")
YEAR = Registration("2026-11-26", "2027-11-26")


class RegistrationStoreContract:
    """Subclasses provide the fixtures ``registrations`` and ``records`` of one store."""

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
