"""Each part of the stack may do what it does: its calls are compared with its role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from facerec.core.erasures import SubjectKind
from facerec.testing.engine import fake_face, fake_photo
from lambdas.erasure import handler
from tests.support.permissions import acting_as
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import TABLE, VECTORS, deploy_with_stores, open_api_gallery

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], vectors: S3VectorsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """A stack with the stores that a deployment with default parameters has."""
    yield deploy_with_stores(deploy, monkeypatch)
    handler._gallery.cache_clear()


@pytest.fixture
def gallery(stack: Stack) -> Gallery:
    """The gallery of the function behind API Gateway."""
    return open_api_gallery()


def put_photo(stack: Stack, name: str, *people: str) -> None:
    faces = [fake_face(each, left=0.1 + 0.3 * place) for place, each in enumerate(people)]
    stack.put(f"photos/{name}.jpg", fake_photo(*faces))


def index(stack: Stack, **options: object) -> None:
    ended = stack.index(f"s3://{BUCKET}/photos/", **options)
    assert stack.permissions.denied == []
    assert (ended.status, ended.cause) == ("SUCCEEDED", "")


def face_ids(gallery: Gallery) -> list[str]:
    return [face.record.face_id for face in gallery.list_faces("staff").faces]


def sweep() -> None:
    """Invoke the function that erases, as its schedule does."""
    answer = boto3.client("lambda").invoke(FunctionName="ErasureFunction", Payload=b"{}")
    assert "errorType" not in json.loads(answer["Payload"].read())


def test_a_call_that_a_role_does_not_allow_is_refused(stack: Stack) -> None:
    with acting_as("JobRole", stack.permissions), pytest.raises(ClientError) as refusal:
        stack.put("photos/another.jpg", b"")
    assert "JobRole is not authorized to perform s3:PutObject" in str(refusal.value)


def test_every_part_may_do_what_jobs_of_all_kinds_need(stack: Stack, gallery: Gallery) -> None:
    for name, people in {"one": ["ann"], "two": ["bob", "cid"], "three": ["dan"]}.items():
        put_photo(stack, name, *people)
    index(stack)
    with acting_as("ApiFunction", stack.permissions):
        gallery.create_user("staff", "ann")
        gallery.associate_faces("staff", "ann", face_ids(gallery)[:3])
    # Photos that have changed, whose faces have people; one that is gone; one that is new.
    put_photo(stack, "one", "eve")
    put_photo(stack, "two", "cid", "fay")
    put_photo(stack, "four", "gus")
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/three.jpg")
    index(stack, prune=True)
    index(stack, force=True)
    index(stack, options={"max_faces": 1})
    index(stack)
    faces = face_ids(gallery)
    with acting_as("ApiFunction", stack.permissions):
        gallery.delete_faces("staff", faces[:1])
    index(stack, force=True)
    assert face_ids(gallery) == faces[1:]
    index(stack, restore_deleted=True)
    assert face_ids(gallery) == faces
    sweep()


def test_faces_of_a_moved_photo_stay_with_their_people_in_a_stack(
    stack: Stack, gallery: Gallery
) -> None:
    for name, people in {"one": ["ann"], "two": ["bob", "cid"]}.items():
        put_photo(stack, name, *people)
    index(stack)
    ann, *others = sorted(
        (face.record for face in gallery.list_faces("staff").faces),
        key=lambda face: (face.source, face.box.left),
    )
    with acting_as("ApiFunction", stack.permissions):
        for user_id, face in (("ann", ann), ("bob", others[0])):
            gallery.create_user("staff", user_id)
            gallery.associate_faces("staff", user_id, [face.face_id])
        gallery.not_same("staff", others[1].face_id, "ann")
    content = stack.s3.get_object(Bucket=BUCKET, Key="photos/two.jpg")["Body"].read()
    stack.put("photos/sub/moved.jpg", content)
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/two.jpg")
    index(stack)
    (bob,) = gallery.list_faces("staff", user_id="bob").faces
    assert bob.record.source == f"s3://{BUCKET}/photos/sub/moved.jpg"
    assert bob.record.box == others[0].box
    assert len(face_ids(gallery)) == 3
    (corrected,) = gallery.list_corrections("staff").corrections
    assert (corrected.person, corrected.face_id in face_ids(gallery)) == ("ann", True)


def test_every_part_may_do_what_the_repair_of_lost_stores_needs(
    stack: Stack, gallery: Gallery, vectors: S3VectorsServer
) -> None:
    for name in ("ann", "bob", "cid"):
        put_photo(stack, name, name)
    index(stack)
    faces = face_ids(gallery)
    with acting_as("ApiFunction", stack.permissions):
        gallery.delete_faces("staff", faces[:1])
    sweep()
    for stored in vectors.buckets[VECTORS].values():
        stored.vectors.clear()
    index(stack)
    assert face_ids(gallery) == faces[1:]
    table = boto3.resource("dynamodb").Table(TABLE)
    for item in table.scan()["Items"]:
        table.delete_item(Key={name: item[name] for name in ("pk", "sk")})
    index(stack)
    assert face_ids(gallery) == faces[1:]


def test_an_older_copy_of_the_table_loses_the_people_who_were_erased_since(
    stack: Stack, gallery: Gallery
) -> None:
    for name in ("ann", "bob"):
        put_photo(stack, name, name)
    index(stack)
    table = boto3.resource("dynamodb").Table(TABLE)
    with acting_as("ApiFunction", stack.permissions):
        for user_id, face_id in zip(("ann", "bob"), face_ids(gallery), strict=True):
            gallery.create_user("staff", user_id)
            gallery.associate_faces("staff", user_id, [face_id])
    older = table.scan()["Items"]
    with acting_as("ApiFunction", stack.permissions):
        gallery.erase("staff", SubjectKind.USER, "ann")
    sweep()
    for item in table.scan()["Items"]:
        table.delete_item(Key={name: item[name] for name in ("pk", "sk")})
    for item in older:
        table.put_item(Item=item)
    assert [user.user_id for user in gallery.list_users("staff").users] == ["ann", "bob"]

    ended = stack.index(f"s3://{BUCKET}/photos/")

    assert (ended.status, stack.permissions.denied) == ("SUCCEEDED", [])
    assert "Restore" in ended.states
    assert [user.user_id for user in gallery.list_users("staff").users] == ["bob"]
    assert "Restore" not in stack.index(f"s3://{BUCKET}/photos/").states


def test_an_older_copy_of_the_vectors_loses_what_was_erased_or_pruned_since(
    stack: Stack, gallery: Gallery, vectors: S3VectorsServer
) -> None:
    for name in ("ann", "bob", "cid", "dan"):
        put_photo(stack, name, name)
    index(stack)
    faces = face_ids(gallery)
    older = {name: dict(stored.vectors) for name, stored in vectors.buckets[VECTORS].items()}
    with acting_as("ApiFunction", stack.permissions):
        gallery.delete_faces("staff", faces[:1])
    sweep()
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/dan.jpg")
    index(stack, prune=True)
    expected = face_ids(gallery)
    for name, stored in vectors.buckets[VECTORS].items():
        stored.vectors.update(older[name])
    assert face_ids(gallery) == faces

    answer = boto3.client("lambda").invoke(
        FunctionName="ErasureFunction", Payload=json.dumps({"rebuild": "staff"})
    )
    assert json.loads(answer["Payload"].read())["returned"] == 1
    index(stack, prune=True)

    assert face_ids(gallery) == expected
    assert stack.permissions.denied == []


def index_under(stack: Stack, external_image_id: str) -> list[str]:
    """Index a photo of two people under an id; return the states of the execution."""
    line = {"image": f"s3://{BUCKET}/photos/one.jpg", "external_image_id": external_image_id}
    stack.put("photos.jsonl", json.dumps(line).encode())
    ended = stack.index(f"s3://{BUCKET}/photos.jsonl")
    assert stack.permissions.denied == []
    assert (ended.status, ended.cause) == ("SUCCEEDED", "")
    return ended.states


@pytest.mark.parametrize(
    "restored",
    [
        "table",
        pytest.param("vectors", marks=pytest.mark.long),
        pytest.param("both", marks=pytest.mark.long),
    ],
)
def test_an_older_copy_loses_the_faces_of_ids_that_were_corrected_since(
    stack: Stack, gallery: Gallery, vectors: S3VectorsServer, restored: str
) -> None:
    put_photo(stack, "one", "ann", "bob")
    index_under(stack, "wrong")
    table = boto3.resource("dynamodb").Table(TABLE)
    with acting_as("ApiFunction", stack.permissions):
        gallery.create_user("staff", "ann")
        gallery.associate_faces("staff", "ann", face_ids(gallery)[:1])
        gallery.not_same("staff", face_ids(gallery)[1], "ann")
    items = table.scan()["Items"]
    copies = {name: dict(stored.vectors) for name, stored in vectors.buckets[VECTORS].items()}
    for name in ("still wrong", "right"):
        index_under(stack, name.replace(" ", "-"))

    def state() -> tuple[object, ...]:
        found = gallery.list_faces("staff").faces
        return (
            [(face.record.face_id, face.record.external_image_id) for face in found],
            [face.record.face_id for face in gallery.list_faces("staff", user_id="ann").faces],
            gallery.list_corrections("staff").corrections,
        )

    expected = state()
    if restored != "vectors":
        for item in table.scan()["Items"]:
            table.delete_item(Key={name: item[name] for name in ("pk", "sk")})
        for item in items:
            table.put_item(Item=item)
    if restored != "table":
        for name, stored in vectors.buckets[VECTORS].items():
            stored.vectors.clear()
            stored.vectors.update(copies[name])
    assert state() != expected

    if restored == "vectors":
        # An older copy of the vectors alone is not noticed.
        boto3.client("lambda").invoke(
            FunctionName="ErasureFunction", Payload=json.dumps({"rebuild": "staff"})
        )
        index_under(stack, "right")
    else:
        assert "Restore" in index_under(stack, "right")

    assert state() == expected
    assert "Restore" not in index_under(stack, "right")


def test_every_part_may_do_what_the_names_of_photos_need(stack: Stack, gallery: Gallery) -> None:
    for name in ("ann/1", "ann/2", "bob/1"):
        put_photo(stack, name, name.partition("/")[0])
    index(stack, person_from="folder")
    assert {user.name for user in gallery.list_users("staff").users} == {"ann", "bob"}
    # The last photo of somebody gets another name.
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/bob/1.jpg")
    put_photo(stack, "rob/1", "bob")
    index(stack, person_from="folder", prune=True)
    assert {user.name for user in gallery.list_users("staff").users} == {"ann", "rob"}
    stack.put("photos.csv", b"image,name\nphotos/ann/1.jpg,Ann Lee\nphotos/ann/2.jpg,Ann Lee\n")
    ended = stack.index(f"s3://{BUCKET}/photos.csv", person_from="column:name")
    assert stack.permissions.denied == []
    assert (ended.status, ended.cause) == ("SUCCEEDED", "")
    assert {user.name for user in gallery.list_users("staff").users} == {"Ann Lee", "rob"}


def test_every_part_may_do_what_erasures_need(stack: Stack, gallery: Gallery) -> None:
    for name in ("ann", "bob", "cid"):
        put_photo(stack, name, name)
    index(stack)
    with acting_as("ApiFunction", stack.permissions):
        faces = face_ids(gallery)
        gallery.create_user("staff", "ann")
        gallery.associate_faces("staff", "ann", faces[:1])
        gallery.erase("staff", SubjectKind.USER, "ann")
        gallery.delete_faces("staff", faces[1:2])
        gallery.set_retention("staff", 1)
    sweep()
    assert face_ids(gallery) == faces[2:]
    with acting_as("ApiFunction", stack.permissions):
        gallery.delete_collection("staff")
    sweep()
    index(stack)
    assert len(face_ids(gallery)) == 3
