"""``AWS::Batch::*`` in CloudFormation, and alarms on sums of metrics."""

# ruff: noqa: ANN401 - JSON
from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from typing import Any

import ministack.services.batch as ministack_batch
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.provisioners as provisioners

from tests.e2e.emulator.batch import Answer, register
from tests.e2e.emulator.casing import camel_case

Store = Any
"""What ministack keeps things of one kind in, by their names."""

BROKEN = "broken"
"""Resources of AWS Batch whose properties hold this word cannot be made."""


def install() -> None:
    """Add the resources."""
    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::Batch::ComputeEnvironment": _resource(
                ministack_batch._create_compute_environment,
                "computeEnvironment",
                ministack_batch._compute_envs,
            ),
            "AWS::Batch::JobQueue": _resource(
                ministack_batch._create_job_queue, "jobQueue", ministack_batch._job_queues
            ),
            "AWS::Batch::JobDefinition": _resource(
                register, "jobDefinition", ministack_batch._job_definitions
            ),
        }
    )
    provisioners._RESOURCE_HANDLERS["AWS::S3Vectors::VectorBucket"] = {
        "create": _create_vector_bucket,
        "delete": _delete_vector_bucket,
    }
    # The SAM CLI updates the stack of its image repositories at each deployment, changed or not,
    # and takes no refusal.
    handlers._stack_has_no_updates = lambda *_arguments: False
    alarms = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    alarms["create"] = _accepting_sums(alarms["create"])


def _accepting_sums(create: Callable[..., Any]) -> Callable[..., Any]:
    """Return how an alarm is made, one on a sum of metrics as one on the first of them.

    ministack refuses metric math; no test asks for an alarm.
    """

    def provision(logical_id: str, properties: Any, stack_name: str) -> Any:
        if "Metrics" in properties:
            stats = [each["MetricStat"] for each in properties["Metrics"] if "MetricStat" in each]
            first = {**stats[0]["Metric"], "Statistic": stats[0]["Stat"], **stats[0]}
            kept = {name: value for name, value in properties.items() if name != "Metrics"}
            wanted = ("Namespace", "MetricName", "Dimensions", "Statistic", "Period")
            properties = {**kept, **{name: first[name] for name in wanted}}
        return create(logical_id, properties, stack_name)

    return provision


def _resource(create: Callable[[Any], Answer], kind: str, store: Store) -> dict[str, Any]:
    """Return how CloudFormation makes and deletes a resource; ``Ref`` gives its ARN."""

    def provision(logical_id: str, properties: Any, stack_name: str) -> tuple[str, dict[str, str]]:
        named = {
            f"{kind}Name": provisioners._physical_name(stack_name, logical_id),
            **camel_case(properties),
        }
        if BROKEN in json.dumps(properties):
            raise ValueError(f"{BROKEN}: as the test asked for")
        status, _, body = create(named)
        answer = json.loads(body)
        if status >= 400:
            raise ValueError(str(answer))
        arn = answer[f"{kind}Arn"]
        return arn, {f"{kind[:1].upper()}{kind[1:]}Arn": arn}

    def update(physical_id: str, _old: Any, new: Any, stack_name: str) -> Any:
        if kind == "jobDefinition":
            # A new revision; the template has those before kept (SkipDeregisterOnUpdate).
            name = physical_id.rpartition("/")[2].partition(":")[0]
            return provision(name, {**new, "JobDefinitionName": name}, stack_name)
        return physical_id, {f"{kind[:1].upper()}{kind[1:]}Arn": physical_id}

    def delete(physical_id: str, _properties: Any) -> None:
        name, _, revision = physical_id.rpartition("/")[2].partition(":")
        if kind == "jobDefinition":
            # On an update the revision before stays active; on the end of the stack the one that it
            # has does not.
            if int(revision) == len(store[name]):
                store[name][int(revision) - 1]["status"] = "INACTIVE"
        else:
            store.pop(name, None)

    return {"create": provision, "update": update, "delete": delete}


def _create_vector_bucket(
    logical_id: str, _properties: Any, stack_name: str
) -> tuple[str, dict[str, str]]:
    name = f"{stack_name}-{logical_id}".lower()
    _vectors("CreateVectorBucket", {"vectorBucketName": name})
    arn = f"arn:aws:s3vectors:us-east-1:000000000000:bucket/{name}"
    return arn, {"VectorBucketArn": arn}


def _delete_vector_bucket(physical_id: str, _properties: Any) -> None:
    # Refused, as by the service, as long as it has indexes.
    _vectors("DeleteVectorBucket", {"vectorBucketName": physical_id.rpartition("/")[2]})


def _vectors(operation: str, request: dict[str, Any]) -> None:
    """Ask what stands for Amazon S3 Vectors, which ministack has not."""
    address = f"{os.environ['EMULATOR_S3VECTORS']}/{operation}"
    with urllib.request.urlopen(address, json.dumps(request).encode(), timeout=10) as answer:
        answer.read()
