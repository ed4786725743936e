"""The records in DynamoDB, on moto's emulation of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler

from facerec.core.history import Action, Cause, Entry, Step, StepKind
from facerec.core.migrations import Migration, MigrationState
from facerec.core.recording import recording
from facerec.core.records import Collection, User, new_collection
from facerec.core.registrations import Registration
from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    ConflictError,
    StoreUnavailableError,
    UserNotFoundError,
)
from facerec.storage.dynamodb import table
from facerec.storage.dynamodb.cluster_store import DynamoDBClusters
from facerec.storage.dynamodb.items import collection_key
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.dynamodb.table import TRIES
from facerec.storage.generations import FacesByGeneration
from facerec.storage.s3vectors import open_s3_vectors
from facerec.testing.clusters import ClusterStoreContract
from facerec.testing.records.collections import CollectionContract
from facerec.testing.records.record_store import RecordStoreContract
from facerec.testing.records.users import FACES
from facerec.testing.registrations import NOW, YEAR, EventContract, match_event
from tests.support.lost_responses import lose_responses, refuse_writes
from tests.support.permissions import acting_as, enforce_permissions
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.stack_template import create_table

REGION = "eu-west-1"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseClient]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # moto looks at a condition and writes in two steps, which DynamoDB does in one.
    one_at_a_time, dispatch = threading.Lock(), DynamoHandler.call_action

    def call_action(handler: DynamoHandler) -> object:
        with one_at_a_time:
            return dispatch(handler)

    monkeypatch.setattr(DynamoHandler, "call_action", call_action)
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION)
        create_table(client, "facerec")
        yield client


@pytest.fixture
def dynamodb_store(client: BaseClient) -> DynamoDBStore:
    return DynamoDBStore(client, "facerec")


@pytest.fixture
def api_store(
    dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DynamoDBStore]:
    """The store with the permissions of the API's function, which may need every method."""
    with acting_as("ApiFunction", enforce_permissions(monkeypatch, bucket="")):
        yield dynamodb_store


class TestDynamoDBCollections(CollectionContract):
    @pytest.fixture
    def records(self, api_store: DynamoDBStore) -> DynamoDBStore:
        return api_store


class TestDynamoDBRecords(RecordStoreContract):
    @pytest.fixture
    def records(self, api_store: DynamoDBStore) -> DynamoDBStore:
        return api_store


class TestDynamoDBClusters(ClusterStoreContract):
    @pytest.fixture
    def records(self, api_store: DynamoDBStore) -> DynamoDBStore:
        return api_store

    @pytest.fixture
    def faces(
        self, api_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FacesByGeneration]:
        with S3VectorsServer() as server:
            server.buckets["vectors"] = {}
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.address)
            vectors = open_s3_vectors("vectors", region=REGION)
            with FacesByGeneration(vectors, api_store, on_removed=api_store.forget_faces) as faces:
                yield faces

    @pytest.fixture
    def clusters(self, api_store: DynamoDBStore, faces: FacesByGeneration) -> DynamoDBClusters:
        return api_store.open_clusters(faces)


class TestDynamoDBRegistrations(EventContract):
    @pytest.fixture
    def registrations(self, api_store: DynamoDBStore) -> DynamoDBStore:
        return api_store

    @pytest.fixture
    def records(self, api_store: DynamoDBStore) -> DynamoDBStore:
        return api_store

    @pytest.mark.parametrize("place", range(14))
    def test_a_match_belongs_to_the_consent_under_which_it_was_added_despite_a_kill(
        self, api_store: DynamoDBStore, client: BaseClient, place: int
    ) -> None:
        later = Registration(YEAR.expires, "2099-01-01")
        requests, consents = list[object](), list[Registration | None]()

        def interrupt(**_: object) -> None:
            requests.append(None)
            if len(requests) == place + 1:
                client.meta.events.unregister("before-call.dynamodb", interrupt)
                consents.append(api_store.get_user("staff", "ann").registration)
                api_store.put_events([match_event(1)], NOW)
                client.meta.events.register("before-call.dynamodb", interrupt)
            elif len(requests) == place + 2:
                raise KeyboardInterrupt

        client.meta.events.register("before-call.dynamodb", interrupt)
        with suppress(KeyboardInterrupt):
            api_store.set_registration("staff", "ann", later)
        client.meta.events.unregister("before-call.dynamodb", interrupt)
        api_store.set_registration("staff", "ann", later)

        kept = [each.event for each in api_store.list_events("staff", undelivered=True)]
        assert kept == ([match_event(1)] if consents == [later] else [])
        assert api_store.get_user("staff", "ann").registration == later


def test_ids_of_a_collection_of_the_first_release_are_derived_as_before(
    client: BaseClient, dynamodb_store: DynamoDBStore
) -> None:
    dynamodb_store.create_collection(Collection("staff", "dlib-1", 1.0))
    (item,) = client.scan(TableName="facerec")["Items"]
    # What that release wrote: without a generation, a threshold or a first version.
    assert set(item) - {"swept"} == {"pk", "sk", "model_version", "tags", "created_at"}
    assert dynamodb_store.get_collection("staff").id_version == "dlib-1"


def test_a_missing_table_is_an_unavailable_store(client: BaseClient) -> None:
    store = DynamoDBStore(client, "nowhere")
    with pytest.raises(StoreUnavailableError):
        store.get_collection("staff")
    with pytest.raises(StoreUnavailableError):
        store.create_user("staff", User("ann", 1.0))


@pytest.mark.parametrize("place", range(12))
def test_a_registered_person_who_gets_a_face_during_a_conditional_deletion_stays_registered(
    api_store: DynamoDBStore, client: BaseClient, place: int
) -> None:
    register_ann(api_store)
    requests, added = list[object](), list[bool]()

    def overtake(**_: object) -> None:
        requests.append(None)
        if len(requests) == place + 1:
            client.meta.events.unregister("before-call.dynamodb", overtake)
            with suppress(UserNotFoundError):
                api_store.change_user("staff", "ann", version=0, add=[match_event(1).face_id])
                added.append(True)

    client.meta.events.register("before-call.dynamodb", overtake)
    deleted = api_store.delete_user("staff", "ann", no_faces_but=())
    client.meta.events.unregister("before-call.dynamodb", overtake)

    assert deleted != bool(added)
    assert [user.registration for user in api_store.list_registered("staff")] == [YEAR] * len(added)


@contextmanager
def killed_at(client: BaseClient, place: int) -> Iterator[None]:
    """End what is done inside before the request to DynamoDB with this number, from 0 on."""
    requests = list[object]()

    def kill(**_: object) -> None:
        requests.append(None)
        if len(requests) == place + 1:
            raise KeyboardInterrupt

    client.meta.events.register("before-call.dynamodb", kill)
    with suppress(KeyboardInterrupt):
        yield
    client.meta.events.unregister("before-call.dynamodb", kill)


@pytest.mark.parametrize("place", range(12))
def test_a_deletion_that_was_killed_leaves_no_event_once_it_is_repeated(
    api_store: DynamoDBStore, client: BaseClient, place: int
) -> None:
    register_ann(api_store)
    api_store.put_events([match_event(1), match_event(2)], NOW)
    api_store.note_delivered(match_event(2), NOW)
    with killed_at(client, place):
        api_store.delete_user("staff", "ann")
    with suppress(UserNotFoundError):
        api_store.delete_user("staff", "ann")
    assert api_store.list_registered("staff") == []
    assert api_store.list_events("staff") == []


def test_a_claim_that_others_overtake_each_time_is_a_conflict(
    api_store: DynamoDBStore, client: BaseClient
) -> None:
    register_ann(api_store)
    event, call = match_event(1), "before-call.dynamodb.TransactWriteItems"
    api_store.put_events([event], NOW)
    overtaken = list[object]()

    def overtake(**_: object) -> None:
        client.meta.events.unregister(call, overtake)
        overtaken.append(api_store.claim_event(NOW + 5, event.matched_at))
        client.meta.events.register(call, overtake)

    client.meta.events.register(call, overtake)
    with pytest.raises(ConflictError):
        api_store.claim_event(NOW + 5, NOW + 60)
    client.meta.events.unregister(call, overtake)
    assert len(overtaken) == TRIES
    claimed = api_store.claim_event(NOW + 5, NOW + 60)
    assert claimed is not None
    assert (claimed.event, claimed.attempts) == (event, TRIES + 1)


def register_ann(store: DynamoDBStore) -> None:
    store.create_collection(new_collection("staff", "v1", 1.0))
    store.create_user("staff", User("ann", 1.0))
    store.set_registration("staff", "ann", YEAR)


@pytest.mark.parametrize(("faces", "place"), [*((3, place) for place in range(9)), (100, 4)])
def test_a_deletion_that_was_killed_leaves_no_face_to_somebody_who_does_not_exist(
    api_store: DynamoDBStore, client: BaseClient, faces: int, place: int
) -> None:
    api_store.create_collection(Collection("staff", "dlib-1", 1.0))
    own = FACES[:faces]
    api_store.create_user("staff", User("ann", 1.0, tuple(own), name="Ann", registration=YEAR))
    with killed_at(client, place), recording(Action.DELETE, 1.0):
        api_store.delete_user("staff", "ann")
    held = {each: "ann" for user in api_store.list_users("staff") for each in user.face_ids}
    assert api_store.users_of_faces("staff", own) == held
    with suppress(UserNotFoundError):
        api_store.delete_user("staff", "ann")
    assert api_store.users_of_faces("staff", own) == {}
    assert api_store.list_users("staff") == []


def test_faces_of_a_person_who_is_created_again_meanwhile_are_not_overwritten(
    api_store: DynamoDBStore, client: BaseClient
) -> None:
    api_store.create_collection(Collection("staff", "dlib-1", 1.0))
    api_store.create_user("staff", User("ann", 1.0, tuple(FACES[:1])))
    requests = list[object]()

    def create_again(**_: object) -> None:
        requests.append(None)
        if len(requests) == 2:
            client.meta.events.unregister("before-call.dynamodb", create_again)
            api_store.delete_user("staff", "ann")
            api_store.create_user("staff", User("ann", 2.0, tuple(FACES[1:2])))

    client.meta.events.register("before-call.dynamodb", create_again)
    with pytest.raises(ConflictError):
        api_store.change_user("staff", "ann", version=1, add=FACES[2:3])
    assert api_store.get_user("staff", "ann").face_ids == (FACES[1],)
    assert api_store.users_of_faces("staff", FACES[:3]) == {FACES[1]: "ann"}


def test_history_of_many_steps_that_was_interrupted_is_completed(
    dynamodb_store: DynamoDBStore, client: BaseClient
) -> None:
    class KilledError(Exception):
        pass

    def kill_second(**_: object) -> None:
        writes.append(None)
        if len(writes) == 2:
            raise KilledError

    dynamodb_store.create_collection(new_collection("staff", "dlib-1", 1.0))
    steps = [Step(StepKind.DELETED, f"person-{number}", created_at=1.0) for number in range(250)]
    cause = Cause("20260102T030405000000Z-0000", Action.DELETE, 1767323045.0)
    entry, writes = Entry(cause, tuple(steps)), list[None]()
    client.meta.events.register("before-call.dynamodb.TransactWriteItems", kill_second)
    with pytest.raises(KilledError):
        dynamodb_store.put_history("staff", [entry])
    (incomplete,) = dynamodb_store.list_history("staff")
    assert 0 < len(incomplete.steps) < 250
    dynamodb_store.put_history("staff", [entry])
    assert dynamodb_store.list_history("staff") == [entry]
    dynamodb_store.put_history("staff", [entry])
    assert len(writes) == 4


def test_a_collection_is_created_though_the_response_was_lost(
    client: BaseClient, dynamodb_store: DynamoDBStore
) -> None:
    lose_responses(client, "dynamodb.PutItem")
    dynamodb_store.create_collection(Collection("staff", "dlib-1", 1.5))
    assert dynamodb_store.get_collection("staff").created_at == 1.5
    lose_responses(client, "dynamodb.PutItem")
    with pytest.raises(CollectionExistsError):
        dynamodb_store.create_collection(Collection("staff", "dlib-1", 2.5))


def test_a_write_that_meets_a_transaction_is_repeated(
    client: BaseClient, dynamodb_store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "FIRST_PAUSE", 0.001)
    refuse_writes(client, "dynamodb.PutItem", 2)
    dynamodb_store.create_collection(Collection("staff", "dlib-1", 1.5))
    refuse_writes(client, "dynamodb.UpdateItem", 2)
    dynamodb_store.set_threshold("staff", 0.5)
    assert dynamodb_store.get_collection("staff").threshold == 0.5
    refuse_writes(client, "dynamodb.DeleteItem", TRIES)
    with pytest.raises(ConflictError, match="too many concurrent changes"):
        dynamodb_store.delete_collection("staff")
    dynamodb_store.delete_collection("staff")


def test_a_step_of_a_migration_succeeds_though_the_response_was_lost(
    client: BaseClient, dynamodb_store: DynamoDBStore
) -> None:
    dynamodb_store.create_collection(Collection("staff", "dlib-1", 1.5))
    preparing = Migration("staff", "dlib-2", MigrationState.PREPARING, 2.5)
    lose_responses(client, "dynamodb.UpdateItem")
    assert dynamodb_store.begin_migration(preparing, first_side=1) == preparing
    lose_responses(client, "dynamodb.UpdateItem")
    filling = dynamodb_store.begin_switch("staff", MigrationState.PREPARING, first_side=1)
    assert filling.next_side is not None
    lose_responses(client, "dynamodb.UpdateItem")
    served = dynamodb_store.end_switch(filling)
    assert (served.side, served.model_version) == (filling.next_side, "dlib-2")
    lose_responses(client, "dynamodb.UpdateItem")
    dynamodb_store.begin_finish("staff")
    lose_responses(client, "dynamodb.UpdateItem")
    ended = dynamodb_store.end_migration("staff", MigrationState.FINISHING)
    assert ended.standby_side is None
    lose_responses(client, "dynamodb.UpdateItem")
    with pytest.raises(ConflictError):
        dynamodb_store.end_switch(filling)


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_deletion_of_a_collection_that_was_interrupted_leaves_nobody(
    client: BaseClient, dynamodb_store: DynamoDBStore, is_lost: bool
) -> None:
    staff = Collection("staff", "dlib-1", 1.5)
    dynamodb_store.create_collection(staff)
    dynamodb_store.create_user("staff", User("ann", 1.0, name="Ann"))
    if is_lost:
        lose_responses(client, "dynamodb.DeleteItem")
    else:
        # Killed after the first of its writes.
        client.delete_item(TableName="facerec", Key=collection_key("staff"))
    with pytest.raises(CollectionNotFoundError):
        dynamodb_store.delete_collection("staff")
    dynamodb_store.create_collection(staff)
    assert dynamodb_store.list_users("staff") == []
