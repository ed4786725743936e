"""What moto's interpreter of the Amazon States Language needs to run ``batch:submitJob.sync``.

moto's interpreter is LocalStack's, without the step that turns a state's parameters, which are in
PascalCase, into those of boto3, and its answers back. Here that step is put back, on the functions
for it that are still there.
"""

# ruff: noqa: ANN401 - moto has no static types
from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import botocore
import botocore.session
import pytest
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

_SESSION = botocore.session.get_session()
_PARSE = AmazonStateLanguageParser.parse


def repair(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Repair moto for one test, and let its retries and Wait states not wait.

    It reads the state machine once in each process.

    Returns:
        A list that takes the seconds that each would have waited.
    """
    monkeypatch.setattr(StateTaskService, "_normalise_parameters", _normalise_parameters)
    monkeypatch.setattr(StateTaskService, "_normalise_response", _normalise_response)
    monkeypatch.setattr(state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", 0.01)
    monkeypatch.setattr(AmazonStateLanguageParser, "parse", staticmethod(_parse_once))
    waits: list[float] = []
    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=waits.append))
    monkeypatch.setattr(
        WaitFunction, "_wait_interval", lambda _self, env, wait_seconds: waits.append(wait_seconds)
    )
    return waits


@functools.cache
def _syntax_tree(definition: str) -> Any:
    return _PARSE(definition)[1]


def _parse_once(definition: str) -> tuple[Any, Any]:
    """Return a new program of a definition: executions keep their progress in it."""
    tree = _syntax_tree(definition)
    return Preprocessor().visit(tree), tree


def _operation(task: Any, service: str | None, action: str | None) -> Any:
    model = _SESSION.get_service_model(task._get_boto_service_name(service))
    wanted = task._get_boto_service_action(action)
    name = next(name for name in model.operation_names if botocore.xform_name(name) == wanted)
    return model.operation_model(name)


def _normalise_parameters(
    self: Any,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    shape = _operation(self, boto_service_name, service_action_name).input_shape
    self._to_boto_request(parameters, shape)


def _normalise_response(
    self: Any,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    shape = _operation(self, boto_service_name, service_action_name).output_shape
    self._from_boto_response(response, shape)
