"""The outputs and parameters of a deployed stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.errors import InvalidInputError, NotFoundError


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack.

    Attributes:
        name: Name of the stack.
        region: Its AWS region.
        bucket: Name of the bucket of the job folders.
        workflow: The ARN of the state machine.
        queue: The ARN of the queue of array jobs.
        dashboard: The address of the dashboard.
        max_vcpus: Maximum vCPUs of all jobs together.
        child_vcpus: vCPUs of one child.
        vector_store: Where vectors are stored: ``s3vectors`` or ``pinecone``.
        parameters: Values of all parameters by their names.
        erasure_function: Name of the function that erases from job folders; None in a stack of an
            earlier release.
        table: Name of the DynamoDB table; None in a stack of an earlier release.
        vector_bucket: Name of the vector bucket; None without one, or in a stack of an earlier
            release.
    """

    name: str
    region: str
    bucket: str
    workflow: str
    queue: str
    dashboard: str
    max_vcpus: int
    child_vcpus: int
    vector_store: str
    parameters: Mapping[str, str]
    erasure_function: str | None = None
    table: str | None = None
    vector_bucket: str | None = None

    @property
    def uses_s3_vectors(self) -> bool:
        """Whether vectors are stored in Amazon S3 Vectors; otherwise, they are in Pinecone."""
        return self.vector_store == "s3vectors"

    @property
    def jobs_root(self) -> str:
        """Parent of all job folders; ends in ``/``."""
        return f"s3://{self.bucket}/jobs/"


def find_stack(name: str) -> Stack:
    """Look up a stack in the account and region of the environment's credentials.

    Raises:
        NotFoundError: The stack does not exist.
        InvalidInputError: The stack does not belong to facerec.
        FacerecError: AWS denies the request or fails; see ``aws_errors``.
    """
    import boto3

    try:
        with aws_errors("CloudFormation", f"the stack {name!r}"):
            client = boto3.client("cloudformation", region_name=aws_region())
            (found,) = client.describe_stacks(StackName=name)["Stacks"]
    except NotFoundError as error:
        region = client.meta.region_name
        raise NotFoundError(
            f"there is no stack {name!r} in {region}",
            "set AWS_REGION to the region of the stack, or deploy it (see docs/deploy.md)",
        ) from error
    return _stack(name, client.meta.region_name, found)


def _stack(name: str, region: str, found: Mapping[str, Any]) -> Stack:
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}
    parameters = {
        each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())
    }
    try:
        return Stack(
            name=name,
            region=region,
            bucket=outputs["BucketName"],
            workflow=outputs["WorkflowArn"],
            queue=outputs["JobQueueArn"],
            dashboard=outputs["DashboardUrl"],
            max_vcpus=int(parameters["MaxvCpus"]),
            child_vcpus=int(parameters["ChildVcpus"]),
            vector_store=parameters["VectorStore"],
            parameters=parameters,
            erasure_function=outputs.get("ErasureFunctionName"),
            table=outputs.get("TableName"),
            vector_bucket=outputs.get("VectorBucketName"),
        )
    except KeyError as error:
        raise InvalidInputError(
            f"the stack {name!r} ({found['StackStatus']}) has no output or parameter"
            f" {error.args[0]}",
            "name a stack that was deployed from facerec's template, wait until it is complete,"
            " and update it to this release",
        ) from error
