"""Checks, before a job starts, that a stack can store its vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from facerec.core.aws_errors import aws_errors
from facerec.core.deferred import DeferredModule
from facerec.errors import AccessDeniedError, ConfigurationError, NotFoundError
from facerec.storage.index_shape import index_misfit

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.jobs.aws.stack import Stack
    from facerec.jobs.aws.start_problems import AwsClients
    from facerec.storage.pinecone import asking
    from facerec.storage.pinecone.opening import PineconeIndex
else:
    asking = DeferredModule("facerec.storage.pinecone.asking")

MAX_INDEXES = 10
"""Maximum number of a vector bucket's indexes to check; facerec creates all of them alike."""

PATIENCE = 10.0
"""Seconds for which a throttled request to Pinecone is retried."""

_UNREADABLE = {
    "DecryptionFailure": ConfigurationError(
        "cannot be decrypted", "enable its KMS key, and give the key as SecretKeyArn"
    ),
    "InvalidRequestException": ConfigurationError(
        "cannot be read in its current state, such as a scheduled deletion",
        "restore it, or name another secret",
    ),
}
"""https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html"""


@dataclass(frozen=True, slots=True)
class JobVectors:
    """The store of the vectors of a job, by the parameters of its stack.

    Attributes:
        collection: The collection of the job; None if the job creates it.
        secret: PineconeSecretArn, the secret with the API key of Pinecone, or None.
        host: PineconeIndexHost, the address of the Pinecone index, or None.
        bucket: Name or ARN of the bucket of Amazon S3 Vectors, or None.
    """

    collection: Collection | None = None
    secret: str | None = None
    host: str | None = None
    bucket: str | None = None


def index_problems(vectors: JobVectors, clients: AwsClients) -> Iterator[str]:
    """Yield the reasons why the index of a job does not fit its vectors, one line each.

    Neither the ``pinecone`` package nor numpy is needed.

    Raises:
        FacerecError: A service denies access or does not respond.
    """
    if vectors.bucket is not None and vectors.collection is not None:
        yield from _of_collection(vectors.collection, vectors.bucket, clients)
    elif vectors.secret is not None:
        yield from _of_pinecone_host(vectors.secret, vectors.host, clients)


def _of_collection(collection: Collection, bucket: str, clients: AwsClients) -> Iterator[str]:
    from facerec.storage.namespaces import namespaces_of
    from facerec.storage.s3vectors.vector_store import index_names

    missing = {"NotFoundException": NotFoundError(f"an index of {bucket}")}
    for name in chain.from_iterable(map(index_names, namespaces_of(collection))):
        try:
            with aws_errors("S3 Vectors", f"the index {name}", codes=missing):
                found = clients.open("s3vectors").get_index(
                    vectorBucketName=bucket.rpartition("/")[2], indexName=name
                )
        except NotFoundError:
            continue  # The first vectors create it.
        yield from _of_index(found["index"])


def _of_pinecone_host(secret: str, host: str | None, clients: AwsClients) -> Iterator[str]:
    """Yield the problems of the index at a host, or only of its secret if the host is unknown.

    The caller has the same permissions as the role that gives the key to containers: if the caller
    may not read the secret, children cannot get the key.
    """

    def ask(key: str) -> None:
        if host is not None:
            asking.require_fitting_index(key, host)

    try:
        yield from _of_pinecone(
            "PineconeIndexHost",
            secret,
            clients,
            ask,
            missing=f"no index responds at {host}: copy the host from the console of Pinecone",
        )
    except AccessDeniedError:
        yield (
            f"PineconeSecretArn: {secret} may not be read: give the whole ARN, with the hyphen and"
            " six characters at its end, and give the secret's own KMS key, if it has one, as"
            " SecretKeyArn"
        )


def _of_pinecone(
    parameter: str,
    secret: str,
    clients: AwsClients,
    ask: Callable[[str], object],
    *,
    missing: str,
) -> Iterator[str]:
    """Yield the problem with a request to Pinecone, if there is one; none contains the key.

    Args:
        parameter: The parameter that names the index.
        secret: ARN of the secret with the key.
        clients: Clients of the services.
        ask: Sends the request, with the key.
        missing: Problem if the index does not exist.

    Raises:
        AccessDeniedError: The credentials may not read the secret.
        StoreUnavailableError: A service does not respond.
    """
    unusable = list(_of_secret(secret, clients))
    yield from unusable
    if unusable:
        return
    try:
        with aws_errors("Secrets Manager", codes=_UNREADABLE):
            answer = clients.open("secretsmanager").get_secret_value(SecretId=secret)
    except NotFoundError:
        yield f"PineconeSecretArn: {secret} has no value: store the API key in it"
        return
    except ConfigurationError as error:
        yield f"PineconeSecretArn: {secret} {error.message}: {error.hint}"
        return
    key = answer.get("SecretString", "").strip()
    if not asking.is_sendable(key):
        yield f"PineconeSecretArn: the value of {secret} is not an API key: store the key alone"
        return
    try:
        ask(key)
    except NotFoundError:
        yield f"{parameter}: {missing}"
    except AccessDeniedError:
        yield (
            f"PineconeSecretArn: Pinecone does not accept the key in {secret}: store a valid key"
            " whose roles allow using the index"
        )
    except ConfigurationError as error:
        yield f"{parameter}: {error.message}: {error.hint}"


def _of_secret(arn: str, clients: AwsClients) -> Iterator[str]:
    """Yield the problem of a secret that is gone, if the caller may describe secrets."""
    try:
        with suppress(AccessDeniedError), aws_errors("Secrets Manager"):
            described = clients.open("secretsmanager").describe_secret(SecretId=arn)
            if described.get("DeletedDate"):
                yield (
                    f"PineconeSecretArn: {arn} is being deleted: restore it, or name another secret"
                )
    except NotFoundError:
        yield f"PineconeSecretArn: {arn} does not exist: store the API key in a secret, and name it"


def of_vector_bucket(stack: Stack, clients: AwsClients) -> Iterator[str]:
    """Yield the problems of the Amazon S3 vector bucket that a stack created.

    Raises:
        FacerecError: A service denies access or does not respond.
    """
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
    misfit = index_misfit(index["dimension"], index["distanceMetric"])
    if misfit is not None:
        yield (
            f"VectorStore: the index {index['indexName']} {misfit}: only facerec may create indexes"
            " there; delete it, and index again"
        )


def of_pinecone_index(stack: Stack, clients: AwsClients, remarks: list[str]) -> Iterator[str]:
    """Yield the problems of a stack's Pinecone index.

    Args:
        stack: The stack.
        clients: Clients of the services.
        remarks: Receives a line about an index in another region.

    Raises:
        FacerecError: A service denies access or does not respond.
    """
    secret = stack.parameters.get("PineconeSecretArn", "")
    name = stack.parameters.get("PineconeIndexName", "")
    if stack.vector_store != "pinecone" or not secret:
        return
    from facerec.storage.pinecone.opening import bare_host, find_pinecone_index

    found: list[PineconeIndex] = []

    def ask(key: str) -> None:
        if name:
            found.append(find_pinecone_index(key, name, patience=PATIENCE))

    yield from _of_pinecone(
        "PineconeIndexName",
        secret,
        clients,
        ask,
        missing=f"the project of the API key has no index {name!r}: create it",
    )
    if not found:
        return
    (index,) = found
    given = bare_host(stack.parameters.get("PineconeIndexHost", ""))
    if index.host and given and given != index.host:
        yield (
            f"PineconeIndexHost: the host of the index {name!r} is {index.host}, not {given}:"
            " deploy the stack with the host of the index"
        )
    if index.region and (index.cloud, index.region) != ("aws", stack.region):
        remarks.append(
            f"the Pinecone index is in {index.cloud} {index.region}, but jobs run in aws"
            f" {stack.region}: requests take longer, and traffic between regions costs money"
        )
