"""What is checked before a job starts: each problem is one line that names a parameter."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from facerec.errors import ConfigurationError, InvalidInputError
from facerec.jobs.aws.preflight import examine, require_region, require_startable_children
from facerec.jobs.aws.stack import Stack
from facerec.jobs.aws.start_problems import AwsClients
from facerec.jobs.aws.vector_stores import JobVectors
from facerec.jobs.planning.request import JobRequest, read_job_request
from facerec.storage.objects.s3 import S3Objects
from tests.support.aws_account import client_of, emulated_account, stack_in

REGION = "eu-west-1"
ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/facerec/batch:abc-x86_64"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:pinecone-AbCdEf"

STACK = stack_in(REGION, "s3vectors")


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with emulated_account(monkeypatch):
        yield


def client(service: str) -> Any:  # noqa: ANN401 - boto3 has no static types
    return client_of(service, REGION)


def problems(stack: Stack, manifest: str) -> list[str]:
    found = examine(request(manifest), stack, AwsClients(client), S3Objects(client("s3"))).problems
    assert not [problem for problem in found if "\n" in problem]
    return found


def request(manifest: str) -> JobRequest:
    return read_job_request({"collection_id": "staff", "manifest": manifest})


def require(manifest: str) -> None:
    require_region(request(manifest), REGION, AwsClients(client), S3Objects(client("s3")))


def make_bucket(name: str, region: str) -> None:
    boto3.client("s3", region_name=region).create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": region}
    )


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    make_bucket("facerec-work", REGION)
    assert problems(STACK, "s3://facerec-work/photos/") == []


def test_a_bucket_that_jobs_may_not_read_is_named_with_its_parameter() -> None:
    make_bucket("photos", REGION)
    (problem,) = problems(STACK, "s3://photos/all.jsonl")
    assert "add arn:aws:s3:::photos to PhotoBucketArns" in problem
    given = {"PhotoBucketArns": "arn:aws:s3:::other,arn:aws:s3:::photos"}
    assert problems(replace(STACK, parameters=given), "s3://photos/all.jsonl") == []


def test_a_bucket_in_another_region_is_refused() -> None:
    make_bucket("photos", "us-west-2")
    given = replace(STACK, parameters={"PhotoBucketArns": "arn:aws:s3:::photos"})
    (problem,) = problems(given, "s3://photos/all.jsonl")
    assert "the bucket photos is in us-west-2, but jobs run in eu-west-1" in problem
    with pytest.raises(InvalidInputError, match="us-west-2"):
        require("s3://photos/all.jsonl")
    # What cannot be asked is not refused here.
    require("s3://missing/all.jsonl")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "content",
    [
        b'{"image": "s3://facerec-work/a.jpg"}\n{"image": "s3://photos/a.jpg"}\n',
        b"image,external_image_id\ns3://facerec-work/a.jpg,\ns3://photos/a.jpg,ann\n",
        b"s3://photos/a.jpg\n",
        b'{"sourceBucket" : "photos", "fileFormat": "CSV"}',
    ],
    ids=["jsonl", "csv", "addresses", "inventory"],
)
def test_buckets_that_a_manifest_names_are_looked_at_too(
    content: bytes, pack: Callable[[bytes], bytes]
) -> None:
    make_bucket("facerec-work", REGION)
    make_bucket("photos", "us-west-2")
    client("s3").put_object(Bucket="facerec-work", Key="all", Body=pack(content))

    unreadable, elsewhere = problems(STACK, "s3://facerec-work/all")

    assert "add arn:aws:s3:::photos to PhotoBucketArns" in unreadable
    assert "the bucket photos is in us-west-2" in elsewhere
    with pytest.raises(InvalidInputError, match="us-west-2"):
        require("s3://facerec-work/all")


def test_an_image_that_is_not_in_its_repository_is_refused() -> None:
    make_bucket("facerec-work", REGION)
    stack = replace(STACK, parameters={"BatchImageUri": IMAGE})
    (problem,) = problems(stack, "s3://facerec-work/photos/")
    assert problem.startswith(f"BatchImageUri: {IMAGE} does not exist")

    ecr = boto3.client("ecr", region_name=REGION)
    ecr.create_repository(repositoryName="facerec/batch")
    assert problems(stack, "s3://facerec-work/photos/") == [problem]
    ecr.put_image(
        repositoryName="facerec/batch",
        imageManifest='{"schemaVersion": 2}',
        imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
        imageTag="abc-x86_64",
    )
    assert problems(stack, "s3://facerec-work/photos/") == []


def test_a_secret_that_does_not_exist_is_refused() -> None:
    make_bucket("facerec-work", REGION)
    stack = replace(STACK, vector_store="pinecone", parameters={"PineconeSecretArn": SECRET})
    (problem,) = problems(stack, "s3://facerec-work/photos/")
    assert problem.startswith(f"PineconeSecretArn: {SECRET} does not exist")

    made = boto3.client("secretsmanager", region_name=REGION).create_secret(
        Name="pinecone", SecretString="key"
    )
    stack = replace(stack, parameters={"PineconeSecretArn": made["ARN"]})
    assert problems(stack, "s3://facerec-work/photos/") == []


def test_a_plan_refuses_a_secret_that_no_child_can_receive() -> None:
    with pytest.raises(ConfigurationError, match=f"PineconeSecretArn: {SECRET} does not exist"):
        require_startable_children(None, JobVectors(secret=SECRET), AwsClients(client))

    secrets = boto3.client("secretsmanager", region_name=REGION)
    made = secrets.create_secret(Name="pinecone", SecretString="key")["ARN"]
    require_startable_children(None, JobVectors(secret=made), AwsClients(client))

    secrets.delete_secret(SecretId=made)
    with pytest.raises(ConfigurationError, match="is being deleted"):
        require_startable_children(None, JobVectors(secret=made), AwsClients(client))
