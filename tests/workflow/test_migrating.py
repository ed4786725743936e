"""The workflow moves collections to another model version, with the stores of a deployment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import boto3
import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.config import read_settings
from facerec.core.erasures import Selection
from facerec.core.migrations import MigrationState
from facerec.core.records import Collection
from facerec.core.schemas import check
from facerec.errors import ConflictError, MigrationError
from facerec.factory import open_deployed_checked_stores
from facerec.gallery.gallery import Gallery
from facerec.jobs.erasure_check.check import find_remainders
from facerec.jobs.erasure_check.traces import collect_traces
from facerec.storage.faces import FaceStore
from facerec.storage.standby_sides import StandbySides
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from lambdas.erasure import handler
from tests.support.permissions import acting_as
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.stack_template import function_environment
from tests.support.workflow.described_stack import create_described_stack
from tests.support.workflow.stack import BUCKET, Ended, Stack
from tests.support.workflow.stores import deploy_with_stores, open_api_gallery

FAST, ACCURATE = "fake/pad0.25/single", "fake/pad0.22+0.28/mirrored"
PEOPLE = ("ann", "bob", "cyd", "dan")


class Engine(FakeEngine):
    """An engine of a recipe, during whose work something may happen once."""

    happens: Callable[[], object] | None = None

    def analyse(self, photos, options):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        if self.model_version == ACCURATE and Engine.happens is not None:
            happens, Engine.happens = Engine.happens, None
            happens()
        return super().analyse(photos, options)


def engine_of(recipe: str) -> FakeEngine:
    return Engine(FAST if recipe == "fast" else ACCURATE)


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], vectors: S3VectorsServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """A stack with a collection of two photos of each person."""
    stack = deploy_with_stores(deploy, monkeypatch, engine_of, MODEL_VERSION=FAST)
    stack.child_version = FAST
    for person in PEOPLE:
        for shot in (1, 2):
            put(stack, person, shot)
    index(stack)
    yield stack
    Engine.happens = None
    handler._gallery.cache_clear()


@pytest.fixture
def gallery(stack: Stack) -> Gallery:
    """The gallery of the function behind API Gateway."""
    return open_api_gallery()


def put(stack: Stack, person: str, shot: int) -> None:
    stack.put(f"photos/{person}-{shot}.jpg", photo_of(person, shot))


def photo_of(person: str, shot: int = 9) -> bytes:
    return fake_photo(fake_face(person, shot=shot, away=0.1))


def index(stack: Stack) -> Ended:
    ended = stack.index(f"s3://{BUCKET}/photos/")
    assert stack.permissions.denied == []
    assert (ended.status, ended.cause) == ("SUCCEEDED", "")
    return ended


def migrate(stack: Stack, **options: object) -> Ended:
    request = {"recipe": "accurate"} if "roll_back" not in options else {}
    ended = stack.execute({"collection_id": "staff", "migrate": True, **request, **options})
    assert stack.permissions.denied == []
    return ended


def call(**event: object) -> dict[str, object]:
    """Invoke the function that erases, as the command line does."""
    answer = boto3.client("lambda").invoke(
        FunctionName="ErasureFunction", Payload=json.dumps(event).encode()
    )
    document: dict[str, object] = json.loads(answer["Payload"].read())
    assert "errorType" not in document, document
    return document


def ids(gallery: Gallery) -> list[str]:
    return [face.record.face_id for face in gallery.list_faces("staff").faces]


def found(gallery: Gallery, person: str) -> set[str]:
    (face,) = gallery.search("staff", photo_of(person)).faces
    return {match.face.face_id for match in face.matches}


def everybody(gallery: Gallery) -> dict[str, set[str]]:
    return {person: found(gallery, person) for person in PEOPLE}


def test_a_collection_is_migrated_with_its_ids_people_and_corrections(
    stack: Stack, gallery: Gallery
) -> None:
    faces, before = ids(gallery), everybody(gallery)
    ann = sorted(before["ann"])
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", ann)
    gallery.not_same("staff", sorted(before["bob"])[0], "ann")

    ended = migrate(stack)

    assert ended.status == "SUCCEEDED", ended.cause
    assert (ended.output["state"], ended.output["described"]) == ("SWITCHED", 8)
    assert gallery.migration_status("staff").model_version == ACCURATE
    assert (ids(gallery), everybody(gallery)) == (faces, before)
    assert set(gallery.describe_user("staff", "ann").face_ids) == set(ann)
    (user,) = gallery.search_users_by_photo("staff", photo_of("ann")).matches
    assert user.user.user_id == "ann"
    assert len(gallery.list_corrections("staff").corrections) == 1
    refused = stack.index(f"s3://{BUCKET}/photos/")
    assert refused.error == "MigrationError"

    finished = call(finish_migration="staff")

    assert (finished["state"], finished["removed"], finished["job_embeddings"]) == (None, 8, 8)
    assert everybody(gallery) == before
    call(rebuild="staff")
    assert everybody(gallery) == before
    stack.child_version = ACCURATE
    put(stack, "eve", 1)
    assert index(stack).output["faces_indexed"] == 1
    assert len(found(gallery, "eve")) == 1
    assert everybody(gallery) == before


@pytest.mark.long
def test_a_migration_is_rolled_back_with_the_faces_that_were_indexed_since(
    stack: Stack, gallery: Gallery
) -> None:
    before = everybody(gallery)
    migrate(stack)
    stack.put("photos/new.jpg", photo_of("eve"))
    gallery.index("staff", f"s3://{BUCKET}/photos/new.jpg")
    assert len(found(gallery, "eve")) == 1

    ended = migrate(stack, roll_back=True)

    assert ended.status == "SUCCEEDED", ended.cause
    assert (ended.output["state"], ended.output["removed"]) == (None, 9)
    assert gallery.migration_status("staff").model_version == FAST
    assert everybody(gallery) == before
    assert len(found(gallery, "eve")) == 1
    index(stack)


def test_faces_that_are_deleted_and_indexed_meanwhile_are_in_both_versions_or_none(
    stack: Stack, gallery: Gallery
) -> None:
    kept = set(ids(gallery))
    gone = min(kept)
    stack.put("photos/new.jpg", photo_of("eve"))

    def change() -> None:
        with acting_as("ApiFunction", stack.permissions):
            gallery.delete_faces("staff", [gone])
            gallery.index("staff", f"s3://{BUCKET}/photos/new.jpg")

    Engine.happens = change
    ended = migrate(stack)

    assert ended.status == "SUCCEEDED", ended.cause
    (new,) = found(gallery, "eve")
    assert set(ids(gallery)) == (kept - {gone}) | {new}
    assert migrate(stack, roll_back=True).status == "SUCCEEDED"
    assert set(ids(gallery)) == (kept - {gone}) | {new}


@pytest.mark.long
def test_an_erased_face_leaves_both_versions(
    stack: Stack, gallery: Gallery, vectors: S3VectorsServer
) -> None:
    migrate(stack)
    (face_id, *_) = ids(gallery)
    variables = function_environment("ErasureFunction")
    stores = open_deployed_checked_stores(read_settings(stack._environment(variables)))
    selection = Selection(face_ids=frozenset({face_id}))
    traces = collect_traces("staff", selection, stores)
    assert len(list(find_remainders("staff", traces, stores))) > 1
    gallery.delete_faces("staff", [face_id])
    call()
    assert list(find_remainders("staff", traces, stores)) == []


@pytest.mark.long
def test_a_face_whose_photo_is_gone_keeps_the_version_unless_it_may_be_dropped(
    stack: Stack, gallery: Gallery
) -> None:
    stack.s3.delete_object(Bucket=BUCKET, Key="photos/ann-1.jpg")

    refused = migrate(stack)

    assert (refused.status, refused.error) == ("FAILED", "MigrationError")
    assert "1 face of collection 'staff' cannot be described again" in refused.cause
    assert gallery.migration_status("staff").model_version == FAST
    status = gallery.migration_status("staff")
    assert (status.state, status.ready, status.faces) == (MigrationState.PREPARING, 7, 8)
    ended = migrate(stack, drop_missing=True)
    assert (ended.output["state"], ended.output["deleted"]) == ("SWITCHED", 1)
    assert len(ids(gallery)) == 7


def test_a_switch_that_is_killed_is_continued_or_undone(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everybody(gallery)
    records = handler._gallery()._records

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(type(records), "end_switch", killed)
        patch.setattr(type(records), "abort_switch", lambda *_: None)
        handler._gallery().migrate("staff", "accurate")
    assert everybody(gallery) == before
    with pytest.raises(ConflictError, match="is being switched"):
        gallery.index("staff", photo_of("eve"))

    with monkeypatch.context() as patch:
        patch.setattr("facerec.storage.dynamodb.migrations.MAX_SWITCH_SECONDS", -1.0)
        call()
    stack.put("photos/new.jpg", photo_of("eve"))
    gallery.index("staff", f"s3://{BUCKET}/photos/new.jpg")
    assert gallery.migration_status("staff").state is MigrationState.PREPARING

    assert migrate(stack).status == "SUCCEEDED"
    assert everybody(gallery) == before


@pytest.mark.long
def test_a_face_that_is_indexed_while_versions_are_compared_is_not_lost(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put("photos/new.jpg", photo_of("eve"))
    fill, refused = StandbySides._fill, []

    def filled(store: StandbySides, collection: Collection, side: int) -> FaceStore:
        result = fill(store, collection, side)
        with acting_as("ApiFunction", stack.permissions):
            try:
                gallery.index("staff", f"s3://{BUCKET}/photos/new.jpg")
            except ConflictError as error:
                refused.append(error)
        return result

    monkeypatch.setattr(StandbySides, "_fill", filled)
    assert migrate(stack).status == "SUCCEEDED"
    assert len(refused) == 1
    gallery.index("staff", f"s3://{BUCKET}/photos/new.jpg")
    assert len(found(gallery, "eve")) == 1


def test_requests_of_the_api_show_a_migration_and_refuse_its_steps(
    stack: Stack, gallery: Gallery
) -> None:
    assert gallery.migration_status("staff").state is None
    with pytest.raises(MigrationError, match="by its workflow, not by requests"):
        gallery.prepare_migration("staff", "accurate")


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"recipe": "best"}, "recipe"),
        ({"roll_back": True, "recipe": "fast"}, 'either "recipe" or "roll_back"'),
        ({"recipe": "fast"}, "already has the recipe 'fast'"),
        ({"roll_back": True, "recipe": None}, "recipe"),
    ],
)
def test_what_cannot_be_migrated_is_refused_in_one_line(
    stack: Stack, wrong: dict[str, object], cause: str
) -> None:
    ended = stack.execute({"collection_id": "staff", "migrate": True, **wrong})
    assert ended.states[-1] == "Refused"
    assert cause in ended.cause


@pytest.mark.long
def test_the_command_line_migrates_a_collection_of_a_stack(
    stack: Stack, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facerec.cli.collection_migration_on_stack._SECONDS", 0.05)
    create_described_stack("ours", ErasureFunctionName="ErasureFunction")

    def run(*options: str) -> Result:
        return CliRunner().invoke(
            main, ["collections", "migrate", "staff", "--stack", "ours", *options]
        )

    stack.s3.delete_object(Bucket=BUCKET, Key="photos/ann-1.jpg")
    checked = json.loads(run("--recipe", "accurate", "--dry-run", "--json").stdout)
    check("migration", checked, "the output")
    assert [face["reason"] for face in checked["missing"]] == ["PHOTO_GONE"]
    refused = run("--recipe", "accurate")
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "1 face of collection 'staff' cannot be described again" in refused.stderr
    migrated = run("--recipe", "accurate", "--drop-missing", "--yes", "--json")
    document = json.loads(migrated.stdout)
    check("migration", document, "the output")
    assert (document["state"], document["deleted"]) == ("SWITCHED", 1)
    assert "7 of 7 faces can be served" in run("--status").stdout
    finished = run("--finish")
    assert (finished.exit_code, gallery.migration_status("staff").state) == (0, None)
    assert "7 embeddings in job folders replaced" in finished.stdout
