"""``AWS::Batch::*`` in CloudFormation, and alarms on sums of metrics."""

# ruff: noqa: ANN401 - JSON
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ministack.services.batch as ministack_batch
import ministack.services.cloudformation.provisioners as provisioners

from tests.e2e.emulator.batch import Answer, register
from tests.e2e.emulator.casing import camel_case

Store = Any
"""What ministack keeps things of one kind in, by their names."""


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
        status, _, body = create(named)
        answer = json.loads(body)
        if status >= 400:
            raise ValueError(str(answer))
        arn = answer[f"{kind}Arn"]
        return arn, {f"{kind[:1].upper()}{kind[1:]}Arn": arn}

    def delete(physical_id: str, _properties: Any) -> None:
        store.pop(physical_id.rpartition("/")[2].partition(":")[0], None)

    return {"create": provision, "delete": delete}
