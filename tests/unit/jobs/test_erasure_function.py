"""Requests to the function of a stack that erases, which may be of another release."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from facerec.errors import FacerecError, InvalidInputError, NotFoundError
from facerec.jobs.aws.erasure_function import ErasureFunction, pack


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


def test_a_refused_request_is_the_error_of_the_function() -> None:
    refusal = InvalidInputError("no", "yes").to_json()
    with pytest.raises(InvalidInputError, match="no"):
        ErasureFunction("Erasure", Client({"refused": refusal})).call_for_packed({})


def test_a_function_that_ran_out_of_time_fails_with_the_message_of_lambda() -> None:
    answer = {"errorMessage": "Task timed out after 900.00 seconds"}
    function = ErasureFunction("Erasure", Client(answer, FunctionError="Unhandled"))
    with pytest.raises(FacerecError, match=r"^the function Erasure failed: Task"):
        function.call({})
