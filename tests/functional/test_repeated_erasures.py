"""A repetition of an erasure that could not be completed completes it, and records no other one."""

from __future__ import annotations

import pytest

from facerec.cli.exit_codes import ExitCode
from tests.functional.test_erasing import ANN, Installation, erase
from tests.functional.test_erasing import here as here


def statuses(here: Installation) -> list[str]:
    receipts = here.json("erasures", "list", "--collection", "staff")["erasures"]
    return [each["status"] for each in receipts]


@pytest.mark.parametrize("subject", ["--external-id", "--photo", "--face"])
def test_a_repeated_erasure_is_the_same_one(here: Installation, subject: str) -> None:
    here.index()
    faces = here.faces()
    face = next(face for face, (name, _) in faces.items() if name == ANN)
    photo = sorted((here.photos / ANN).iterdir())[0]
    name = {"--external-id": ANN, "--photo": photo, "--face": face}[subject]
    (plan,) = here.data.glob("jobs/*/plan.json")
    damaged, content = plan, plan.read_bytes()
    damaged.write_bytes(b"{")
    for _ in range(3):
        assert erase(here, subject, name).exit_code != ExitCode.DONE
        assert statuses(here) == ["RUNNING"]
    # An erasure of somebody else is another one.
    assert erase(here, "--external-id", "bob-ray").exit_code != ExitCode.DONE
    assert statuses(here) == ["RUNNING", "RUNNING"]
    damaged.write_bytes(content)
    erased = erase(here, subject, name, "--check")
    assert erased.exit_code == ExitCode.DONE, erased.output
    assert sorted(statuses(here)) == ["DONE", "RUNNING"]
