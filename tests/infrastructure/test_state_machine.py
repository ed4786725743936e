"""Facts about the state machine that no interpreter checks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.stack_template import STATE_MACHINE, properties, state_machine

SERVICE_FAULTS = re.compile(
    r"Lambda\.(ServiceException|AWSLambdaException|SdkClientException|TooManyRequestsException"
    r"|ClientExecutionTimeoutException)"
    r"|Batch\.(ServerException|AWSBatchException|SdkClientException)"
    r"|StoreUnavailableError"
    # Of a function that continues where it was; see
    # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    r"|Sandbox\.Timedout"
)


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all states, those of a Map's iterations included."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def tasks() -> dict[str, dict[str, Any]]:
    machine = json.loads(STATE_MACHINE.read_text("utf-8"))
    return {name: state for name, state in states(machine) if state["Type"] == "Task"}


def lint(tool: str, path: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name(tool)
    return subprocess.run([command, path], capture_output=True, text=True, check=False)


def test_cfn_lint_finds_nothing_in_the_definition_put_inline(tmp_path: Path) -> None:
    # cfn-lint does not check a separate file.
    names = properties("Workflow")["DefinitionSubstitutions"]
    arns = {name: f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in names}
    inline = {
        "Resources": {
            "Workflow": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": "arn:aws:iam::123456789012:role/any",
                    "Definition": json.loads(state_machine(**arns)),
                },
            }
        }
    }
    template = tmp_path / "inline.json"
    template.write_text(json.dumps(inline))

    found = lint("cfn-lint", template)
    assert found.returncode == 0, found.stdout

    # The linter does look: what is wrong is found.
    inline["Resources"]["Workflow"]["Properties"]["Definition"]["States"]["Plan"]["Bogus"] = 1
    template.write_text(json.dumps(inline))
    assert "Bogus" in lint("cfn-lint", template).stdout


def test_statelint_finds_nothing() -> None:
    found = lint("statelint", STATE_MACHINE)
    assert (found.returncode, found.stdout.strip()) == (0, ""), found.stdout


def test_every_substitution_is_used_and_defined() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", STATE_MACHINE.read_text("utf-8")))
    assert used == set(properties("Workflow")["DefinitionSubstitutions"])


def test_everything_that_waits_has_a_timeout() -> None:
    machine = json.loads(STATE_MACHINE.read_text("utf-8"))
    assert 0 < machine["TimeoutSeconds"] <= 365 * 86_400
    for name, task in tasks().items():
        assert 0 < task["TimeoutSeconds"] < machine["TimeoutSeconds"], name


def test_only_service_errors_are_retried() -> None:
    for name, task in tasks().items():
        assert task["Retry"], name
        for error in (error for rule in task["Retry"] for error in rule["ErrorEquals"]):
            assert SERVICE_FAULTS.fullmatch(error), (name, error)


def test_outputs_of_jobs_are_reduced() -> None:
    jobs = [task for task in tasks().values() if task["Resource"].endswith("submitJob.sync")]
    assert len(jobs) == 4
    for job in jobs:
        assert "ResultSelector" in job or job["ResultPath"] is None


def test_a_failed_array_is_caught_inside_its_iteration() -> None:
    machine = json.loads(STATE_MACHINE.read_text("utf-8"))
    iteration = machine["States"]["Index"]["ItemProcessor"]["States"]
    jobs = [state for state in iteration.values() if state["Type"] == "Task"]
    assert len(jobs) == 2
    for job in jobs:
        (catch,) = job["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"]
        # The cause of a failed job has kilobytes, and is dropped.
        assert "$.fault.Cause" not in json.dumps(iteration[catch["Next"]])


def test_an_array_is_never_submitted_for_one_child() -> None:
    machine = json.loads(STATE_MACHINE.read_text("utf-8"))
    iteration = machine["States"]["Index"]["ItemProcessor"]
    choice = iteration["States"][iteration["StartAt"]]
    assert choice["Choices"] == [{"Variable": "$.size", "NumericEquals": 1, "Next": "RunChild"}]
    assert "ArrayProperties" not in iteration["States"]["RunChild"]["Parameters"]
    assert "ArrayProperties" in iteration["States"][choice["Default"]]["Parameters"]
