"""What a job on AWS keeps of the people whom it has created: counts, and no names."""

from __future__ import annotations

import pytest

from facerec.cli import reports
from facerec.gallery.people.enrolling import EndedRegistration, Enrolment
from facerec.jobs.ledger.enrolment_record import read_enrolled, write_enrolled
from tests.support.memory_objects import MemoryObjects

FOLDER = "s3://work/jobs/1/"


def test_a_lost_registration_is_counted_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    ended = (EndedRegistration("Ana", None), EndedRegistration("Bo", "Bob"))
    enrolment = Enrolment("staff", 2, 1, 3, 0, (), ("Ana", "Bo"), (), registrations=ended)
    objects = MemoryObjects()
    written = write_enrolled(objects, FOLDER, 0, enrolment)
    assert written.registrations_lost == 1
    assert read_enrolled(objects, FOLDER) == written
    reports._print_enrolled(written)
    assert "1 registration lost with them" in capsys.readouterr().out
