"""A job whose vectors no index can store is refused in its plan, before a machine starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import boto3
import pytest

from facerec.storage.namespaces import namespaces_of
from facerec.storage.s3vectors.vector_store import index_names
from facerec.testing.engine import fake_face, fake_photo
from tests.support.pinecone_server import API_KEY, PineconeServer
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.stack import BUCKET, Ended, Stack
from tests.support.workflow.stores import VECTORS, deploy_with_stores, open_api_gallery

Deploy = Callable[..., Stack]


@pytest.fixture
def index() -> Iterator[PineconeServer]:
    with PineconeServer() as server:
        yield server


def deploy_with_pinecone(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, index: PineconeServer, *, key: str = API_KEY
) -> Stack:
    """Deploy a stack whose vectors are in Pinecone, and whose secret has a key of its own."""
    secret = boto3.client("secretsmanager", region_name="us-east-1").create_secret(
        Name="pinecone", SecretString=key
    )["ARN"]
    stack = deploy_with_stores(
        deploy,
        monkeypatch,
        VECTOR_BUCKET="",
        PINECONE_SECRET_ARN=secret,
        PINECONE_INDEX_HOST=index.host,
        PINECONE_API_KEY=API_KEY,  # which AWS Batch gives to containers
    )
    stack.permissions.conditions = frozenset({"Pinecone", "EncryptedSecret"})
    stack.permissions.secret = secret
    stack.put("photos/ann.jpg", fake_photo(fake_face("ann")))
    return stack


def is_refused(ended: Ended, stack: Stack) -> bool:
    assert stack.permissions.denied == []
    assert "\n" not in ended.cause
    return (ended.status, ended.error, stack.analysed) == ("FAILED", "ConfigurationError", 0)


def test_a_plan_may_ask_the_index_with_the_key_of_an_encrypted_secret(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, index: PineconeServer
) -> None:
    stack = deploy_with_pinecone(deploy, monkeypatch, index)

    ended = stack.index(f"s3://{BUCKET}/photos/")

    assert (ended.status, ended.cause) == ("SUCCEEDED", "")
    assert stack.permissions.denied == []


def test_a_job_whose_children_may_not_read_the_secret_starts_no_machine(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, index: PineconeServer
) -> None:
    stack = deploy_with_pinecone(deploy, monkeypatch, index)
    # Secrets Manager finds a secret without the six characters; the policy does not allow it.
    stack.permissions.secret = str(stack.permissions.secret)[:-7]

    ended = stack.index(f"s3://{BUCKET}/photos/")

    assert (ended.status, ended.error) == ("FAILED", "ConfigurationError")
    assert ended.cause.startswith("PineconeSecretArn: ")
    assert "six characters at its end" in ended.cause
    assert (stack.analysed, stack.machines.submissions) == (0, [])
    assert "PlanFunction is not authorized to perform secretsmanager:" in str(
        stack.permissions.denied
    )


@pytest.mark.parametrize(("dimension", "metric"), [(512, "euclidean"), (128, "cosine")])
def test_a_job_for_an_index_of_another_dimension_or_metric_starts_no_machine(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, dimension: int, metric: str
) -> None:
    with PineconeServer(dimension=dimension, metric=metric) as index:
        stack = deploy_with_pinecone(deploy, monkeypatch, index)
        ended = stack.index(f"s3://{BUCKET}/photos/")
    assert is_refused(ended, stack)
    assert ended.cause.startswith("PineconeIndexHost: the Pinecone index has ")


def test_a_job_with_a_key_that_pinecone_refuses_starts_no_machine_and_shows_no_key(
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
    index: PineconeServer,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    stack = deploy_with_pinecone(deploy, monkeypatch, index, key="a-revoked-key")
    ended = stack.index(f"s3://{BUCKET}/photos/")
    assert is_refused(ended, stack)
    assert ended.cause.startswith("PineconeSecretArn: Pinecone does not accept the key in arn:")
    shown = "".join((*capfd.readouterr(), caplog.text, ended.cause))
    assert "a-revoked-key" not in shown
    assert not [key for key in stack.keys("jobs/") if "plan" in key]


@pytest.mark.parametrize("status", [429, 503])
def test_children_wait_for_an_index_that_throttles_or_is_down_for_the_plan(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, index: PineconeServer, status: int
) -> None:
    stack = deploy_with_pinecone(deploy, monkeypatch, index)
    index.fail("/describe_index_stats", status, 1)
    assert stack.index(f"s3://{BUCKET}/photos/").status == "SUCCEEDED"


def test_a_job_for_a_collection_with_an_index_of_another_kind_starts_no_machine(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S3VectorsServer() as vectors:
        vectors.buckets[VECTORS] = {}
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", vectors.address)
        stack = deploy_with_stores(deploy, monkeypatch)
        stack.put("photos/ann.jpg", fake_photo(fake_face("ann")))
        assert stack.index(f"s3://{BUCKET}/photos/").status == "SUCCEEDED"
        stack.put("photos/bob.jpg", fake_photo(fake_face("bob")))
        (name, _) = index_names(
            namespaces_of(open_api_gallery().describe_collection("staff").collection)[0]
        )
        vectors.buckets[VECTORS][name] = replace(vectors.buckets[VECTORS][name], metric="cosine")
        analysed = stack.analysed

        ended = stack.index(f"s3://{BUCKET}/photos/")

    assert (ended.status, ended.error) == ("FAILED", "ConfigurationError")
    assert ended.cause.startswith(f"VectorStore: the index {name} has metric cosine, not euclidean")
    assert (stack.analysed, stack.permissions.denied) == (analysed, [])
