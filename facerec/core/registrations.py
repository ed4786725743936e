"""Registrations: the consent of people to be matched against new photos, until a day."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from facerec.core.times import day_of
from facerec.errors import InvalidInputError

_EARLIEST_ZONE = timedelta(hours=14)
"""Maximum time by which a day begins earlier in a time zone than in UTC
(https://data.iana.org/time-zones/tzdb)."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Consent of a person to be matched against newly indexed photos.

    Attributes:
        consent: Day of the consent, ``YYYY-MM-DD``.
        expires: First day, in UTC, on which the consent no longer holds, ``YYYY-MM-DD``.
    """

    consent: str
    expires: str

    def is_active(self, now: float) -> bool:
        """Return whether the consent holds at a time in seconds since 1970."""
        return day_of(now) < self.expires

    def continues(self, earlier: Registration | None) -> bool:
        """Return whether the day of this consent is before the expiry of an earlier one."""
        return earlier is not None and self.consent < earlier.expires

    def to_text(self) -> str:
        """Return both days as an interval of ISO 8601, for the history."""
        return f"{self.consent}/{self.expires}"


def registration_from_text(text: str | None) -> Registration | None:
    """Read the result of ``Registration.to_text``; None stays None."""
    return None if text is None else Registration(*text.split("/"))


def checked_registration(consent: date | str, expires: date | str, now: float) -> Registration:
    """Return a registration whose consent holds.

    Args:
        consent: Day of the consent, as a date or ``YYYY-MM-DD``.
        expires: First day on which the consent no longer holds.
        now: Seconds since 1970.

    Raises:
        InvalidInputError: A day is not valid, the day of the consent is in the future in every
            time zone, the expiry is not after it, or the consent has expired.
    """
    registration = _registration(consent, expires)
    today = datetime.fromtimestamp(now, UTC)
    if registration.consent > (today + _EARLIEST_ZONE).date().isoformat():
        raise InvalidInputError(
            f"the consent is dated in the future: {registration.consent}",
            "register the person once the consent is given",
        )
    if not registration.is_active(now):
        raise InvalidInputError(
            f"the consent expired on {registration.expires}",
            "ask the person again, and register the new consent",
        )
    return registration


def check_registration_text(text: str) -> None:
    """Check that a text is a registration, which may have expired.

    Raises:
        InvalidInputError: The text is not two days of the calendar, the first before the second.
    """
    consent, _, expires = text.partition("/")
    _registration(consent, expires)


def _registration(consent: date | str, expires: date | str) -> Registration:
    given, ends = _checked_day(consent, "consent"), _checked_day(expires, "expiry")
    if ends <= given:
        raise InvalidInputError(
            f"the consent of {given} expires too early, on {ends}",
            "choose a later day: on the day of expiry, the consent no longer holds",
        )
    return Registration(given.isoformat(), ends.isoformat())


def _checked_day(day: date | str, kind: str) -> date:
    if isinstance(day, date) and not isinstance(day, datetime):
        return day
    # fromisoformat accepts other forms too, such as 20261126
    if isinstance(day, str) and len(day) == len("YYYY-MM-DD"):
        with suppress(ValueError):
            return date.fromisoformat(day)
    raise InvalidInputError(f"invalid day of {kind} {day!r:.40}", "write it as YYYY-MM-DD")
