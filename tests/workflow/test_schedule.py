"""The schedule of a stack starts a prefix or a manifest again and again."""

from __future__ import annotations

import json
from typing import Any

import pytest

import facerec.factory.engines
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from lambdas.erasure import handler as erasure
from tests.support.stack_template import properties
from tests.support.workflow.stack import BUCKET, Stack

PHOTOS = 4


def scheduled(source: str) -> dict[str, Any]:
    """Return what the schedule sends to the workflow each night."""
    text = properties("JobSchedule")["Target"]["Input"]["Fn::Sub"]
    text = text.replace("${ScheduledCollection}", "staff").replace("${ScheduledManifest}", source)
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.fixture(autouse=True)
def _gallery_of_this_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facerec.factory.engines, "open_local_engine", lambda *_: FakeEngine())
    erasure._gallery.cache_clear()


@pytest.mark.parametrize("kind", [pytest.param("prefix", marks=pytest.mark.long), "manifest"])
def test_each_night_reads_only_what_is_new_or_replaced(stack: Stack, kind: str) -> None:
    names = [f"nightly/{number}.jpg" for number in range(PHOTOS)]

    def put(name: str, person: str) -> None:
        stack.put(name, fake_photo(fake_face(person)))

    def night() -> dict[str, Any]:
        source = f"s3://{BUCKET}/nightly/"
        if kind == "manifest":
            lines = "".join(f"s3://{BUCKET}/{name}\n" for name in names)
            source = stack.put("lists/nightly.txt", lines.encode())
        ended = stack.execute(scheduled(source))
        assert ended.status == "SUCCEEDED", ended.cause
        return stack.read_json(ended.output["report"])

    for name in names:
        put(name, f"person of {name}")
    assert night()["photos"] == PHOTOS
    analysed = stack.analysed
    night()
    assert stack.analysed == analysed == PHOTOS

    names.append("nightly/new.jpg")
    put("nightly/new.jpg", "somebody new")
    put("nightly/0.jpg", "somebody else")
    report = night()
    assert (report["photos"], report["difference"]["unchanged"]) == (2, PHOTOS - 1)
    assert stack.analysed == analysed + 2
    assert len(stack.face_ids()) == PHOTOS + 1
