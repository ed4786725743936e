"""Checks whether a stack can run a job, before it starts; nothing is stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from facerec.core.aws_errors import aws_errors
from facerec.errors import (
    AccessDeniedError,
    ConfigurationError,
    FacerecError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
)
from facerec.jobs.aws.batch_image import ChildMachines, machine_problems
from facerec.jobs.aws.start_problems import AwsClients, find_quotas, find_start_problems
from facerec.jobs.aws.vector_stores import (
    JobVectors,
    index_problems,
    of_pinecone_index,
    of_vector_bucket,
)
from facerec.jobs.manifest.inspection import read_start

if TYPE_CHECKING:
    from facerec.jobs.aws.stack import Stack
    from facerec.jobs.planning.request import JobRequest
    from facerec.storage.objects.protocol import ObjectStore

_NAMED_BUCKET = re.compile(
    rb"s3://([a-z0-9.-]{3,63})/|\"sourceBucket\"\s*:\s*\"([a-z0-9.-]{3,63})\""
)
"""Matches a bucket in the lines of a manifest, or the bucket that an S3 Inventory lists."""

MAX_BUCKETS = 10
"""Maximum number of a manifest's buckets to check."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings about a stack before a job starts, one line each.

    Attributes:
        vcpus: vCPUs that all jobs can use: MaxvCpus, or the quotas of the account if they are
            lower.
        problems: Reasons why the stack cannot run the job. Each line names a parameter of the
            stack or a field of the request, and the remedy.
        remarks: Reasons why the job will be slower or more expensive.
    """

    vcpus: int
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def examine(
    request: JobRequest, stack: Stack, clients: AwsClients, objects: ObjectStore
) -> Findings:
    """Return the reasons why a stack cannot run a job, or will run it slowly.

    A check is skipped if a service does not answer it, for example because it denies access.

    Args:
        request: The job.
        stack: The stack that would run it.
        clients: Clients of the services.
        objects: Contains the manifest.
    """
    quotas = find_quotas(stack.queue, clients)
    allowed = sum(quota.vcpus for quota in quotas) if quotas else stack.max_vcpus
    found = Findings(min(stack.max_vcpus, allowed))
    if stack.child_vcpus <= allowed < stack.max_vcpus:
        found.remarks.append(
            f"MaxvCpus is {stack.max_vcpus}, but {', and '.join(map(str, quotas))}: raise the quota"
            " in Service Quotas for a faster job"
        )
    checks: list[Callable[[Stack, AwsClients], Iterator[str]]] = [
        *(partial(_of_bucket, bucket) for bucket in _buckets(request, objects)),
        _of_machines,
        of_vector_bucket,
        partial(of_pinecone_index, remarks=found.remarks),
    ]
    for check in checks:
        # Problems that were found before a service denied access are still returned.
        with suppress(FacerecError):
            found.problems.extend(check(stack, clients))
    if request.bulk_import and not stack.parameters.get("PineconeIntegrationId"):
        found.problems.append(
            "PineconeIntegrationId: the stack has no storage integration for Pinecone: name one, or"
            " index without a bulk import"
        )
    found.problems.extend(find_start_problems(stack.queue, clients, child_vcpus=stack.child_vcpus))
    return found


def require_region(
    request: JobRequest, region: str, clients: AwsClients, objects: ObjectStore
) -> None:
    """Check that the addresses of a request are in buckets of a region.

    Reading them from another region is charged per byte, and bypasses the stack's network. Only the
    start of a manifest is read, and at most ``MAX_BUCKETS`` buckets are checked. A bucket that
    cannot be queried is not checked.

    Args:
        request: The job.
        region: The region of the stack.
        clients: Clients of the services.
        objects: Contains the manifest.

    Raises:
        InvalidInputError: A bucket is in another region.
    """
    for bucket in _buckets(request, objects):
        try:
            problem = region_problem(bucket, region, clients)
        except FacerecError:
            # The planner reads from the bucket, and reports what is wrong with it.
            continue
        if problem is not None:
            raise InvalidInputError(problem)


def require_startable_children(
    machines: ChildMachines | None, vectors: JobVectors, clients: AwsClients
) -> None:
    """Check that the children of a job can start in a stack, and can store their vectors.

    A check is skipped if a service does not respond: children wait for a store that cannot be
    reached. A secret that the caller may not read is refused, because children may not read it
    either.

    Args:
        machines: The machines, and the image that they run; None if they are unknown.
        vectors: The store of the job's vectors.
        clients: Clients of the services.

    Raises:
        ConfigurationError: The children cannot start, or cannot store their vectors; the message
            names the parameter and the remedy.
    """
    checks = [index_problems(vectors, clients)]
    if machines is not None:
        checks.insert(0, machine_problems(machines, clients))
    for problems in checks:
        with suppress(AccessDeniedError, NotFoundError, StoreUnavailableError):
            for problem in problems:
                raise ConfigurationError(problem)


def region_problem(bucket: str, region: str, clients: AwsClients) -> str | None:
    """Return the problem with the region of a bucket, or None.

    Raises:
        FacerecError: The bucket does not exist or may not be listed.
    """
    with aws_errors("S3", f"the bucket {bucket}"):
        answer = clients.open("s3").head_bucket(Bucket=bucket)
    found = answer.get("BucketRegion", region)
    if found == region:
        return None
    return (
        f"the bucket {bucket} is in {found}, but jobs run in {region}: copy its photos and"
        f" manifests to a bucket in {region}, or deploy a stack in {found}"
    )


def _buckets(request: JobRequest, objects: ObjectStore) -> list[str]:
    """Return the buckets named by a request or by the start of its manifest."""
    uris = [request.manifest, *(entry.uri for entry in request.images)]
    parts = [urlsplit(uri) for uri in uris if uri]
    named = [part.netloc for part in parts if part.scheme == "s3"]
    if request.manifest and not request.manifest.endswith("/"):
        # The planner reports what is wrong with a manifest.
        with suppress(FacerecError):
            found = _NAMED_BUCKET.finditer(read_start(objects, request.manifest))
            named += [(bucket[1] or bucket[2]).decode() for bucket in found]
    return list(dict.fromkeys(named))[:MAX_BUCKETS]


def _of_bucket(bucket: str, stack: Stack, clients: AwsClients) -> Iterator[str]:
    given = stack.parameters.get("PhotoBucketArns", "")
    allowed = {arn.strip().rpartition(":")[2] for arn in given.split(",")} | {stack.bucket}
    if bucket not in allowed:
        yield (
            f"the jobs of {stack.name} may not read the bucket {bucket}: add"
            f" arn:aws:s3:::{bucket} to PhotoBucketArns"
        )
    problem = region_problem(bucket, stack.region, clients)
    if problem is not None:
        yield problem


def _of_machines(stack: Stack, clients: AwsClients) -> Iterator[str]:
    given = stack.parameters
    machines = ChildMachines(
        given.get("BatchImageUri", ""),
        given.get("Architecture", "x86_64"),
        given.get("ModelVersion", ""),
        tuple(given.get("InstanceTypes", "").replace(",", " ").split()),
    )
    yield from machine_problems(machines, clients)
