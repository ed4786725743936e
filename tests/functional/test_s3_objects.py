"""What only a store of S3 objects does: versions, and what S3 may answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from facerec.errors import (
    AccessDeniedError,
    ConfigurationError,
    FacerecError,
    KeyDeniedError,
    ObjectArchivedError,
    ObjectNotFoundError,
    OtherRegionError,
    ReadFailedError,
    RequesterPaysError,
    StoreUnavailableError,
)
from facerec.storage.objects import s3 as s3_objects
from facerec.storage.objects.s3 import S3Objects
from tests.support.http_server import HttpServer, Response

Client: TypeAlias = Any


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of a bucket that keeps versions."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")
        client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        yield client


def test_an_older_version_is_read_by_its_id(client: Client) -> None:
    objects = S3Objects(client)
    old = client.put_object(Bucket="bucket", Key="a", Body=b"old")["VersionId"]
    objects.write("s3://bucket/a", b"new")
    assert objects.read("s3://bucket/a", version_id=old) == b"old"
    assert objects.read("s3://bucket/a") == b"new"
    with pytest.raises(ObjectNotFoundError):
        objects.read("s3://bucket/a", version_id="no-such-version")


@pytest.mark.parametrize("uri", ["s3://missing/a", "s3://bucket", "s3://bucket/", "s3://B_/a"])
def test_an_address_without_an_object_is_not_found(client: Client, uri: str) -> None:
    with pytest.raises(ObjectNotFoundError):
        S3Objects(client).read(uri)


@pytest.mark.parametrize(("conflicts", "last"), [(1, "written"), (2, "exists"), (6, "conflict")])
def test_a_write_that_conflicts_with_another_is_repeated(
    client: Client, monkeypatch: pytest.MonkeyPatch, conflicts: int, last: str
) -> None:
    monkeypatch.setattr(s3_objects, "CONFLICT_WAITS", (0.01,) * 5)
    objects = S3Objects(client)
    with Stubber(client) as stub:
        for _ in range(conflicts):
            stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        if last == "written":
            stub.add_response("put_object", {"ETag": '"a"'})
        elif last == "exists":
            stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
        if last == "conflict":
            with pytest.raises(StoreUnavailableError, match="ConditionalRequestConflict"):
                objects.write("s3://bucket/a", b"1", if_absent=True)
        else:
            assert objects.write("s3://bucket/a", b"1", if_absent=True) is (last == "written")
        stub.assert_no_pending_responses()


def test_an_archived_object_is_not_read_as_forbidden(client: Client) -> None:
    objects = S3Objects(client)
    client.put_object(Bucket="bucket", Key="old.jpg", Body=b"x", StorageClass="GLACIER")
    with pytest.raises(ObjectArchivedError, match="is archived"):
        objects.read("s3://bucket/old.jpg", end=10)


def test_listing_and_deleting_follow_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_objects, "PAGE", 10)
    objects = S3Objects(client)
    for number in range(25):
        objects.write(f"s3://bucket/many/{number}", b"")
    assert sum(1 for _ in objects.list("s3://bucket/many/")) == 25
    objects.delete_folder("s3://bucket/many/")
    assert list(objects.list("s3://bucket/")) == []


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDenied", AccessDeniedError), ("InternalError", StoreUnavailableError)],
)
def test_an_object_that_s3_does_not_delete_ends_the_deletion_of_its_folder(
    client: Client, code: str, error: type[FacerecError]
) -> None:
    objects = S3Objects(client)
    with Stubber(client) as stub:
        stub.add_response("list_objects_v2", {"Name": "bucket", "Contents": [{"Key": "job/a"}]})
        stub.add_response("delete_objects", {"Errors": [{"Key": "job/a", "Code": code}]})
        with pytest.raises(error, match="s3://bucket/job/a"):
            objects.delete_folder("s3://bucket/job/")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "InvalidObjectState", ObjectArchivedError),
        (400, "KMS.DisabledException", KeyDeniedError),
        (400, "ExpiredToken", StoreUnavailableError),
        (403, "InvalidAccessKeyId", StoreUnavailableError),
        (503, "SlowDown", StoreUnavailableError),
        (500, "InternalError", ReadFailedError),
        (404, "NoSuchKey", ObjectNotFoundError),
    ],
)
def test_errors_of_s3_become_errors_of_facerec(
    client: Client, status: int, code: str, error: type[FacerecError]
) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("get_object", code, http_status_code=status)
        with pytest.raises(error) as raised:
            S3Objects(client).read("s3://bucket/a")
    assert "s3://bucket/a" in raised.value.message


class Regions(HttpServer):
    """S3 in two regions, as far as it answers requests that were sent to the wrong one.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
    """

    def __init__(self, regions: Mapping[str, str], status: int) -> None:
        super().__init__()
        self.reads = 0
        self._regions, self._status = regions, status

    def respond(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        region = self._regions[address.split("/")[1]]
        if f"/{region}/s3/" not in headers["Authorization"]:
            return Response({}, self._status, {"x-amz-bucket-region": region})
        self.reads += 1
        return Response({"object": address}, headers={"ETag": '"a"'})


@pytest.fixture(params=[301, 307])
def regions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Regions]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with Regions({"near": "eu-west-1", "far": "us-west-2"}, request.param) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.address)
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        yield server


def test_photos_of_other_regions_are_read_on_one_machine(regions: Regions) -> None:
    objects = S3Objects()
    for bucket in ("near", "far"):
        assert b"object" in objects.fetch(f"s3://{bucket}/a.jpg", end=100)[0]


def test_photos_of_other_regions_are_refused_by_jobs_of_a_stack(regions: Regions) -> None:
    objects = S3Objects(reads_other_regions=False)
    assert b"object" in objects.fetch("s3://near/a.jpg", end=100)[0]
    for _ in range(3):
        with pytest.raises(OtherRegionError, match="another region"):
            objects.fetch("s3://far/a.jpg", end=100)
    assert regions.reads == 2


def denied(stub: Stubber, message: str = "Access Denied") -> None:
    stub.add_client_error("get_object", "AccessDenied", message, http_status_code=403)


def described(stub: Stubber, **answer: object) -> None:
    stub.add_response(
        "head_object",
        {"ContentLength": 1, "ETag": '"a"', **answer},
        {"Bucket": "bucket", "Key": "a", "RequestPayer": "requester"},
    )


def test_a_denied_object_stays_denied_if_its_description_is_denied_too(client: Client) -> None:
    with Stubber(client) as stub:
        denied(stub)
        stub.add_client_error("head_object", "403", http_status_code=403)
        with pytest.raises(AccessDeniedError) as raised:
            S3Objects(client).read("s3://bucket/a")
    assert type(raised.value) is AccessDeniedError
    assert "s3://bucket/a" in raised.value.message


def test_a_requester_pays_bucket_is_named_as_such_and_asked_once(client: Client) -> None:
    objects = S3Objects(client)
    with Stubber(client) as stub:
        denied(stub)
        described(stub, RequestCharged="requester")
        denied(stub)
        for _ in range(2):
            with pytest.raises(RequesterPaysError, match="requester-pays bucket"):
                objects.fetch("s3://bucket/a", end=10)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("encryption", ["aws:kms", "aws:kms:dsse"])
def test_an_object_whose_key_may_not_be_used_is_not_merely_denied(
    client: Client, encryption: str
) -> None:
    with Stubber(client) as stub:
        denied(stub)
        described(stub, ServerSideEncryption=encryption)
        with pytest.raises(KeyDeniedError, match="KMS key"):
            S3Objects(client).read("s3://bucket/a")


def test_a_message_that_names_the_key_is_believed(client: Client) -> None:
    role = "arn:aws:sts::123456789012:assumed-role/job/i"
    message = (
        f"User: {role} is not authorized to perform: kms:Decrypt on the resource associated with"
        " this ciphertext because no identity-based policy allows the kms:Decrypt action"
    )
    with Stubber(client) as stub:
        denied(stub, message)
        with pytest.raises(KeyDeniedError):
            S3Objects(client).read("s3://bucket/a")


def test_a_denied_object_that_can_be_described_is_denied(client: Client) -> None:
    with Stubber(client) as stub:
        denied(stub)
        described(stub, ServerSideEncryption="AES256")
        with pytest.raises(AccessDeniedError) as raised:
            S3Objects(client).read("s3://bucket/a")
    assert type(raised.value) is AccessDeniedError


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (NoCredentialsError(), ConfigurationError),
        (EndpointConnectionError(endpoint_url="https://s3"), StoreUnavailableError),
    ],
)
def test_missing_credentials_and_a_missing_network_are_different_errors(
    client: Client, failure: Exception, error: type[FacerecError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> None:
        raise failure

    monkeypatch.setattr(client, "head_object", fails)
    with pytest.raises(error):
        S3Objects(client).head("s3://bucket/a")


def test_an_interrupted_download_is_retried(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = S3Objects(client)
    objects.write("s3://bucket/a", b"content")
    full, broken = client.get_object, []

    class BrokenBody:
        def read(self) -> bytes:
            raise ReadTimeoutError(endpoint_url="https://s3")

    def get_object(**request: object) -> dict[str, Any]:
        if len(broken) < s3_objects.ATTEMPTS - 1:
            broken.append(request)
            return {"Body": BrokenBody()}
        answer: dict[str, Any] = full(**request)
        return answer

    monkeypatch.setattr(client, "get_object", get_object)
    assert objects.read("s3://bucket/a") == b"content"
    assert len(broken) == 2
    broken.clear()
    monkeypatch.setattr(s3_objects, "ATTEMPTS", 1)
    monkeypatch.setattr(client, "get_object", lambda **_: {"Body": BrokenBody()})
    with pytest.raises(StoreUnavailableError):
        objects.read("s3://bucket/a")
