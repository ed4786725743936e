"""What the SAM translator and the SAM CLI make of the template for given parameters."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from typing import Any

import pytest

from tests.support.gateway_events import POOL_ARN
from tests.support.long import mostly_long, rarely_short
from tests.support.stack_template import ROOT, TEMPLATE, properties, template

SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"

VALUES: dict[str, list[str]] = {
    "ApiAuthorization": ["AWS_IAM", "COGNITO"],
    "CognitoUserPoolArn": ["", POOL_ARN, f"{POOL_ARN}2"],
    "AllowedOrigins": ["", "*", "https://example.com"],
}
"""Values of each parameter that the API's body depends on."""

TRANSLATE = """
import json, sys, time
from unittest.mock import patch
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

def loader():
    class Loader:
        def load(self):
            return {}
    return Loader()

text = open(sys.argv[1]).read()
found = []
for second, values in enumerate(json.load(sys.stdin)):
    document = yaml_parse(text)
    for resource in document["Resources"].values():
        own = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            own.pop("CodeUri", None)
            own["PackageType"] = "Image"
            own["ImageUri"] = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/any:1"
            own.pop("Handler", None), own.pop("Runtime", None)
        if resource["Type"] == "AWS::Serverless::StateMachine":
            own["DefinitionUri"] = "s3://bucket/key"
    # Two deployments are never of the same second.
    with patch("time.time", return_value=1_800_000_000.0 + second):
        found.append(transform(document, values, loader())["Resources"])
print(json.dumps(found))
"""

ARCHITECTURES = """
import json, sys
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

overrides = dict(each.split("=", 1) for each in sys.argv[2:])
stacks, _ = SamLocalStackProvider.get_stacks(sys.argv[1], parameter_overrides=overrides)
functions = SamFunctionProvider(stacks).get_all()
print(json.dumps({function.functionname: function.architecture for function in functions}))
"""


def translated(values: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return the resources that SAM makes of the template for each set of parameters, in order."""
    done = subprocess.run(
        [SAM_PYTHON, "-c", TRANSLATE, TEMPLATE],
        env={"AWS_DEFAULT_REGION": "eu-west-1"},
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def deployments(values: list[dict[str, str]]) -> list[str]:
    """Return the deployment that the stage would have for each set of parameters, in order."""
    return [
        resources["Apiv1Stage"]["Properties"]["DeploymentId"]["Ref"]
        for resources in translated(values)
    ]


def referred(part: Any) -> set[str]:  # noqa: ANN401 - a template
    """Return the names that part of a template refers to, through conditions too."""
    names: set[str] = set()
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "Ref":
                names.add(value)
            elif key == "Fn::If":
                names |= referred(template()["Conditions"][value[0]]) | referred(value[1:])
            else:
                names |= referred(value)
    elif isinstance(part, list):
        for each in part:
            names |= referred(each)
    return names


def test_the_parameters_of_the_body_are_known() -> None:
    parameters = referred(properties("Api")["DefinitionBody"]) & set(template()["Parameters"])
    assert parameters == set(VALUES)


@pytest.mark.parametrize("name", mostly_long(VALUES, 1))
def test_a_change_of_a_parameter_of_the_body_deploys_the_stage_anew(name: str) -> None:
    required = {
        "BatchImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/any:1",
        "PineconeSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf",
        "PineconeIndexName": "faces",
    }
    found = deployments([{**required, name: value} for value in VALUES[name]])
    for before, after in combinations(found, 2):
        assert before != after


@pytest.mark.parametrize("architecture", rarely_short(["x86_64", "arm64"], "arm64"))
def test_both_images_are_built_for_the_architecture_of_the_machines(architecture: str) -> None:
    # What `make deploy` hands to `sam build`; without it SAM would build for the default.
    script = (ROOT / "deploy" / "deploy.sh").read_text("utf-8")
    assert 'sam build --parameter-overrides "Architecture=$architecture"' in script
    done = subprocess.run(
        [SAM_PYTHON, "-c", ARCHITECTURES, TEMPLATE, f"Architecture={architecture}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["ApiFunction"] == architecture
    assert '"$here/push_image.sh" "$stack" "$architecture"' in script


def test_a_permissions_boundary_limits_every_role_also_those_that_sam_makes() -> None:
    (resources,) = translated([{"BatchImageUri": "any"}])
    roles = {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    assert len(roles) == 13
    for name, role in roles.items():
        assert role["PermissionsBoundary"] == {
            "Fn::If": ["Bounded", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]
        }, name


def test_the_filter_and_the_host_name_are_those_of_the_stage_that_sam_makes() -> None:
    (resources,) = translated([{"BatchImageUri": "any"}])
    assert resources["Apiv1Stage"]["Properties"]["StageName"] == "v1"
    mapping = resources["ApiDomainMapping"]["Properties"]
    assert (mapping["RestApiId"], mapping["Stage"]) == ({"Ref": "Api"}, {"Ref": "Apiv1Stage"})
    # https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
    assert resources["ApiFilter"]["Properties"]["ResourceArn"] == {
        "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::"
        "/restapis/${Api}/stages/${Apiv1Stage}"
    }
