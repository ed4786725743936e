"""Requests to the function of a stack that erases, which may be of another release."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from facerec.cli import erasures
from facerec.cli.main import main
from facerec.errors import FacerecError, InvalidInputError, NotFoundError, StoreUnavailableError
from facerec.gallery.presenting.enrolment import enrolment_from_json
from facerec.jobs.aws.erasure_function import ErasureFunction, pack
from facerec.jobs.verifying.rebuild import rebuilt_from_json


class Client:
    """A client of Lambda whose function has one answer."""

    def __init__(self, answer: dict[str, Any], **fields: str) -> None:
        self.answer, self.fields, self.events = answer, fields, list[dict[str, Any]]()

    def invoke(self, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3 does
        self.events.append(json.loads(arguments["Payload"]))
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **self.fields}


def test_a_packed_answer_is_unpacked() -> None:
    client = Client({"packed": pack({"people": ["张伟"]}, 1000, hint="")})
    answer = ErasureFunction("Erasure", client).call_for_packed({"operation": "list_people"})
    assert answer == {"people": ["张伟"]}
    assert client.events == [{"operation": "list_people", "returns_refusals": True}]


def test_a_function_that_does_not_know_a_request_is_to_be_updated() -> None:
    # A function of an earlier release takes the request for an event of its schedule.
    function = ErasureFunction("Erasure", Client({"erasures": []}))
    with pytest.raises(NotFoundError, match="does not know this request") as refused:
        function.call_for_packed({"operation": "list_people"})
    assert refused.value.hint == "update the stack to this release"


def test_a_function_that_fails_at_an_operation_it_does_not_have_is_to_be_updated() -> None:
    failure = {"errorType": "KeyError", "errorMessage": "'list_collections'"}
    function = ErasureFunction("Erasure", Client(failure, FunctionError="Unhandled"))
    with pytest.raises(NotFoundError, match="does not know this request") as refused:
        function.call_for_packed({"operation": "list_collections"})
    assert refused.value.hint == "update the stack to this release"
    with pytest.raises(FacerecError, match=r"failed: KeyError: 'list_collections'$"):
        function.call_for_packed({"operation": "list_people"})


@pytest.mark.parametrize("read", [enrolment_from_json, rebuilt_from_json, lambda page: page["x"]])
def test_what_the_answer_of_another_release_lacks_is_one_line(read: Callable[[Any], Any]) -> None:
    answer = {"people": 1, "faces": 2, "corrected": [{"source": "a.jpg"}], "copied": None}
    packed = Client({"packed": pack(answer, 1000, hint=""), **answer})
    for ask in (ErasureFunction.call, ErasureFunction.call_for_packed):
        with pytest.raises(NotFoundError, match="of another release") as refused:
            read(ask(ErasureFunction("Erasure", packed), {}))
        assert refused.value.hint == "update the stack to this release"


def test_an_enrolment_of_an_earlier_release_is_read_without_what_came_later() -> None:
    counts = {"people": 1, "created": 1, "associated": 2, "unchanged": 0}
    answer = {"collection_id": "club", **counts, "corrected": [], "deleted": [], "unnamed": []}
    enrolment = enrolment_from_json({**answer, "of_a_later_release": 1})
    assert (enrolment.associated, enrolment.registrations, enrolment.nameless) == (2, (), 0)


def test_a_refused_request_is_the_error_of_the_function() -> None:
    refusal = InvalidInputError("no", "yes").to_json()
    with pytest.raises(InvalidInputError, match="no"):
        ErasureFunction("Erasure", Client({"refused": refusal})).call_for_packed({})


def test_a_function_that_ran_out_of_time_fails_with_the_message_of_lambda() -> None:
    answer = {"errorMessage": "Task timed out after 900.00 seconds"}
    function = ErasureFunction("Erasure", Client(answer, FunctionError="Unhandled"))
    with pytest.raises(FacerecError, match=r"^the function Erasure failed: Task"):
        function.call({})


def test_a_failed_store_says_itself_what_has_failed() -> None:
    answer = {"errorType": "StoreUnavailableError", "errorMessage": "the table t does not answer"}
    function = ErasureFunction("Erasure", Client(answer, FunctionError="Unhandled"))
    with pytest.raises(StoreUnavailableError) as failed:
        function.call_for_packed({"operation": "delete_collection"})
    assert failed.value.message == "the table t does not answer"
    assert failed.value.hint == "the function Erasure of the stack reports this; try again"


def test_a_sweep_calls_the_function_until_it_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        {"swept": {"staff": 2}, "records": {"staff": 1}, "complete": False},
        {"swept": {"club": 1}, "records": {}, "complete": False},
        {"swept": {"staff": 3}, "records": {"staff": 4}, "complete": True},
    ]
    events: list[dict[str, object]] = []

    class Function:
        def call(self, event: dict[str, object]) -> dict[str, object]:
            events.append(event)
            return answers[len(events) - 1]

    monkeypatch.setattr(erasures.services, "erasure_function", lambda _stack: Function())
    result = CliRunner().invoke(main, ["erasures", "sweep", "--stack", "s", "--json"])
    assert json.loads(result.stdout) == {
        "swept": [
            {"collection_id": "club", "faces": 1, "records": 0},
            {"collection_id": "staff", "faces": 5, "records": 5},
        ]
    }
    assert "3 faces and 1 record erased so far" in result.stderr
    assert len(events) == 3
    assert all(0 < int(str(event["seconds"])) <= 60 for event in events)


def test_a_function_of_an_earlier_release_sweeps_no_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = ErasureFunction("Erasure", Client({"swept": {"staff": 2}}))
    # In the deferred module, which keeps what it reads: the module itself would stay patched there.
    monkeypatch.setattr(erasures.services, "erasure_function", lambda _stack: older)
    result = CliRunner().invoke(main, ["erasures", "sweep", "--stack", "s", "--json"])
    assert json.loads(result.stdout) == {
        "swept": [{"collection_id": "staff", "faces": 2, "records": 0}]
    }
