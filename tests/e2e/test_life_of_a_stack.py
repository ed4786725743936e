"""A stack over its life: a first deployment that fails, changes of parameters, an update."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.deployment import STACK, CommandError, tear_down
from tests.e2e.disturbed import put_manifest
from tests.e2e.images import BATCH_IMAGE
from tests.e2e.machine import REGION
from tests.e2e.photos import SomePhotos, some_photos
from tests.e2e.stack import BuiltStack, DeployedStack, until
from tests.support.stack_template import template

LIST = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "RekognitionService.ListCollections",
}

REFUSED = {400, 401, 403}
"""By the gateway, or by the function, which answers 400 to a Rekognition client as AWS does."""


@pytest.mark.long
def test_a_first_deployment_that_failed_is_cleared_and_harms_no_other_stack(
    deployed: DeployedStack, built: BuiltStack
) -> None:
    before = deployed.remains()
    first = DeployedStack(built, "first")
    with pytest.raises(CommandError):
        first.deploy(BatchImageUri=BATCH_IMAGE.replace(":e2e", ":broken"))

    tear_down(deployed.emulator, "first")

    assert sorted(deployed.remains()) == sorted(before)
    stacks = deployed.client("cloudformation").describe_stacks()["Stacks"]
    alive = [each["StackName"] for each in stacks if "DELETE" not in each["StackStatus"]]
    assert not [name for name in alive if name.startswith("first")]
    assert STACK in alive


def test_a_stack_that_stands_is_protected(deployed: DeployedStack) -> None:
    table = deployed.client("dynamodb").describe_table(TableName=deployed.outputs["TableName"])
    assert table["Table"]["DeletionProtectionEnabled"] is True


@pytest.mark.long
def test_an_update_in_mid_job_does_no_harm(deployed: DeployedStack) -> None:
    photos = some_photos()
    few = SomePhotos(photos.lines[:80], photos.probe, photos.known)
    document = {
        "collection_id": "updated",
        "create_collection": True,
        "manifest": put_manifest(deployed, few),
        "images_per_child": 20,
    }
    before = _revisions(deployed)
    execution = deployed.start(document, "updated")
    until(lambda: deployed.emulator.containers() or None, deployed.progress)

    _update(deployed, ChildTimeout="1800")
    assert len(_revisions(deployed)) == len(before) + 1

    ended = deployed.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"])["photos"] == 80
    _update(deployed)


@pytest.mark.long
def test_a_lost_child_runs_again_in_a_further_submission(deployed: DeployedStack) -> None:
    photos = some_photos()
    few = SomePhotos(photos.lines[:80], photos.probe, photos.known)
    document = {
        "collection_id": "lost",
        "create_collection": True,
        "manifest": put_manifest(deployed, few),
        "images_per_child": 20,
    }
    execution = deployed.start(document, "lost")
    batch = deployed.client("batch")
    child = until(lambda: _running_child(deployed, "facerec-lost-*"), deployed.progress)
    batch.terminate_job(jobId=child, reason="the test ends it")

    ended = deployed.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"])["photos"] == 80
    rows = deployed.ledger(f"jobs/{json.loads(ended['output'])['job_id']}/")
    assert len({row["external_image_id"] for row in rows}) == len(rows) == 80
    # An array of four, then the one that was lost.
    arrays = [job.get("arrayProperties") for job in _jobs(deployed, "facerec-lost-*")]
    assert sorted(array["size"] if array else 1 for array in arrays) == [1, 4]


@pytest.mark.long
def test_a_change_of_the_authorization_takes_effect_and_opens_nothing(
    deployed: DeployedStack,
) -> None:
    pool, tokens = _user_pool(deployed)
    assert deployed.post("/", {}, LIST)[0] == 200
    assert deployed.post("/", {}, LIST, token=tokens["staff"])[0] in REFUSED

    _update(deployed, ApiAuthorization="COGNITO", CognitoUserPoolArn=pool)
    _grant(deployed, {"group": "staff", "collections": "*", "access": "read"})
    assert deployed.post("/", {}, LIST, token=tokens["staff"])[0] == 200
    assert deployed.post("/", {}, LIST, token=tokens["nobody"])[0] in REFUSED
    assert deployed.post("/", {}, LIST)[0] in REFUSED
    assert deployed.post("/", {}, LIST, token="none")[0] in REFUSED

    _update(deployed)
    assert deployed.post("/", {}, LIST, token=tokens["staff"])[0] in REFUSED
    assert deployed.post("/", {}, LIST)[0] == 200


@pytest.mark.long
def test_a_model_version_that_the_image_does_not_have_starts_no_child(
    deployed: DeployedStack,
) -> None:
    photos = some_photos()
    few = SomePhotos(photos.lines[:2], photos.probe, photos.known)
    document = {
        "collection_id": "other-model",
        "create_collection": True,
        "manifest": put_manifest(deployed, few),
    }
    _update(deployed, ModelVersion="other-1")

    ended = deployed.ended(deployed.start(document, "other-model"))

    assert (ended["status"], ended["error"]) == ("FAILED", "ConfigurationError")
    assert ended["cause"].startswith("ModelVersion: it is other-1, but the image ")
    assert _jobs(deployed, "facerec-other-model-*") == []
    _update(deployed)


def _update(stack: DeployedStack, **parameters: str) -> None:
    defaults = {
        "ApiAuthorization": "AWS_IAM",
        "ChildTimeout": "3600",
        "ModelVersion": template()["Parameters"]["ModelVersion"]["Default"],
    }
    stack.deploy(**{**defaults, **parameters})


def _revisions(stack: DeployedStack) -> list[str]:
    found = stack.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return [each["jobDefinitionArn"] for each in found]


def _jobs(stack: DeployedStack, name: str) -> list[dict[str, Any]]:
    filters = [{"name": "JOB_NAME", "values": [name]}]
    found: list[dict[str, Any]] = stack.client("batch").list_jobs(
        jobQueue=stack.outputs["JobQueueArn"], filters=filters
    )["jobSummaryList"]
    return found


def _running_child(stack: DeployedStack, name: str) -> str | None:
    batch = stack.client("batch")
    for job in _jobs(stack, name):
        ids = [f"{job['jobId']}:{index}" for index in range(job["arrayProperties"]["size"])]
        for child in batch.describe_jobs(jobs=ids)["jobs"]:
            if child["status"] == "RUNNING":
                found: str = child["jobId"]
                return found
    return None


def _grant(stack: DeployedStack, grant: dict[str, Any]) -> None:
    key = stack.outputs["AccessTable"].rpartition("/")[2]
    table = json.loads(stack.read(key))
    table["grants"].append(grant)
    stack.put(key, json.dumps(table).encode())


def _user_pool(stack: DeployedStack) -> tuple[str, dict[str, str]]:
    """Make a user pool; return its ARN and the tokens of two users, one of them in a group."""
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="tests", ExplicitAuthFlows=flows
    )["UserPoolClient"]["ClientId"]
    cognito.create_group(UserPoolId=pool, GroupName="staff")
    tokens = {}
    for name in ("staff", "nobody"):
        password = f"Password-1-{name}"
        cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=name, Password=password, Permanent=True
        )
        if name == "staff":
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName="staff")
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )
        tokens[name] = answer["AuthenticationResult"]["IdToken"]
    return f"arn:aws:cognito-idp:{REGION}:000000000000:userpool/{pool}", tokens
