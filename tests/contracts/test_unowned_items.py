"""Items that deletions under earlier releases have left in a stack's table, to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ConnectTimeoutError

from facerec.core.erasures import SubjectKind, Swept
from facerec.core.history import Action
from facerec.core.recording import recording
from facerec.core.records import Correction, User, new_collection
from facerec.core.registrations import Registration
from facerec.errors import CollectionExistsError, StoreUnavailableError
from facerec.jobs.erasure_check.check import erase_and_check
from facerec.jobs.erasure_check.traces import CheckedStores
from facerec.storage.dynamodb import unowned
from facerec.storage.dynamodb.items import association_key, collection_key, registered_key
from facerec.storage.dynamodb.items import user_name_key as name_key
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.objects.local import LocalObjects
from facerec.testing.engine import fake_face, fake_photo
from facerec.testing.records.users import FACES
from facerec.testing.registrations import NOW, YEAR, match_event
from tests.support.deployments import ON_AWS, Deployment, open_deployment
from tests.support.permissions import acting_as, enforce_permissions


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with open_deployment(ON_AWS, tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
def client(deployment: Deployment) -> BaseClient:
    return boto3.client("dynamodb", region_name="eu-west-1")


@pytest.fixture
def store(deployment: Deployment) -> DynamoDBStore:
    records = deployment.collaborators.records
    assert isinstance(records, DynamoDBStore)
    return records


def fill(store: DynamoDBStore, collection_id: str, created_at: float) -> None:
    """Create a collection with an item in every partition of its own."""
    store.create_collection(new_collection(collection_id, "v1", created_at))
    with recording(Action.CREATE, 1.0):
        store.create_user(collection_id, User("ann", 1.0, tuple(FACES[:3]), name="Ann"))
    store.set_registration(collection_id, "ann", Registration("2026-01-01", YEAR.expires))
    store.add_corrections(collection_id, [Correction(FACES[5], "bob")])
    store.put_tombstones(collection_id, {"photo": {"place"}})
    store.put_events([match_event(1)], NOW)


def items(client: BaseClient) -> set[tuple[str, str]]:
    found = client.scan(TableName="facerec")["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]) for item in found}


def forget(client: BaseClient, key: dict[str, Any]) -> None:
    """Delete an item and nothing else, as a killed deletion of an earlier release did."""
    client.delete_item(TableName="facerec", Key=key)


def kinds(client: BaseClient) -> set[str]:
    return {partition.partition("#")[0] for partition, _ in items(client)}


def test_what_is_left_of_a_deleted_collection_is_swept_and_others_stay(
    deployment: Deployment,
    store: DynamoDBStore,
    client: BaseClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.create_collection(new_collection("guests", "v1", 1.0))
    store.create_user("guests", User("ann", 1.0, tuple(FACES[:3]), name="Ann"))
    others = items(client)
    fill(store, "staff", 1.0)
    assert len(kinds(client)) >= 10
    forget(client, collection_key("staff"))
    left = len(items(client) - others)
    with acting_as("ErasureFunction", enforce_permissions(monkeypatch, bucket="")):
        assert deployment.gallery().sweep() == {"staff": Swept(0, left)}
        assert deployment.gallery().sweep() == {}
    assert items(client) == others


@pytest.mark.parametrize("function", ["ApiFunction", "PlanFunction", "ErasureFunction"])
def test_a_new_collection_has_nothing_of_an_earlier_one(
    store: DynamoDBStore, client: BaseClient, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    fill(store, "staff", 1.0)
    forget(client, collection_key("staff"))
    with acting_as(function, enforce_permissions(monkeypatch, bucket="")):
        store.create_collection(new_collection("staff", "v1", 2.0))
    assert items(client) == {("collections", "staff")}


def test_creating_a_collection_does_not_read_the_events_of_others(
    store: DynamoDBStore, client: BaseClient
) -> None:
    fill(store, "staff", 1.0)
    assert "outbox" in kinds(client)
    read = list[bytes]()
    store._table.client.meta.events.register(
        "before-call.dynamodb.Query", lambda params, **_: read.append(params["body"])
    )
    store.create_collection(new_collection("guests", "v1", 1.0))
    assert read
    assert not any(b'"outbox"' in body for body in read)


@pytest.mark.parametrize("first", [0, 3, 6, 9, 12, 15])
def test_a_collection_that_is_created_during_the_deletion_of_another_keeps_its_own(
    store: DynamoDBStore, client: BaseClient, first: int
) -> None:
    fill(store, "staff", 1.0)
    requests = list[object]()
    call = "before-call.dynamodb"

    def create(**_: object) -> None:
        requests.append(None)
        if len(requests) < first + 2:
            return
        client_of_store.meta.events.unregister(call, create)
        with suppress(CollectionExistsError):
            store.create_collection(new_collection("staff", "v1", 2.0))
            store.create_user("staff", User("ann", 2.0, tuple(FACES[:2]), name="Ann"))

    client_of_store = store._table.client
    client_of_store.meta.events.register(call, create)
    store.delete_collection("staff")
    client_of_store.meta.events.unregister(call, create)
    kept = {("collections", "staff"), ("users#staff", "ann"), ("names#staff", "Ann")}
    assert items(client) == {*kept, *(("faces#staff", face) for face in FACES[:2])}


def leave_to_nobody(client: BaseClient) -> None:
    """Leave items that name a person who does not exist, or who is somebody else."""
    for key, named in (
        (association_key("staff", FACES[7]), "gone"),
        (association_key("staff", FACES[8]), "ann"),
        (name_key("staff", "Gone"), "gone"),
        (name_key("staff", "Anne"), "ann"),
        (registered_key("staff", "gone"), None),
    ):
        item = key if named is None else {**key, "user_id": {"S": named}}
        client.put_item(TableName="facerec", Item=item)
    client.update_item(
        TableName="facerec", Key=collection_key("staff"), UpdateExpression="REMOVE swept"
    )


def test_items_that_name_nobody_are_swept_once_from_collections_of_earlier_releases(
    deployment: Deployment,
    store: DynamoDBStore,
    client: BaseClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(store, "staff", 1.0)
    before = items(client)
    leave_to_nobody(client)
    with acting_as("ErasureFunction", enforce_permissions(monkeypatch, bucket="")):
        assert deployment.gallery().sweep() == {"staff": Swept(0, 5)}
    assert items(client) == before
    assert store.users_of_faces("staff", FACES[:9]) == dict.fromkeys(FACES[:3], "ann")
    read = list[object]()
    store._table.client.meta.events.register(
        "before-call.dynamodb.BatchGetItem", lambda **_: read.append(None)
    )
    assert deployment.gallery().sweep() == {}
    assert not read


def test_a_collection_that_cannot_be_swept_does_not_keep_the_others(
    deployment: Deployment, store: DynamoDBStore, client: BaseClient
) -> None:
    for name in ("guests", "staff"):
        fill(store, name, 1.0)
        forget(client, collection_key(name))

    def fail(params: dict[str, Any], **_: object) -> None:
        if b"guests" in params["body"]:
            raise ConnectTimeoutError(endpoint_url="")

    store._table.client.meta.events.register("before-call.dynamodb.TransactWriteItems", fail)
    with pytest.raises(StoreUnavailableError):
        deployment.gallery().sweep()
    assert {partition.partition("#")[2] for partition, _ in items(client)} == {"guests"}


def test_a_sweep_that_is_stopped_goes_on_with_the_next(
    deployment: Deployment,
    store: DynamoDBStore,
    client: BaseClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(store, "staff", 1.0)
    kept = items(client)
    leave_to_nobody(client)
    fill(store, "guests", 1.0)
    forget(client, collection_key("guests"))
    monkeypatch.setattr(unowned, "GOT_AT_ONCE", 2)
    monkeypatch.setattr(unowned, "DELETED_AT_ONCE", 2)
    sizes = list[int]()
    for _ in range(50):
        answers = iter([False] * 4)
        deployment.gallery().sweep(stop=lambda answers=answers: next(answers, True))  # type: ignore[misc]
        sizes.append(len(items(client)))
        if items(client) == kept:
            break
    assert items(client) == kept
    assert len(set(sizes)) > 2


def test_a_person_who_gets_a_name_during_a_sweep_keeps_it(
    deployment: Deployment, store: DynamoDBStore, client: BaseClient
) -> None:
    fill(store, "staff", 1.0)
    leave_to_nobody(client)
    call = "before-call.dynamodb.TransactWriteItems"

    def create(**_: object) -> None:
        store._table.client.meta.events.unregister(call, create)
        forget(client, association_key("staff", FACES[7]))
        store.create_user("staff", User("gone", 3.0, (FACES[7],)))

    store._table.client.meta.events.register(call, create)
    deployment.gallery().sweep()
    assert store.users_of_faces("staff", [FACES[7]]) == {FACES[7]: "gone"}


def test_an_erased_face_is_nobodys_and_a_check_finds_the_name_of_nobody(
    deployment: Deployment, store: DynamoDBStore, client: BaseClient, tmp_path: Path
) -> None:
    gallery = deployment.gallery()
    gallery.create_collection("staff")
    (face,) = gallery.index("staff", fake_photo(fake_face("ann"))).faces
    for key in (association_key("staff", face.record.face_id), name_key("staff", "Gone")):
        client.put_item(TableName="facerec", Item={**key, "user_id": {"S": "gone"}})
    own = deployment.collaborators
    stores = CheckedStores(
        own.faces, own.records, LocalObjects(), f"{tmp_path}/jobs/", own.erasures
    )
    _, left = erase_and_check(gallery, "staff", SubjectKind.FACE, face.record.face_id, stores)
    assert left == []
    assert store.users_of_faces("staff", [face.record.face_id]) == {}
    _, left = erase_and_check(gallery, "staff", SubjectKind.USER, "gone", stores)
    assert [(each.place, each.what) for each in left] == [("the store of people", "name")]
