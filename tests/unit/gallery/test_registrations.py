"""Registered people: the days of their consent, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.history import Action
from facerec.core.registrations import Registration
from facerec.errors import InvalidInputError, PersonChangeError, UserNotFoundError
from facerec.gallery.gallery import Gallery
from tests.support.gallery import Collaborators
from tests.support.registrations import YEAR


@pytest.fixture(autouse=True)
def ann(gallery: Gallery, today: None) -> None:
    del today
    gallery.create_user("staff", "ann", name="Ann")


def registration(gallery: Gallery, user_id: str = "ann") -> Registration | None:
    return gallery.describe_user("staff", user_id).registration


def newest(gallery: Gallery) -> str:
    return gallery.list_history("staff", limit=1).entries[0].cause.entry_id


def test_nobody_is_registered_without_being_asked(gallery: Gallery) -> None:
    assert registration(gallery) is None


def test_days_are_texts_or_dates(gallery: Gallery) -> None:
    user = gallery.register_user("staff", "ann", **YEAR)
    assert user.registration == Registration("2026-11-26", "2027-11-26")
    gallery.register_user("staff", "ann", consent=date(2026, 1, 2), expires=date(2028, 3, 4))
    assert registration(gallery) == Registration("2026-01-02", "2028-03-04")


@pytest.mark.parametrize(
    ("consent", "expires", "message"),
    [
        ("2020-01-01", "2021-01-01", "the consent expired on 2021-01-01"),
        ("2020-01-01", "2026-11-26", "the consent expired on 2026-11-26"),
        ("2026-11-28", "2027-11-26", "the consent is dated in the future: 2026-11-28"),
        ("2026-11-26", "2026-11-26", "the consent of 2026-11-26 expires too early"),
        ("26.11.2026", "2027-11-26", "invalid day of consent '26.11.2026'"),
        ("2026-11-26", "2027-02-30", "invalid day of expiry '2027-02-30'"),
        ("20261126", "2027-11-26", "invalid day of consent"),
        ("2026-W48-4", "2027-11-26T00:00", "invalid day of expiry"),
        (None, "2027-11-26", "invalid day of consent None"),
        ("2026-11-26", 2027, "invalid day of expiry 2027"),
        (datetime(2026, 11, 26, tzinfo=UTC), "2027-11-26", "invalid day of consent"),
    ],
)
def test_a_consent_that_does_not_hold_changes_nothing(
    gallery: Gallery, consent: str, expires: str, message: str
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        gallery.register_user("staff", "ann", consent=consent, expires=expires)
    assert message in raised.value.message
    assert "\n" not in str(raised.value)
    assert registration(gallery) is None
    assert len(gallery.list_history("staff").entries) == 1


def test_today_may_have_begun_elsewhere(gallery: Gallery) -> None:
    gallery.register_user("staff", "ann", consent="2026-11-27", expires="2026-11-28")
    assert registration(gallery) == Registration("2026-11-27", "2026-11-28")


def test_a_consent_ends_when_its_last_day_begins() -> None:
    holds = Registration("2026-11-26", "2027-11-26").is_active
    assert holds(datetime(2027, 11, 25, 23, 59, 59, tzinfo=UTC).timestamp())
    assert not holds(datetime(2027, 11, 26, tzinfo=UTC).timestamp())


def test_an_unknown_person_is_not_registered(gallery: Gallery) -> None:
    with pytest.raises(UserNotFoundError):
        gallery.register_user("staff", "zoe", **YEAR)


def test_a_registration_can_be_undone_and_redone(gallery: Gallery) -> None:
    gallery.register_user("staff", "ann", **YEAR)
    registered = newest(gallery)
    gallery.unregister_user("staff", "ann")
    actions = [entry.cause.action for entry in gallery.list_history("staff").entries]
    assert actions == [Action.UNREGISTER, Action.REGISTER, Action.CREATE]
    with pytest.raises(PersonChangeError, match="has since been changed"):
        gallery.undo("staff", registered)
    gallery.undo("staff", newest(gallery))
    assert registration(gallery) == Registration(**YEAR)
    gallery.undo("staff", registered)
    assert registration(gallery) is None


def test_what_changes_nothing_is_no_entry(gallery: Gallery) -> None:
    gallery.unregister_user("staff", "ann")
    gallery.register_user("staff", "ann", **YEAR)
    gallery.register_user("staff", "ann", **YEAR)
    assert len(gallery.list_history("staff").entries) == 2


def test_a_registered_person_is_not_uncreated(gallery: Gallery) -> None:
    created = newest(gallery)
    gallery.register_user("staff", "ann", **YEAR)
    with pytest.raises(PersonChangeError, match="has since been registered"):
        gallery.undo("staff", created)


def test_a_merge_ends_the_registration_of_who_is_gone_until_it_is_undone(gallery: Gallery) -> None:
    gallery.create_user("staff", "bea")
    gallery.register_user("staff", "ann", **YEAR)
    gallery.merge_users("staff", "bea", "ann")
    assert registration(gallery, "bea") is None
    done = gallery.undo("staff", newest(gallery))
    assert registration(gallery) == Registration(**YEAR)
    gallery.undo("staff", done.cause.entry_id)
    with pytest.raises(UserNotFoundError):
        registration(gallery)


def test_a_registration_is_erased_with_the_person(gallery: Gallery) -> None:
    gallery.register_user("staff", "ann", **YEAR)
    gallery.erase("staff", SubjectKind.USER, "ann")
    gallery.create_user("staff", "ann")
    assert registration(gallery) is None
    assert YEAR["expires"] not in repr(gallery.list_history("staff").entries)


def test_a_registration_is_exported_and_imported_with_the_collection(
    gallery: Gallery, tmp_path: Path
) -> None:
    gallery.register_user("staff", "ann", **YEAR)
    gallery.export_collection("staff", tmp_path / "export")
    (tmp_path / "other").mkdir()
    with Collaborators.in_folder(tmp_path / "other").gallery() as other:
        other.import_collection(tmp_path / "export")
        assert other.describe_user("staff", "ann") == gallery.describe_user("staff", "ann")
        assert other.list_history("staff").entries == gallery.list_history("staff").entries


def test_a_subject_access_request_has_the_registration(gallery: Gallery) -> None:
    gallery.register_user("staff", "ann", **YEAR)
    (person,) = gallery.export("staff", SubjectKind.USER, "ann").to_json()["people"]
    assert person["registration"]["expires"] == "2027-11-26"


def test_stores_without_registrations_refuse_them(collaborators: Collaborators) -> None:
    gallery = replace(collaborators, registrations=None).gallery()
    with pytest.raises(InvalidInputError, match="do not support registered people"):
        gallery.register_user("staff", "ann", **YEAR)
    with pytest.raises(InvalidInputError, match="do not support registered people"):
        gallery.unregister_user("staff", "ann")
