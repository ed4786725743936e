from __future__ import annotations

import threading

import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from facerec.api.rekognition.arns import collection_arn, in_region
from tests.support.api import Api, rekognition_client


def test_a_collection_is_created_described_listed_and_deleted(api: Api, client: BaseClient) -> None:
    made = client.create_collection(CollectionId="staff", Tags={"team": "a"})
    assert made["StatusCode"] == 200
    assert made["FaceModelVersion"] == "fake-1"
    described = client.describe_collection(CollectionId="staff")
    assert described["FaceCount"] == described["UserCount"] == 0
    assert described["CollectionARN"] == made["CollectionArn"]
    assert made["CollectionArn"].startswith("arn:aws:rekognition:eu-west-1:")
    assert described["CreationTimestamp"].timestamp() == api.clock.now
    listed = client.list_collections()
    assert listed["CollectionIds"] == ["staff"]
    assert listed["FaceModelVersions"] == ["fake-1"]
    assert "NextToken" not in listed
    assert client.delete_collection(CollectionId="staff")["StatusCode"] == 200
    assert client.list_collections()["CollectionIds"] == []


def test_collections_are_listed_in_pages(client: BaseClient) -> None:
    names = [f"c{number}" for number in range(5)] + ["z" * 254 + ".", "z" * 255]
    for name in names:
        client.create_collection(CollectionId=name)
    pages = list(
        client.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 2})
    )
    assert [len(page["CollectionIds"]) for page in pages] == [2, 2, 2, 1]
    assert sorted(name for page in pages for name in page["CollectionIds"]) == sorted(names)


def test_a_collection_exists_once(client: BaseClient) -> None:
    client.create_collection(CollectionId="staff")
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException):
        client.create_collection(CollectionId="staff")


def test_of_two_clients_that_create_one_collection_exactly_one_succeeds(api: Api) -> None:
    outcomes = []

    def create() -> None:
        client = rekognition_client(api.address)
        try:
            client.create_collection(CollectionId="staff")
            outcomes.append("made")
        except client.exceptions.ResourceAlreadyExistsException:
            outcomes.append("exists")

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["exists"] * 3 + ["made"]


def test_a_deleted_collection_leaves_nothing_behind(client: BaseClient) -> None:
    client.create_collection(CollectionId="staff", Tags={"team": "a"})
    client.create_user(CollectionId="staff", UserId="ann")
    client.delete_collection(CollectionId="staff")
    client.create_collection(CollectionId="staff")
    assert client.list_users(CollectionId="staff")["Users"] == []
    described = client.describe_collection(CollectionId="staff")
    assert (described["FaceCount"], described["UserCount"]) == (0, 0)
    assert client.list_tags_for_resource(ResourceArn=described["CollectionARN"])["Tags"] == {}


def test_tags_are_set_listed_and_removed(client: BaseClient) -> None:
    arn = client.create_collection(CollectionId="staff", Tags={"team": "a"})["CollectionArn"]
    client.tag_resource(ResourceArn=arn, Tags={"team": "b", "größe: ä/_+-@=.": "1"})
    client.untag_resource(ResourceArn=arn, TagKeys=["team", "unknown"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"größe: ä/_+-@=.": "1"}


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")],
)
def test_arns_have_the_partition_of_the_region(api: Api, region: str, partition: str) -> None:
    client = rekognition_client(api.address, region=region)
    arn = client.create_collection(CollectionId="staff")["CollectionArn"]
    assert arn.startswith(f"arn:{partition}:rekognition:{region}:")
    assert client.describe_collection(CollectionId="staff")["CollectionARN"] == arn
    client.tag_resource(ResourceArn=arn, Tags={"team": "a"})


def test_partitions_are_those_of_aws() -> None:
    session = botocore.session.get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("ec2", partition):
            (arn,) = in_region({"CollectionArn": collection_arn("staff")}, region).values()
            assert arn.startswith(f"arn:{partition}:rekognition:{region}:")


def test_tags_are_found_by_an_arn_from_aws(client: BaseClient) -> None:
    client.create_collection(CollectionId="staff", Tags={"team": "a"})
    arn = "arn:aws:rekognition:eu-west-1:123456789012:collection/staff"
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "a"}


def test_tags_have_limits(client: BaseClient) -> None:
    arn = client.create_collection(CollectionId="staff")["CollectionArn"]
    client.tag_resource(ResourceArn=arn, Tags={str(number): "" for number in range(200)})
    with pytest.raises(client.exceptions.ServiceQuotaExceededException):
        client.tag_resource(ResourceArn=arn, Tags={"one more": ""})
    with pytest.raises(ClientError, match="ValidationException"):
        client.tag_resource(ResourceArn=arn, Tags={"aws:mine": ""})
    with pytest.raises(ClientError, match="ValidationException"):
        client.create_collection(CollectionId="b", Tags={str(number): "" for number in range(201)})


@pytest.mark.parametrize("operation", ["list_tags_for_resource", "tag_resource", "untag_resource"])
def test_tags_need_a_collection(client: BaseClient, operation: str) -> None:
    settings = {"tag_resource": {"Tags": {"a": "b"}}, "untag_resource": {"TagKeys": ["a"]}}
    call = getattr(client, operation)
    more = settings.get(operation, {})
    unknown = "arn:aws:rekognition:eu-west-1:123456789012:collection/nowhere"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        call(ResourceArn=unknown, **more)
    with pytest.raises(client.exceptions.InvalidParameterException):
        call(ResourceArn="arn:aws:s3:::a-bucket-of-mine", **more)
