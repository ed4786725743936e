"""Clusters in DynamoDB: what a clustering that is killed or overtaken leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from facerec.core.clusters import ClusterChanges
from facerec.core.migrations import Migration, MigrationState
from facerec.core.records import Collection
from facerec.errors import CollectionNotFoundError, ConflictError
from facerec.storage.dynamodb import cluster_head
from facerec.storage.dynamodb.cluster_head import Saving
from facerec.storage.dynamodb.cluster_items import not_face_key
from facerec.storage.dynamodb.cluster_store import DynamoDBClusters
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.dynamodb.table import Table
from facerec.storage.generations import FacesByGeneration
from facerec.storage.s3vectors import open_s3_vectors
from facerec.testing.clusters import is_clear
from facerec.testing.engine import FAKE_COHORT_STATS
from facerec.testing.faces import by_image, stored_face
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.stack_template import create_table

FACES = [stored_face("ann", image=f"photo {number}", shot=number) for number in range(60)]
IDS = sorted(face.record.face_id for face in FACES)
NOBODY = ClusterChanges({}, {}, [])


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseClient]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        create_table(client, "facerec")
        yield client


@pytest.fixture
def records(client: BaseClient) -> DynamoDBStore:
    store = DynamoDBStore(client, "facerec")
    store.create_collection(Collection("staff", "fake-1", 1.0))
    return store


@pytest.fixture
def faces(records: DynamoDBStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacesByGeneration]:
    with S3VectorsServer() as server:
        server.buckets["vectors"] = {}
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.address)
        vectors = open_s3_vectors("vectors", region="eu-west-1")
        with FacesByGeneration(vectors, records, on_removed=records.forget_faces) as faces:
            faces.put_images("staff", by_image(FACES))
            yield faces


@pytest.fixture
def clusters(records: DynamoDBStore, faces: FacesByGeneration) -> DynamoDBClusters:
    return records.open_clusters(faces)


def read(clusters: DynamoDBClusters) -> tuple[set[str], tuple[int, int, int] | None]:
    """Return the ids of the faces to cluster, and the state of the collection."""
    arrays = clusters.read_face_arrays("staff", FAKE_COHORT_STATS.version, is_clear, "sharp")
    ids = clusters.face_ids_of_slots(arrays.slots[arrays.changed].tolist())
    return set(ids.values()), arrays.state


def items_about(client: BaseClient, face_id: str) -> list[str]:
    """Return the sort keys of items of clusters that contain a face id, also in binary."""
    digits = bytes.fromhex(face_id.replace("-", ""))
    return [
        item["sk"]["S"]
        for item in client.scan(TableName="facerec")["Items"]
        if item["pk"]["S"] == "clusters#staff"
        and (face_id in item["sk"]["S"] or digits in item.get("faces", {"B": b""})["B"])
    ]


def test_a_clustering_that_is_killed_is_completed_by_the_next(
    clusters: DynamoDBClusters, client: BaseClient
) -> None:
    _, state = read(clusters)
    clusters.save_clusters("staff", ClusterChanges({}, {}, [IDS[:10], IDS[10:20]]), state)
    clusters.leave_clusters("staff", IDS[20:])
    _, state = read(clusters)
    writes = list[object]()

    def kill(**_: object) -> None:
        writes.append(None)
        # the first write takes the number, the second merges
        if len(writes) == 4:
            raise KeyboardInterrupt

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", kill)
    found = ClusterChanges(dict.fromkeys(IDS[20:40], 1), {2: 1}, [IDS[40:]])
    with pytest.raises(KeyboardInterrupt):
        clusters.save_clusters("staff", found, state)
    client.meta.events.unregister("before-call.dynamodb.TransactWriteItems", kill)

    left, state = read(clusters)
    assert clusters.members_of_clusters("staff", [1, 2])[1][:20] == IDS[:20]
    clustered = set(clusters.clusters_of_faces("staff", IDS))
    assert left | clustered == set(IDS)
    assert not left & clustered
    assert left
    joined = {face_id: 1 for face_id in IDS[20:40] if face_id in left}
    rest = [face_id for face_id in IDS[40:] if face_id in left]
    # The number that was taken is not used again.
    assert clusters.save_clusters("staff", ClusterChanges(joined, {}, [rest]), state) == [4]
    assert read(clusters)[0] == set()
    assert clusters.members_of_clusters("staff", [1])[1] == IDS[:40]


def test_a_face_deleted_while_clusters_are_saved_is_in_none(
    clusters: DynamoDBClusters, faces: FacesByGeneration, client: BaseClient
) -> None:
    _, state = read(clusters)

    def delete(**_: object) -> None:
        client.meta.events.unregister("before-call.dynamodb.TransactWriteItems", delete)
        faces.delete_faces("staff", IDS[:1])

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", delete)
    clusters.save_clusters("staff", ClusterChanges({}, {}, [IDS[:3]]), state)
    assert clusters.members_of_clusters("staff", [1]) == {1: IDS[1:3]}
    assert items_about(client, IDS[0]) == []
    assert len(items_about(client, IDS[1])) == 1


def test_data_of_a_face_that_an_interrupted_deletion_left_is_removed_by_the_next_clustering(
    clusters: DynamoDBClusters, faces: FacesByGeneration, client: BaseClient
) -> None:
    _, state = read(clusters)
    clusters.save_clusters("staff", ClusterChanges({}, {}, [IDS[:3]]), state)
    faces.vectors.delete_vectors("staff", IDS[:1])
    assert items_about(client, IDS[0])
    read(clusters)
    assert items_about(client, IDS[0]) == []


def test_a_replaced_photo_leaves_nothing_of_its_earlier_faces(
    clusters: DynamoDBClusters, faces: FacesByGeneration, client: BaseClient
) -> None:
    _, state = read(clusters)
    clusters.save_clusters("staff", NOBODY, state)
    face_id = FACES[0].record.face_id
    clusters.set_not_faces("staff", [face_id], lift=False)
    assert len(items_about(client, face_id)) == 2
    faces.put_images("staff", {group: [] for group in by_image(FACES[:1])})
    assert items_about(client, face_id) == []


def switch(records: DynamoDBStore, state: MigrationState) -> None:
    switching = records.begin_switch("staff", state)
    assert switching.next_side == 2
    records.end_switch(switching)


def test_clusters_of_a_migrated_collection_have_the_faces_that_it_serves(
    clusters: DynamoDBClusters,
    faces: FacesByGeneration,
    records: DynamoDBStore,
    client: BaseClient,
) -> None:
    collection = records.get_collection("staff")
    faces.on_side(collection, 2).put_images("staff", by_image(FACES[:50]))
    records.begin_migration(Migration("staff", "fake-2", MigrationState.PREPARING, 1.0))
    switch(records, MigrationState.PREPARING)
    served = {face.record.face_id for face in FACES[:50]}
    found, state = read(clusters)
    assert found == served
    first, second, third = sorted(served)[:3]
    clusters.save_clusters("staff", ClusterChanges({}, {}, [[first, second, third]]), state)

    faces.of(records.get_collection("staff")).delete_faces("staff", [first])
    assert items_about(client, first) == []
    # A face of the other side is not the last of its face.
    faces.on_side(collection, 0).delete_faces("staff", [second])
    assert clusters.members_of_clusters("staff", [1]) == {1: [second, third]}


def test_faces_of_a_version_that_is_no_longer_served_are_not_clustered(
    faces: FacesByGeneration, records: DynamoDBStore
) -> None:
    records.begin_migration(Migration("staff", "fake-2", MigrationState.PREPARING, 1.0))
    earlier = faces.of(records.get_collection("staff"))
    switch(records, MigrationState.PREPARING)
    with pytest.raises(ConflictError, match="fake-2"):
        earlier.vectors.map_vectors("staff", len)
    with pytest.raises(ConflictError, match="fake-2"):
        earlier.vectors.stored_ids("staff", IDS[:1])


def test_a_clustering_of_a_collection_that_was_created_again_is_not_saved(
    clusters: DynamoDBClusters, faces: FacesByGeneration, records: DynamoDBStore
) -> None:
    _, state = read(clusters)
    faces.delete_namespace("staff")
    records.delete_collection("staff")
    records.create_collection(Collection("staff", "fake-1", 2.0))
    faces.put_images("staff", by_image(FACES))
    with pytest.raises(CollectionNotFoundError):
        clusters.save_clusters("staff", ClusterChanges({}, {}, [IDS[:3]]), state)
    assert clusters.list_clusters("staff") == []
    assert read(clusters)[0] == set(IDS)


def test_changes_of_others_to_the_same_shards_are_kept(
    clusters: DynamoDBClusters,
    records: DynamoDBStore,
    faces: FacesByGeneration,
    client: BaseClient,
) -> None:
    _, state = read(clusters)
    clusters.save_clusters("staff", ClusterChanges({}, {}, [IDS[:10]]), state)
    later = records.open_clusters(faces)
    writes = list[object]()

    def overtake(**_: object) -> None:
        writes.append(None)
        if len(writes) == 1:
            # between the read and the write of the other
            clusters.leave_clusters("staff", IDS[1:2])

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", overtake)
    later.leave_clusters("staff", IDS[:1])
    assert later.members_of_clusters("staff", [1]) == {1: IDS[2:10]}


def test_what_is_said_waits_until_clusters_are_saved(
    clusters: DynamoDBClusters,
    records: DynamoDBStore,
    client: BaseClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_head, "DECISION_SECONDS", 0.0)
    saving = Saving(Table(client, "facerec"), records.get_collection("staff"))
    saving.begin(1, None)
    for said in (
        lambda: clusters.set_ignored("staff", 1, ignored=True),
        lambda: clusters.set_not_faces("staff", IDS[:1], lift=False),
        lambda: clusters.leave_clusters("staff", IDS[:1]),
    ):
        with pytest.raises(ConflictError, match="being saved"):
            said()
    assert clusters.list_not_faces("staff") == []
    saving.end()
    clusters.set_ignored("staff", 1, ignored=True)
    assert clusters.ignored_clusters("staff") == {1}


def test_a_mark_that_others_change_each_time_is_a_conflict(
    clusters: DynamoDBClusters, client: BaseClient
) -> None:
    mark = {"TableName": "facerec", "Key": not_face_key("staff", IDS[0])}
    put = {"TableName": "facerec", "Item": not_face_key("staff", IDS[0])}
    tries = list[object]()

    def overtake(**_: object) -> None:
        tries.append(None)
        assert len(tries) < 100
        client.put_item(**put)

    def remove(**_: object) -> None:
        client.delete_item(**mark)

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", overtake)
    # The mark is gone when the marks are read, and is there when it is to be added.
    client.meta.events.register("before-call.dynamodb.BatchGetItem", remove)
    with pytest.raises(ConflictError, match="too many concurrent changes"):
        clusters.set_not_faces("staff", IDS[:1], lift=False)


@pytest.mark.parametrize("overtaken_by", ["a statement", "a clustering"])
def test_a_clustering_that_was_killed_can_write_nothing_once_it_is_overtaken(
    clusters: DynamoDBClusters,
    records: DynamoDBStore,
    client: BaseClient,
    monkeypatch: pytest.MonkeyPatch,
    overtaken_by: str,
) -> None:
    monkeypatch.setattr(cluster_head, "SAVING_SECONDS", -1.0)
    killed = Saving(Table(client, "facerec"), records.get_collection("staff"))
    killed.begin(1, None)
    if overtaken_by == "a statement":
        clusters.set_ignored("staff", 1, ignored=True)
    else:
        _, state = read(clusters)
        version = clusters.read_version("staff")
        found = ClusterChanges({}, {}, [IDS])
        assert clusters.save_clusters("staff", found, state, version=version) == [2]
    with pytest.raises(ConflictError):
        killed.write([])
    killed.end()
    _, state = read(clusters)
    clusters.save_clusters("staff", NOBODY, state, version=clusters.read_version("staff"))


def test_two_clusterings_at_once_put_the_faces_of_one_person_into_one_cluster(
    clusters: DynamoDBClusters,
    records: DynamoDBStore,
    faces: FacesByGeneration,
    client: BaseClient,
) -> None:
    other = records.open_clusters(faces)
    found = ClusterChanges({}, {}, [IDS])
    read_by = {each: (read(each)[1], each.read_version("staff")) for each in (clusters, other)}
    refused = list[ConflictError]()

    def save_other() -> None:
        state, version = read_by[other]
        try:
            other.save_clusters("staff", found, state, version=version)
        except ConflictError as error:
            refused.append(error)

    thread = threading.Thread(target=save_other)
    writes = list[object]()

    def overtake(**_: object) -> None:
        writes.append(None)
        if len(writes) == 3:
            thread.start()

    client.meta.events.register("before-call.dynamodb.TransactWriteItems", overtake)
    state, version = read_by[clusters]
    assert clusters.save_clusters("staff", found, state, version=version) == [1]
    thread.join()
    assert len(refused) == 1
    assert clusters.members_of_clusters("staff", [1, 2]) == {1: IDS}
