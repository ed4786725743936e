"""Checks, before a job starts, that a stack can store its vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from facerec.core.aws_errors import aws_errors
from facerec.core.faces import EMBEDDING_SIZE, METRIC
from facerec.errors import AccessDeniedError, ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from facerec.jobs.aws.stack import Stack
    from facerec.jobs.aws.start_problems import AwsClients

MAX_INDEXES = 10
"""Maximum number of a vector bucket's indexes to check; facerec creates all of them alike."""

PATIENCE = 10.0
"""Seconds for which a throttled request to Pinecone is retried."""


def of_vector_bucket(stack: Stack, clients: AwsClients) -> Iterator[str]:
    """Yield the problems of the Amazon S3 vector bucket that a stack created."""
    if stack.vector_store != "s3vectors":
        return
    with aws_errors("CloudFormation", f"the stack {stack.name!r}"):
        created = clients.open("cloudformation").describe_stack_resource(
            StackName=stack.name, LogicalResourceId="VectorBucket"
        )
    bucket = created["StackResourceDetail"]["PhysicalResourceId"].rpartition("/")[2]
    vectors = clients.open("s3vectors")
    missing = {"NotFoundException": NotFoundError(bucket)}
    try:
        with aws_errors("S3 Vectors", f"the vector bucket {bucket}", codes=missing):
            vectors.get_vector_bucket(vectorBucketName=bucket)
            page = vectors.list_indexes(vectorBucketName=bucket, maxResults=MAX_INDEXES)
            for index in page["indexes"]:
                found = vectors.get_index(vectorBucketName=bucket, indexName=index["indexName"])
                yield from _of_index(found["index"])
    except NotFoundError:
        yield f"VectorStore: the vector bucket {bucket} does not exist: deploy the stack again"


def _of_index(index: dict[str, Any]) -> Iterator[str]:
    found = (index["dimension"], index["distanceMetric"])
    if found != (EMBEDDING_SIZE, METRIC):
        yield (
            f"VectorStore: the index {index['indexName']} has dimension {found[0]} and metric"
            f" {found[1]}, not {EMBEDDING_SIZE} and {METRIC}: only facerec may create indexes there"
        )


def of_pinecone_index(stack: Stack, clients: AwsClients, remarks: list[str]) -> Iterator[str]:
    """Yield the problems of a stack's Pinecone index.

    Args:
        stack: the stack.
        clients: clients of the services.
        remarks: receives a line about an index in another region.
    """
    secret = stack.parameters.get("PineconeSecretArn", "")
    name = stack.parameters.get("PineconeIndexName", "")
    if stack.vector_store != "pinecone" or not secret or not name:
        return
    from facerec.storage.pinecone.opening import bare_host, find_pinecone_index

    with aws_errors("Secrets Manager"):
        answer = clients.open("secretsmanager").get_secret_value(SecretId=secret)
    try:
        index = find_pinecone_index(answer.get("SecretString", ""), name, patience=PATIENCE)
    except NotFoundError:
        yield f"PineconeIndexName: the project of the API key has no index {name!r}: create it"
        return
    except AccessDeniedError:
        yield f"PineconeSecretArn: Pinecone does not accept the key in {secret}: store a valid one"
        return
    except ConfigurationError as error:
        yield f"PineconeIndexName: {error.message}: {error.hint}"
        return
    given = bare_host(stack.parameters.get("PineconeIndexHost", ""))
    if index.host and given and given != index.host:
        yield f"PineconeIndexHost: the host of the index {name!r} is {index.host}, not {given}"
    if index.region and (index.cloud, index.region) != ("aws", stack.region):
        remarks.append(
            f"the Pinecone index is in {index.cloud} {index.region}, but jobs run in aws"
            f" {stack.region}: requests take longer, and traffic between regions costs money"
        )
