"""The table, objects and vectors of a stack in a golden folder, with what facerec keeps there."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest

from facerec.jobs.child.attempt import StepSize
from tests.support.golden.local import ANN, ANN_NAME, BOB, BOB_NAME, CID, DAN, photo_of
from tests.support.s3vectors_server import Index, Rate, S3VectorsServer
from tests.support.workflow.machines import Killed
from tests.support.workflow.repairs import repair
from tests.support.workflow.stack import BUCKET, Stack
from tests.support.workflow.stores import TABLE, VECTORS, deploy_with_stores, open_api_gallery

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery

STAFF = f"s3://{BUCKET}/photos/staff/"
NEWCOMERS = f"s3://{BUCKET}/photos/newcomers/"
NEWCOMER_PHOTOS = 6
SHOTS = 2


def deploy_small(
    folder: Path, monkeypatch: pytest.MonkeyPatch, server: S3VectorsServer, **settings: str
) -> Stack:
    """Deploy a stack whose children commit after each two photos; AWS is emulated."""
    monkeypatch.setattr("facerec.jobs.child.attempt.DEPLOYED_STEP", StepSize(2, 64 << 20, 2))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.address)
    server.buckets.setdefault(VECTORS, {})
    stack = deploy_with_stores(
        lambda **own: Stack(folder, monkeypatch, **own),
        monkeypatch,
        EVENT_BUS="arn:aws:events:us-east-1:1:bus",
        **settings,
    )
    stack.permissions.conditions |= {"Matching"}
    return stack


def write_stack(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stack keep everything that it can keep, and write its data to a folder.

    AWS is emulated.
    """
    repair(monkeypatch)
    with S3VectorsServer() as server:
        stack = deploy_small(root.parent, monkeypatch, server)
        _fill(stack)
        _write_table(root)
        for key in stack.keys(""):
            path = root / "objects" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stack.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        _write_vectors(root, server)


def restore_stack(root: Path, stack: Stack, server: S3VectorsServer) -> None:
    """Put the data of a folder into an empty stack."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    for item in json.loads((root / "table.json").read_text(), object_hook=_to_bytes):
        client.put_item(TableName=TABLE, Item=item)
    objects = root / "objects"
    for path in sorted(each for each in objects.rglob("*") if each.is_file()):
        stack.put(str(path.relative_to(objects)), path.read_bytes())
    for name, index in json.loads((root / "vectors.json").read_text()).items():
        server.buckets[VECTORS][name] = Index(
            index["dimension"],
            index["metric"],
            frozenset(index["hidden"]),
            Rate(server.vectors_per_second),
            Rate(server.writes_per_second),
            {
                key: {
                    "data": np.frombuffer(base64.b64decode(vector["data"]), "<f4"),
                    "metadata": vector["metadata"],
                }
                for key, vector in index["vectors"].items()
            },
        )


def kept_by(stack: Stack, server: S3VectorsServer) -> dict[str, bytes]:
    """Return all that a stack keeps but its photos, by where it is."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    items = client.scan(TableName=TABLE)["Items"]
    kept = {f"item {item['pk']['S']} {item['sk']['S']}": repr(item).encode() for item in items}
    for key in stack.keys(""):
        if not key.startswith("photos/"):
            content = stack.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            kept[f"object {key}"] = key.encode() + content
    for name, index in server.buckets[VECTORS].items():
        for key, vector in index.vectors.items():
            described = f"{key} {json.dumps(vector['metadata'], ensure_ascii=False)}".encode()
            kept[f"vector {name} {key}"] = described + vector["data"].astype("<f4").tobytes()
    return kept


def _fill(stack: Stack) -> None:
    for person in (ANN, BOB, CID, DAN):
        for shot in range(SHOTS):
            stack.put(f"photos/staff/{person}/{shot}.jpg", photo_of(person, shot))
    _index(stack, STAFF, external_ids="folder")
    gallery = open_api_gallery(EVENT_BUS="arn:aws:events:us-east-1:1:bus")
    for person, name in ((ANN, ANN_NAME), (BOB, BOB_NAME)):
        gallery.create_user("staff", person)
        gallery.associate_faces("staff", person, faces_of(gallery, person), min_similarity=0)
        gallery.rename_user("staff", person, name)
    gallery.register_user("staff", ANN, consent="2026-01-01", expires="2999-01-01")
    gallery.not_same("staff", faces_of(gallery, CID)[0], BOB)
    stack.put(f"photos/staff/{ANN}/later.jpg", photo_of(ANN, SHOTS))
    _index(stack, STAFF, external_ids="folder")
    gallery.delete_faces("staff", faces_of(gallery, DAN)[:1])
    for number in range(NEWCOMER_PHOTOS):
        stack.put(f"photos/newcomers/{number}.jpg", photo_of(f"new-{number}"))
    _interrupt(stack)


def faces_of(gallery: Gallery, person: str) -> list[str]:
    """Return the ids of the faces with an external image id."""
    listed = gallery.list_faces("staff", limit=1000).faces
    return sorted(face.record.face_id for face in listed if face.record.external_image_id == person)


def _index(stack: Stack, source: str, **options: object) -> None:
    ended = stack.index(source, **options)
    assert ended.status == "SUCCEEDED", ended.cause


def _interrupt(stack: Stack) -> None:
    def die_again(_child: int, attempt: int) -> None:
        if attempt > 1:
            raise Killed

    stack.accidents.before = die_again
    stack.accidents.asked_to_stop = {(child, 1) for child in range(NEWCOMER_PHOTOS)}
    ended = stack.index(NEWCOMERS)
    assert ended.status == "FAILED", ended


def _write_table(root: Path) -> None:
    client = boto3.client("dynamodb", region_name="us-east-1")
    items = client.scan(TableName=TABLE)["Items"]
    root.mkdir(parents=True)
    (root / "table.json").write_text(json.dumps(items, default=_from_bytes))


def _write_vectors(root: Path, server: S3VectorsServer) -> None:
    indexes = {
        name: {
            "dimension": index.dimension,
            "metric": index.metric,
            "hidden": sorted(index.hidden),
            "vectors": {
                key: {
                    "data": base64.b64encode(vector["data"].astype("<f4").tobytes()).decode(),
                    "metadata": vector["metadata"],
                }
                for key, vector in index.vectors.items()
            },
        }
        for name, index in server.buckets[VECTORS].items()
    }
    (root / "vectors.json").write_text(json.dumps(indexes))


def _from_bytes(value: object) -> dict[str, str]:
    assert isinstance(value, bytes)
    return {"base64": base64.b64encode(value).decode()}


def _to_bytes(document: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    return base64.b64decode(document["base64"]) if document.keys() == {"base64"} else document
