"""Why no child of a job starts, as the services would say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from facerec.errors import StoreUnavailableError
from facerec.jobs.aws.batch_queue import NOT_STARTED, BatchQueue
from facerec.jobs.aws.executions import Execution, ExecutionPlan
from facerec.jobs.aws.start_problems import AwsClients, find_quotas, find_start_problems
from facerec.jobs.aws.watching import Watched, watch_jobs
from facerec.jobs.status import JobStatus

QUEUE = "arn:aws:batch:eu-west-1:123456789012:job-queue/jobs"
HOUR = 3600.0


def denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)


@dataclass
class Account:
    """The services of an account, with the fields that their documentation names."""

    quota: float = 256
    queue: dict[str, Any] = field(default_factory=lambda: {"state": "ENABLED", "status": "VALID"})
    environment: dict[str, Any] = field(
        default_factory=lambda: {"state": "ENABLED", "status": "VALID"}
    )
    max_vcpus: int = 256
    activities: list[dict[str, str]] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    children: dict[str, dict[str, Any]] = field(default_factory=dict)
    terminated: dict[str, str] = field(default_factory=dict)

    def clients(self) -> AwsClients:
        return AwsClients(self._client)

    def _client(self, service: str) -> Account:
        if service in self.denied:
            raise denied(service)
        return self

    def describe_job_queues(self, jobQueues: list[str]) -> dict[str, Any]:  # noqa: N803
        order = [{"order": 1, "computeEnvironment": "arn:spot"}]
        return {"jobQueues": [{**self.queue, "computeEnvironmentOrder": order}]}

    def describe_compute_environments(self, computeEnvironments: list[str]) -> dict[str, Any]:  # noqa: N803
        resources = {"type": "SPOT", "maxvCpus": self.max_vcpus}
        found = {
            "computeEnvironmentName": "SpotMachines-1",
            "computeResources": resources,
            **self.environment,
        }
        return {"computeEnvironments": [found]}

    def get_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:  # noqa: N803
        assert (ServiceCode, QuotaCode) == ("ec2", "L-34B43A08")
        return {"Quota": {"Value": self.quota}}

    def describe_scaling_activities(self, **_request: object) -> dict[str, Any]:
        return {"Activities": self.activities}

    def get_paginator(self, operation: str) -> Pages:
        if operation == "list_jobs":
            return Pages({"jobSummaryList": self.jobs})
        return Pages({"AutoScalingGroups": [{"AutoScalingGroupName": "SpotMachines-1-asg-x"}]})

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        children = [{"jobId": name, **job} for name, job in self.children.items()]
        return {"jobs": [job for job in [*self.jobs, *children] if job["jobId"] in jobs]}

    def terminate_job(self, jobId: str, reason: str) -> None:  # noqa: N803
        self.terminated[jobId] = reason


@dataclass
class Pages:
    page: Mapping[str, Any]

    def paginate(self, **_request: object) -> list[Mapping[str, Any]]:
        return [self.page]


class RunningExecutions:
    """One running execution whose plan is known."""

    def list(self, limit: int, status: str | None = None) -> list[Execution]:
        return [Execution("run", "arn:run", JobStatus.RUNNING, 0.0, None, {}, {}, None)]

    def plan(self, name: str) -> ExecutionPlan:
        return ExecutionPlan("people-1", "s3://work/jobs/people-1/", "facerec-people-1", 4)


def array(created: float, **states: int) -> dict[str, Any]:
    """Return a job as AWS Batch describes an array of four."""
    return {
        "jobId": f"job-{created:g}",
        "jobName": "facerec-people-1-0-0",
        "status": "PENDING",
        "createdAt": int(created * 1000),
        "arrayProperties": {"size": 4, "statusSummary": states},
    }


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (Account(queue={"state": "DISABLED", "status": "VALID"}), "the queue is disabled"),
        (
            Account(environment={"status": "INVALID", "statusReason": "role not found"}),
            "SpotMachines-1 is INVALID: role not found: correct the role, SubnetIds or",
        ),
        (
            Account(queue={"state": "ENABLED", "status": "INVALID", "statusReason": "no"}),
            "the queue is INVALID: no: deploy the stack again",
        ),
        (
            Account(
                activities=[
                    {
                        "StatusCode": "Failed",
                        "StatusMessage": "no permission to create the service-linked role for EC2"
                        " Spot Instances.",
                    }
                ]
            ),
            ": create the role AWSServiceRoleForEC2Spot",
        ),
        (Account(max_vcpus=1), "MaxvCpus is 1, less than the 2 of ChildVcpus"),
        (Account(quota=1), "L-34B43A08 allows 1 vCPU of spot machines, but 2 are needed"),
        (
            Account(activities=[{"StatusCode": "Failed", "StatusMessage": "no spot capacity"}]),
            "EC2 cannot start machines: no spot capacity",
        ),
    ],
)
def test_the_reason_is_found_where_it_is_known(account: Account, said: str) -> None:
    (problem,) = find_start_problems(QUEUE, account.clients(), child_vcpus=2)
    assert said in problem
    assert "\n" not in problem


def test_a_quota_that_no_child_fits_in_is_to_be_raised() -> None:
    (problem,) = find_start_problems(QUEUE, Account(quota=0).clients(), child_vcpus=1)
    assert problem.endswith("but 1 is needed: raise the quota in Service Quotas")
    (problem,) = find_start_problems(QUEUE, Account(quota=1).clients(), child_vcpus=2)
    assert problem.endswith("raise the quota in Service Quotas, or lower ChildVcpus")


def test_quotas_are_found_as_far_as_the_services_answer() -> None:
    (quota,) = find_quotas(QUEUE, Account(quota=5).clients())
    assert (quota.code, quota.kind, quota.vcpus) == ("L-34B43A08", "spot", 5)
    assert find_quotas(QUEUE, Account(denied={"service-quotas"}).clients()) == []
    assert find_quotas(QUEUE, Account(denied={"batch"}).clients()) == []


def test_a_service_that_may_not_be_asked_hides_no_other_reason() -> None:
    account = Account(quota=0, denied={"autoscaling"})
    (problem,) = find_start_problems(QUEUE, account.clients(), child_vcpus=1)
    assert "Service Quotas" in problem


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert find_start_problems(QUEUE, Account().clients(), child_vcpus=1) == []


def watch(account: Account, now: float) -> Watched:
    return watch_jobs(
        RunningExecutions(),  # type: ignore[arg-type]
        BatchQueue(QUEUE, account),
        lambda: find_start_problems(QUEUE, account.clients(), child_vcpus=1),
        start_timeout=HOUR,
        now=now,
    )


def test_a_job_of_which_no_child_starts_is_ended_with_the_reason() -> None:
    account = Account(quota=0, jobs=[array(100, RUNNABLE=4)])

    assert watch(account, 100 + HOUR).ended == []
    watched = watch(account, 101 + HOUR)

    assert account.terminated == {"job-100": watched.ended[0]}
    assert watched.ended[0].startswith(
        f"{NOT_STARTED}: no child started within 60 minutes: the account's quota"
    )


@pytest.mark.parametrize("ended", [0, 2 * HOUR], ids=["a child", "an attempt of a child"])
def test_a_job_that_waits_after_its_first_child_is_ended_too(ended: float) -> None:
    account = Account(quota=0, jobs=[array(100, SUCCEEDED=1, RUNNABLE=3)])
    last = 100 + 2 * HOUR
    account.children = {
        "job-100:0": {"status": "SUCCEEDED", "stoppedAt": 1000 * (last - ended)},
        "job-100:2": {"status": "RUNNABLE", "attempts": [{"stoppedAt": 1000 * last}]},
    }
    assert watch(account, last + 24 * HOUR).ended == []
    (reason,) = watch(account, last + 24 * HOUR + 1).ended
    assert reason.startswith(f"{NOT_STARTED}: no child started within 1440 minutes")


def test_a_job_that_waits_for_its_turn_is_left_alone() -> None:
    account = Account(jobs=[array(100, RUNNABLE=4), array(50, RUNNING=1, RUNNABLE=3)])
    account.jobs[1]["jobName"] = "facerec-people-1-0-4"
    watched = watch(account, 10 * HOUR)
    assert (watched.running, watched.ended, account.terminated) == (1, [], {})


def test_a_job_that_has_started_once_may_wait_for_new_machines() -> None:
    account = Account(jobs=[array(100, SUCCEEDED=1, RUNNABLE=3)])
    account.children = {"job-100:0": {"status": "SUCCEEDED", "stoppedAt": 1000 * HOUR}}
    assert watch(account, 10 * HOUR).ended == []


def test_what_no_service_explains_is_ended_all_the_same() -> None:
    account = Account(jobs=[array(100, RUNNABLE=4)])
    (reason,) = watch(account, 10 * HOUR).ended
    assert "no service gives a reason" in reason


def test_the_reason_of_the_end_becomes_the_reason_of_the_children() -> None:
    ended = {**array(100, FAILED=4), "status": "FAILED", "statusReason": f"{NOT_STARTED}: quota"}
    account = Account(jobs=[ended])
    assert BatchQueue(QUEUE, account).failures("facerec-people-1") == {f"{NOT_STARTED}: quota": 4}


def test_a_job_that_cannot_be_ended_keeps_none_of_the_others() -> None:
    class Refusing(Account):
        def terminate_job(self, jobId: str, reason: str) -> None:  # noqa: N803
            if jobId == "job-100":
                raise ClientError({"Error": {"Code": "ServerException"}}, "TerminateJob")
            super().terminate_job(jobId, reason)

    account = Refusing(jobs=[array(100, RUNNABLE=4), array(200, RUNNABLE=4)])
    account.jobs[0]["jobName"] = "facerec-people-1-0-4"
    watched = watch(account, 10 * HOUR)
    assert list(account.terminated) == ["job-200"]
    assert len(watched.ended) == len(watched.errors) == 1


def test_no_job_is_ended_while_the_children_of_another_are_unknown() -> None:
    class OneUnknown(RunningExecutions):
        def list(self, limit: int, status: str | None = None) -> list[Execution]:
            (known,) = super().list(limit, status)
            return [replace(known, arn="arn:unknown"), known]

        def plan(self, name: str) -> ExecutionPlan:
            if name == "arn:unknown":
                raise StoreUnavailableError("AWS Step Functions", "throttled")
            return super().plan(name)

    account = Account(jobs=[array(100, RUNNABLE=4)])
    watched = watch_jobs(
        OneUnknown(),  # type: ignore[arg-type]
        BatchQueue(QUEUE, account),
        list,
        start_timeout=HOUR,
        now=10 * HOUR,
    )
    assert (watched.executions, len(watched.errors), account.terminated) == (2, 1, {})
