"""Finds the reasons why no child of a job starts, by querying the services that start machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.core.counts import count
from facerec.errors import FacerecError

SPOT_QUOTA, ON_DEMAND_QUOTA = "L-34B43A08", "L-1216C47A"
"""Quotas of vCPUs of standard instances
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html)."""

SPOT_ROLE = "AWSServiceRoleForEC2Spot"
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html"""

MAX_ACTIVITIES = 5
"""Maximum number of attempts to start machines to examine, newest first."""

Answer = TypeVar("Answer")

Client = Any
"""A client of boto3, which has no static types."""


@dataclass(frozen=True, slots=True)
class AwsClients:
    """Opens clients of AWS services.

    Attributes:
        open: Returns a client of a service, given the service's name in boto3, or raises a
            ``ConfigurationError`` if no region is set.
    """

    open: Callable[[str], Client]


def open_clients() -> AwsClients:
    """Return clients with the region and the credentials of the environment."""
    import boto3

    def client(service: str) -> Client:
        with aws_errors(service):
            return boto3.client(service, region_name=aws_region())

    return AwsClients(client)


def find_start_problems(queue: str, clients: AwsClients, *, child_vcpus: int) -> list[str]:
    """Return reasons why a queue may not start any child, one line each, the likeliest first.

    A service that does not respond or denies access is omitted.

    Args:
        queue: ARN of the queue.
        clients: Clients of the services.
        child_vcpus: Number of vCPUs of a child.
    """
    found = _answered(lambda: _of_queue(queue, clients))
    environments = _answered(lambda: compute_environments(queue, clients))
    for environment in environments:
        found += _of_environment(environment, child_vcpus)
    for environment in environments:
        found += _answered(partial(_of_quota, environment, clients, child_vcpus))
        found += _answered(partial(_of_machines, environment, clients))
    return list(dict.fromkeys(found))


def _answered(ask: Callable[[], Iterable[Answer]]) -> list[Answer]:
    """Return the results of a query; empty if the service denies access or does not respond."""
    try:
        return list(ask())
    except FacerecError:
        return []


@dataclass(frozen=True, slots=True)
class VcpuQuota:
    """An account's quota of vCPUs.

    Attributes:
        code: Code of the quota in Service Quotas.
        kind: Kind of machines that it counts: spot or on-demand.
        vcpus: Maximum number of vCPUs of all running machines of this kind.
    """

    code: str
    kind: str
    vcpus: int

    def __str__(self) -> str:
        vcpus = count(self.vcpus, "vCPU")
        return f"the account's quota {self.code} allows {vcpus} of {self.kind} machines"


def find_quotas(queue: str, clients: AwsClients) -> list[VcpuQuota]:
    """Return the quotas that limit the machines of a queue; empty if they cannot be found.

    Args:
        queue: ARN of the queue.
        clients: Clients of the services.
    """
    environments = _answered(lambda: compute_environments(queue, clients))
    return _answered(
        lambda: {_quota_of(each.get("computeResources", {}), clients) for each in environments}
    )


def _quota_of(resources: Mapping[str, Any], clients: AwsClients) -> VcpuQuota:
    spot = resources.get("type") == "SPOT"
    code, kind = (SPOT_QUOTA, "spot") if spot else (ON_DEMAND_QUOTA, "on-demand")
    with aws_errors("Service Quotas"):
        quota = clients.open("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=code)
    return VcpuQuota(code, kind, int(quota["Quota"]["Value"]))


def compute_environments(queue: str, clients: AwsClients) -> list[Mapping[str, Any]]:
    """Return the compute environments of a queue, as AWS Batch describes them.

    Raises:
        FacerecError: AWS Batch denies access or does not respond.
    """
    with aws_errors("AWS Batch"):
        batch = clients.open("batch")
        queues = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
        names = [
            each["computeEnvironment"]
            for found in queues
            for each in found["computeEnvironmentOrder"]
        ]
        found: list[Mapping[str, Any]] = batch.describe_compute_environments(
            computeEnvironments=names
        )["computeEnvironments"]
    return found


def _of_queue(queue: str, clients: AwsClients) -> Iterator[str]:
    with aws_errors("AWS Batch"):
        queues = clients.open("batch").describe_job_queues(jobQueues=[queue])["jobQueues"]
    if not queues:
        yield f"the queue {queue} does not exist: deploy the stack again"
    for found in queues:
        if found.get("state") == "DISABLED":
            yield "the queue is disabled: enable it in AWS Batch"
        if found.get("status") == "INVALID":
            reason = found.get("statusReason", "no reason given")
            yield f"the queue is INVALID: {reason}: deploy the stack again"


def _of_environment(environment: Mapping[str, Any], child_vcpus: int) -> Iterator[str]:
    name = environment["computeEnvironmentName"]
    if environment.get("status") == "INVALID":
        reason = environment.get("statusReason", "no reason given")
        yield (
            f"the compute environment {name} is INVALID: {reason}: correct the role, SubnetIds or"
            f" SecurityGroupIds that this names{_role_remedy(reason)}, and deploy the stack again"
        )
    if environment.get("state") == "DISABLED":
        yield f"the compute environment {name} is disabled: enable it in AWS Batch"
    largest = environment.get("computeResources", {}).get("maxvCpus")
    if largest is not None and largest < child_vcpus:
        yield f"MaxvCpus is {largest}, less than the {child_vcpus} of ChildVcpus: raise MaxvCpus"


def _of_quota(
    environment: Mapping[str, Any], clients: AwsClients, child_vcpus: int
) -> Iterator[str]:
    quota = _quota_of(environment.get("computeResources", {}), clients)
    if quota.vcpus < child_vcpus:
        otherwise = ", or lower ChildVcpus" if quota.vcpus else ""
        needed = f"{child_vcpus} {'is' if child_vcpus == 1 else 'are'} needed"
        yield f"{quota}, but {needed}: raise the quota in Service Quotas{otherwise}"


def _of_machines(environment: Mapping[str, Any], clients: AwsClients) -> Iterator[str]:
    """Yield the reasons why the newest attempts to start machines failed.

    AWS Batch names the Auto Scaling group after its compute environment.
    """
    name = environment["computeEnvironmentName"]
    with aws_errors("Auto Scaling"):
        scaling = clients.open("autoscaling")
        pages = scaling.get_paginator("describe_auto_scaling_groups").paginate()
        groups = [
            group["AutoScalingGroupName"]
            for page in pages
            for group in page["AutoScalingGroups"]
            if group["AutoScalingGroupName"].startswith(f"{name}-")
        ]
        for group in groups:
            activities = scaling.describe_scaling_activities(
                AutoScalingGroupName=group, MaxRecords=MAX_ACTIVITIES
            )["Activities"]
            for activity in activities:
                if activity["StatusCode"] in ("Failed", "Cancelled"):
                    reason = activity.get("StatusMessage", "no reason given")
                    yield f"EC2 cannot start machines: {reason}{_role_remedy(reason)}"


def _role_remedy(reason: str) -> str:
    """Return a remedy if the reason is a missing role for spot machines; otherwise ""."""
    if "service-linked role" not in reason:
        return ""
    return f": create the role {SPOT_ROLE}, see docs/first-deployment.md"
