"""A text that is not an id is refused alike at every door, for each id of each operation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.erasures import SubjectKind
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.doors.conftest import DOORS
from tests.support.doors import Door, DoorError
from tests.support.long import mostly_long, mostly_long_rows
from tests.support.rest_server import rest_server

ANN = fake_photo(fake_face("ann"))
FACE = "00000000-0000-8000-8000-000000000000"

VALUES: dict[str, object] = {
    "name": "staff",
    "face_id": FACE,
    "face_ids": [FACE],
    "user_id": "ann",
    "other_id": "ann",
    "new_user_id": "zoe",
    "person": "ann",
    "cluster_id": "c1",
    "erasure_id": "20260101T000000Z-00000000",
    "entry_id": "20260102T030405123456Z-0f3c",
    "photo": ANN,
    "kind": SubjectKind.EXTERNAL_ID,
    "subject": "ann",
    "displayed": "Ann",
    "text": "ann",
    "token": "abc",
    "tags": {"team": "blue"},
    "keys": ["team"],
    "days": 3,
    "threshold": 0.5,
    "consent": "2026-01-01",
    "expires": "2099-01-01",
    "limit": 1,
    "recipe": "accurate",
    "next_token": None,
}
"""A value of each required argument of a door's methods."""

CHOSEN = ("name", "user_id", "person")
"""Arguments that are ids which callers choose."""

GENERATED = ("face_id", "cluster_id", "erasure_id", "entry_id")
"""Arguments that are ids which facerec chooses."""

MALFORMED = ("a b", "ü", "x" * 300)
"""Texts that no kind of id can have."""

NAMES_TOO = {("page_of_history", "person")}
"""Arguments that may be display names of people instead."""

CASES = [
    *((argument, text) for argument in CHOSEN for text in MALFORMED),
    *((argument, text) for argument in GENERATED for text in (*MALFORMED, "zz", "C1", "c0")),
]


def operations(argument: str) -> list[str]:
    """Return the methods of doors that take an argument."""
    return [
        name
        for name, method in inspect.getmembers(Door, inspect.isfunction)
        if not name.startswith("_") and argument in inspect.signature(method).parameters
    ]


def outcome(door: Door, method: str, argument: str, text: str) -> object:
    """Call a method with a text instead of an id; return the error, or None without one."""
    required = {
        name: VALUES[name]
        for name, parameter in inspect.signature(getattr(Door, method)).parameters.items()
        if name != "self" and parameter.default is inspect.Parameter.empty
    }
    arguments: dict[str, Any] = {**required, argument: text}
    try:
        getattr(door, method)(**arguments)
    except DoorError as error:
        return error.raised
    return None


@pytest.fixture
def doors(open_door: Callable[[str], Door]) -> dict[str, Door]:
    """Every door, each with a collection and a person."""
    doors = {name: open_door(name) for name in DOORS}
    for door in doors.values():
        door.gallery.create_collection("staff")
        door.gallery.create_user("staff", "ann")
    return doors


@pytest.mark.parametrize(
    ("argument", "text"), mostly_long_rows(CASES, 11), ids=lambda value: value[:10]
)
def test_a_text_that_is_not_an_id_is_refused_alike_at_every_door(
    doors: dict[str, Door], argument: str, text: str
) -> None:
    differing = []
    for method in operations(argument):
        expected = outcome(doors["python"], method, argument, text)
        assert (method, argument) in NAMES_TOO or expected is not None
        for name, door in list(doors.items())[1:]:
            lacks = getattr(type(door), method) is getattr(Door, method)
            # commands take the names of people too, so that any text may be one
            if not lacks and not (name == "command line" and argument in ("user_id", "person")):
                known = None if expected is None else door.errors[expected]
                raised = outcome(door, method, argument, text)
                if raised not in (known if isinstance(known, set) else {known}):
                    differing.append((name, method, raised, expected))
    assert differing == []


@pytest.mark.parametrize(
    "text", mostly_long([*MALFORMED, "zz", ".."], 2), ids=lambda text: text[:10]
)
def test_a_text_that_is_not_a_job_is_not_found_at_any_door(tmp_path: Path, text: str) -> None:
    with rest_server(tmp_path) as server:
        path = f"{server.address}/api/v1/jobs/{text.replace('.', '%2E')}"
        assert httpx.get(path).status_code == 404
        assert httpx.post(f"{path}/cancel").status_code == 404
    command = CliRunner().invoke(main, ["jobs", "status", text, "--data", str(tmp_path / "data")])
    assert command.exit_code == ExitCode.NOT_FOUND
