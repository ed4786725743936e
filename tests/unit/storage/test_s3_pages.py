"""Pages of S3 listings have the same objects as botocore's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from facerec.errors import ObjectNotFoundError
from facerec.storage.objects.s3 import S3Objects
from facerec.storage.objects.s3_pages import parse_listed_objects

KEYS = [
    "a b.jpg",
    "a&b<c>.jpg",
    "a+b%20c.jpg",
    "Zoë/😀.jpg",
    '"quoted"',
    "line\nend",
    "tab\t",
    "x/",
]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", config=Config(retries={"max_attempts": 1})
        )
        client.create_bucket(Bucket="photos")
        yield client


def test_a_page_has_the_objects_that_botocore_finds(client: Any) -> None:  # noqa: ANN401
    for number, key in enumerate(KEYS):
        client.put_object(Bucket="photos", Key=f"all/{key}", Body=b"." * number)
    expected = client.list_objects_v2(Bucket="photos", MaxKeys=5)
    S3Objects(client)
    found = client.list_objects_v2(Bucket="photos", MaxKeys=5)
    assert found["Contents"] == [
        {name: each[name] for name in ("Key", "Size", "ETag")} for each in expected["Contents"]
    ]
    for answer in (expected, found):
        for name in ("Contents", "ResponseMetadata"):
            del answer[name]
    assert found == expected
    listed = S3Objects(client).list("s3://photos/all/")
    assert sorted(each.uri for each in listed) == sorted(f"s3://photos/all/{key}" for key in KEYS)


def test_folders_and_an_empty_page_are_as_botocore_finds_them(client: Any) -> None:  # noqa: ANN401
    client.put_object(Bucket="photos", Key="one/a.jpg", Body=b"a")
    objects = S3Objects(client)
    assert list(objects.folders("s3://photos/")) == ["s3://photos/one/"]
    assert list(objects.list("s3://photos/two/")) == []


@pytest.mark.parametrize(
    ("key", "version"), [("a\ud800.jpg", None), ("a.jpg", "\udcff"), ("\udcff", "\udcff")]
)
def test_an_object_with_half_of_a_character_in_its_name_is_not_found(
    client: Any,  # noqa: ANN401
    key: str,
    version: str | None,
) -> None:
    with pytest.raises(ObjectNotFoundError):
        S3Objects(client).fetch(f"s3://photos/{key}", version_id=version)


def test_an_error_is_left_to_botocore(client: Any) -> None:  # noqa: ANN401
    with pytest.raises(ObjectNotFoundError):
        list(S3Objects(client).list("s3://nowhere/"))
    with pytest.raises(ClientError, match="NoSuchBucket"):
        client.list_objects_v2(Bucket="nowhere")


@pytest.mark.parametrize("body", [b"", b"<ListBucketResult><Contents>", b"not XML"])
def test_a_damaged_page_is_left_to_botocore(body: bytes) -> None:
    answer, found = {"status_code": 200, "body": body}, dict[str, Any]()
    parse_listed_objects(answer, found)
    assert (answer["body"], found) == (body, {})
