"""The stack's template and state machine, as tests read them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
STATE_MACHINE = ROOT / "statemachine" / "index.asl.json"


@cache
def template() -> dict[str, Any]:
    """Return the template with intrinsic functions in their long form, such as ``{"Ref": ...}``."""
    from cfnlint.decode import decode

    document, errors = decode(str(TEMPLATE))
    assert not errors, errors
    return document


def properties(name: str) -> dict[str, Any]:
    """Return the properties of a resource of the stack."""
    return template()["Resources"][name]["Properties"]


def create_table(client: Any, name: str) -> None:  # noqa: ANN401 - boto3 has no static types
    """Create a DynamoDB table that has the keys of the stack's table."""
    table = properties("Table")
    keys = ("AttributeDefinitions", "KeySchema", "BillingMode")
    client.create_table(TableName=name, **{key: table[key] for key in keys})


def handler_of(name: str) -> str:
    """Return the handler of a function, in a package or in an image."""
    function = properties(name)
    handler: str = function.get("Handler") or function["ImageConfig"]["Command"][0]
    return handler


def resources(kind: str) -> dict[str, Any]:
    """Return the resources of a type, by name."""
    found = template()["Resources"].items()
    return {name: resource for name, resource in found if resource["Type"] == kind}


def function_environment(name: str) -> dict[str, Any]:
    """Return the environment that a function gets, values as the template has them."""
    own = properties(name).get("Environment", {}).get("Variables", {})
    return {**template()["Globals"]["Function"]["Environment"]["Variables"], **own}


def container_environment() -> dict[str, Any]:
    """Return the environment that containers of jobs get, values as the template has them."""
    listed = properties("JobDefinition")["ContainerProperties"]["Environment"]
    return {variable["Name"]: variable["Value"] for variable in listed}


def state_machine(**substitutions: str) -> str:
    """Return the definition of the state machine with its substitutions made."""
    definition = STATE_MACHINE.read_text("utf-8")
    for name, value in substitutions.items():
        definition = definition.replace(f"${{{name}}}", value)
    return definition
