"""A damaged record of an unfinished erasure is reported as one, and keeps no other erasure."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facerec.core.erasures import ErasedJob, Selection, SubjectKind
from facerec.core.history import Action, Cause
from facerec.errors import ErasureDamagedError, FacerecError, ReceiptDamagedError
from facerec.gallery.receipts import Erasure, Erasures
from tests.support.gallery import Collaborators
from tests.support.memory_objects import MemoryObjects

FACE = "0" * 8 + "-0000-0000-0000-" + "0" * 12

SELECTION = Selection(
    face_ids=frozenset({FACE}),
    image_keys=frozenset({"a"}),
    external_image_ids=frozenset({"ann-lee"}),
    photos=frozenset({"/photos/ann.jpg"}),
    user_ids=frozenset({"ann"}),
    user_names=frozenset({"Ann"}),
    created_at=1.0,
    cause=Cause("entry", Action.DELETE, 2.0, by="somebody"),
    people=frozenset({("ann", 1.0)}),
)

ODD_VALUES: list[Any] = [None, "x", [1], ["\ud800"], 1e308, [["a"]], {"x": 1}, -1.5, True, 10**400]


def paths(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all members of a document."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield (*path, name)
            yield from paths(member, (*path, name))


def changed(document: dict[str, Any], path: tuple[str, ...], value: object) -> bytes:
    document = copy.deepcopy(document)
    at = document
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return json.dumps(document).encode()


def record_of(erasures: Erasures, objects: MemoryObjects) -> tuple[str, dict[str, Any]]:
    """Return the address and content of the record of an erasure of somebody."""
    erasure = erasures.begin("staff", SubjectKind.USER, SELECTION, 1.7e9)
    receipt = erasure.receipt
    jobs = (ErasedJob("staff-0", embeddings=1),)
    erasures.keep(Erasure(replace(receipt, jobs=jobs), SELECTION))
    uri = f"erasures/pending/{receipt.erasure_id}.json"
    return uri, json.loads(objects.content[uri])


def test_a_record_with_any_odd_value_does_not_stop_the_others(tmp_path: Path) -> None:
    objects = MemoryObjects()
    erasures = Erasures(objects, "erasures/")
    with Collaborators.in_folder(tmp_path, erasures=erasures).gallery() as gallery:
        gallery.create_collection("staff")
        uri, document = record_of(erasures, objects)
        second, _ = record_of(erasures, objects)
        kept = dict(objects.content)
        damaged = 0
        for path in paths(document):
            for value in ODD_VALUES:
                objects.content = {**kept, uri: changed(document, path, value)}
                errors = list[FacerecError]()
                gallery.resume_erasures(older_than=0, on_error=errors.append)
                assert second not in objects.content
                assert {type(each) for each in errors} <= {ErasureDamagedError}
                assert (uri in objects.content) == bool(errors), (path, value)
                damaged += len(errors)
    assert damaged > 100


def test_a_receipt_with_any_odd_value_is_damaged_or_read() -> None:
    objects = MemoryObjects()
    erasures = Erasures(objects, "erasures/")
    record_of(erasures, objects)
    (uri,) = (each for each in objects.content if "/receipts/" in each)
    document = json.loads(objects.content[uri])
    damaged = 0
    for path in paths(document):
        for value in ODD_VALUES:
            objects.content[uri] = changed(document, path, value)
            try:
                for receipt in erasures.list("staff", 10):
                    receipt.to_json()
            except ReceiptDamagedError:
                damaged += 1
    assert damaged > 50


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b"null", b"\xff", b""])
def test_a_record_that_is_no_object_is_damaged(content: bytes) -> None:
    objects = MemoryObjects()
    objects.content["erasures/pending/20260101T000000Z-00000000.json"] = content
    erasures = Erasures(objects, "erasures/")
    assert [type(each) for each in erasures.unreadable()] == [ErasureDamagedError]
