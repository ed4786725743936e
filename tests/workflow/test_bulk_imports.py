"""A job whose faces Pinecone imports from S3: children store none, then one import stores all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import pytest

from batch_job import task
from facerec.config import read_settings
from facerec.core.erasures import ErasureStatus, SubjectKind
from facerec.core.schemas import violation
from facerec.errors import StoreUnavailableError
from facerec.factory import open_child_dependencies, open_deployed_gallery
from facerec.gallery.gallery import Gallery
from facerec.jobs.bulk_import import files
from facerec.jobs.bulk_import.importing import Advance, advance_import
from facerec.storage.objects import Objects
from facerec.testing.engine import fake_face, fake_photo
from lambdas.erasure import handler as erasing
from lambdas.erasure import importing
from tests.support.permissions import Permissions, acting_as
from tests.support.pinecone_imports import INTEGRATION
from tests.support.pinecone_server import API_KEY, PineconeServer
from tests.support.workflow.stack import BUCKET, Ended, Stack
from tests.support.workflow.stores import TABLE, deploy_with_pinecone

pytest.importorskip("pinecone")
pytest.importorskip("pyarrow")

PHOTOS = 12

During = Callable[[Callable[[], None]], None]


@pytest.fixture
def server() -> Iterator[PineconeServer]:
    with PineconeServer() as server:
        yield server


@pytest.fixture
def stack(
    deploy: Callable[..., Stack], server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """A stack with Pinecone and a storage integration, and photos of as many people."""
    stack = deploy_with_pinecone(
        deploy, monkeypatch, server, PINECONE_INTEGRATION_ID=INTEGRATION, RESUBMISSIONS="1"
    )
    for number in range(PHOTOS):
        stack.put(f"photos/{number:02}.jpg", fake_photo(fake_face(f"person {number}")))
    yield stack
    erasing._gallery.cache_clear()


def index(stack: Stack, **fields: Any) -> Ended:  # noqa: ANN401 - fields of JSON
    document = {"bulk_import": True, "images_per_child": 4, **fields}
    return stack.index(f"s3://{BUCKET}/photos/", **document)


def open_gallery(server: PineconeServer) -> Gallery:
    environment = {
        "AWS_S3_BUCKET": BUCKET,
        "FACEREC_TABLE": TABLE,
        "PINECONE_API_KEY": API_KEY,
        "PINECONE_INDEX_HOST": server.host,
        "ERASURE_FUNCTION": "ErasureFunction",
        "AWS_REGION": "us-east-1",
    }
    return open_deployed_gallery(read_settings(environment), Objects())


def sources(server: PineconeServer) -> list[str]:
    """Return the names of the photos whose faces Pinecone has, in order."""
    return sorted(
        vector["metadata"]["source"].rpartition("/")[2]
        for namespace, space in server.namespaces.items()
        if not namespace.endswith("/users")
        for vector in space.values()
    )


def parquet_files(stack: Stack) -> list[str]:
    return [key for key in stack.keys("jobs/") if "bulk-import" in key]


@pytest.fixture
def during_import(monkeypatch: pytest.MonkeyPatch) -> During:
    """Do something once, when the files are written and their import has been started."""

    def install(action: Callable[[], None]) -> None:
        calls = Counter[str]()

        def advance(*arguments: Any, **named: Any) -> Advance:  # noqa: ANN401 - passed on
            calls["advance"] += 1
            if calls["advance"] == 2:
                action()
            return advance_import(*arguments, **named)

        monkeypatch.setattr(importing, "advance_import", advance)

    return install


def test_faces_are_imported_when_all_children_are_complete(
    stack: Stack, server: PineconeServer, waits: list[float]
) -> None:
    ended = index(stack)
    assert ended.status == "SUCCEEDED", ended.cause
    assert sources(server) == [f"{number:02}.jpg" for number in range(PHOTOS)]
    assert server.requests["/vectors/upsert"] == 0
    assert server.requests["/vectors/list"] == 0
    assert ended.states.count("Import") == 3
    assert ended.states.index("Import") > ended.states.index("Report")
    assert 120 in waits
    report = stack.read_json(ended.output["report"])
    assert violation("report", report) is None
    assert report["imported"] == {"faces": PHOTOS, "records": PHOTOS, "files": 1}
    assert not parquet_files(stack)
    (served,) = server.imports.started
    assert served.on_error == "abort"


def test_imported_faces_are_those_that_requests_would_store(
    stack: Stack, server: PineconeServer
) -> None:
    index(stack)
    ((name, imported),) = server.namespaces.items()
    embeddings = {key: vector["values"].tobytes() for key, vector in imported.items()}
    metadata = {key: vector["metadata"] for key, vector in imported.items()}
    server.namespaces.clear()
    # The job is started again: it restores what the collection has lost, by requests.
    assert index(stack).status == "SUCCEEDED"
    restored = server.namespaces[name]
    assert {key: vector["values"].tobytes() for key, vector in restored.items()} == embeddings
    assert {key: vector["metadata"] for key, vector in restored.items()} == metadata
    assert len(server.imports.started) == 1


@pytest.mark.long
def test_files_end_after_enough_faces(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FACES_PER_FILE", 5)
    ended = index(stack)
    assert stack.read_json(ended.output["report"])["imported"]["files"] == 2
    assert len(sources(server)) == PHOTOS


@pytest.mark.parametrize("faces_per_file", [pytest.param(100, marks=pytest.mark.long), 1])
def test_a_copy_of_a_photo_in_another_child_is_imported_once(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch, faces_per_file: int
) -> None:
    monkeypatch.setattr(files, "FACES_PER_FILE", faces_per_file)
    # Every call writes one file, and so finds out again what was written before it.
    monkeypatch.setattr("lambdas.erasure.importing.WRITES_FOR", 1e-9)
    times = cycle([0.0, 0.0, 1.0])
    monkeypatch.setattr("lambdas.erasure.importing.time", _Clock(lambda: next(times)))
    stack.put("photos/zz.jpg", fake_photo(fake_face("person 0")))
    ended = index(stack, external_ids="none")
    assert ended.status == "SUCCEEDED", ended.cause
    assert len(sources(server)) == PHOTOS
    report = stack.read_json(ended.output["report"])
    assert report["imported"]["faces"] == report["imported"]["records"] == PHOTOS
    assert index(stack, external_ids="none", bulk_import=False).status == "SUCCEEDED"


@pytest.mark.long
def test_a_call_without_time_continues_with_the_next_file(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FACES_PER_FILE", 5)
    monkeypatch.setattr("lambdas.erasure.importing.WRITES_FOR", 1e-9)
    starts = iter([True, False] * 10)
    monkeypatch.setattr(
        "lambdas.erasure.importing.time",
        _Clock(lambda: 0.0 if next(starts, False) else 1.0),
    )
    ended = index(stack)
    assert ended.status == "SUCCEEDED", ended.cause
    assert len(sources(server)) == PHOTOS


class _Clock:
    """A clock whose calls alternate between the start of a call and its deadline."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic

    def time(self) -> float:
        return 1e9


def test_people_are_created_from_names_after_the_import(
    stack: Stack, server: PineconeServer
) -> None:
    for number in range(3):
        stack.put(f"photos/ann/{number}.jpg", fake_photo(fake_face("ann"), note=str(number)))
    ended = index(stack, person_from="folder", include=["ann/*"])
    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["enrolled"]["created"] == 1
    assert ended.output["enrolled"]["associated"] == 3


@pytest.mark.parametrize(
    "fault",
    [pytest.param("StoreUnavailableError", marks=pytest.mark.long), "Lambda.ServiceException"],
)
def test_a_fault_of_a_call_is_survived(
    stack: Stack, server: PineconeServer, fault: str, during_import: During
) -> None:
    def befall() -> None:
        stack.function_faults += [fault]

    during_import(befall)
    server.imports.steps = 4
    assert index(stack).status == "SUCCEEDED"
    assert len(sources(server)) == PHOTOS


def test_a_lost_answer_does_not_start_a_second_import(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinecone._internal.http_client._retry_sleep", lambda seconds: None)
    server.lose_answers("/bulk/imports")
    ended = index(stack)
    assert ended.status == "SUCCEEDED", ended.cause
    # The client itself repeats the request; the second import is cancelled.
    assert [each.status for each in server.imports.started] == ["Completed", "Cancelled"]
    assert len(sources(server)) == PHOTOS


@pytest.mark.long
def test_an_execution_that_was_stopped_is_continued_by_the_next_one(
    stack: Stack, server: PineconeServer, during_import: During
) -> None:
    def befall() -> None:
        stack.function_faults += ["States.Runtime"]

    during_import(befall)
    server.imports.steps = 4
    stopped = index(stack)
    if stopped.status == "SUCCEEDED":
        pytest.fail("the execution was not stopped")
    assert index(stack).status == "SUCCEEDED"
    assert len(server.imports.started) == 1
    assert len(sources(server)) == PHOTOS


def test_a_failed_import_ends_the_job_with_a_reason(stack: Stack, server: PineconeServer) -> None:
    server.imports.fails = "the bucket may not be read"
    ended = index(stack)
    assert (ended.status, ended.error) == ("FAILED", "NotImported")
    assert "Pinecone's import 1 failed" in ended.cause
    assert "start the job again to import them, or rebuild the collection" in ended.cause
    assert not any(key.endswith(".parquet") for key in stack.keys("jobs/"))
    (report,) = (key for key in stack.keys("jobs/") if key.endswith("/report.json"))
    assert stack.read_json(f"s3://{BUCKET}/{report}")["status"] == "INCOMPLETE"
    # The same job imports the faces once the cause is gone.
    server.imports.fails = None
    assert index(stack).status == "SUCCEEDED"
    assert len(sources(server)) == PHOTOS


def test_an_import_that_lacks_faces_is_not_taken_for_complete(
    stack: Stack, server: PineconeServer
) -> None:
    server.imports.loses = 2
    ended = index(stack)
    assert ended.error == "NotImported"
    assert f"imported {PHOTOS - 2} of {PHOTOS} faces" in ended.cause
    # It cannot be imported again, since the namespace exists: a rebuild stores what is missing.
    again = index(stack)
    assert "already has faces of collection 'staff'" in again.cause
    for cause in (ended.cause, again.cause):
        assert "rebuild the collection" in cause
        assert "start the job again" not in cause
    rebuild(stack)
    assert len(sources(server)) == PHOTOS
    assert index(stack).status == "SUCCEEDED"


def test_a_refused_import_ends_the_job_with_a_reason(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.pinecone_imports.INTEGRATION", "another")
    ended = index(stack)
    assert ended.error == "NotImported"
    assert "Pinecone refuses the import" in ended.cause


@pytest.mark.long
def test_a_rebuild_while_children_run_does_not_lose_faces(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilt = []

    def open_stores(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        dependencies = open_child_dependencies(*arguments, **named)
        if not named["stores_faces"] and not rebuilt:
            rebuilt.append(True)
            rebuild(stack)
        return dependencies

    monkeypatch.setattr(task, "open_child_dependencies", open_stores)
    ended = index(stack)
    assert rebuilt
    assert len(sources(server)) < PHOTOS
    assert (ended.status, ended.error) == ("FAILED", "NotImported")
    assert "was rebuilt while its photos were processed" in ended.cause
    assert "rebuild it again" in ended.cause
    assert index(stack).error == "NotImported"
    rebuild(stack)
    assert len(sources(server)) == PHOTOS
    assert index(stack).status == "SUCCEEDED"
    assert not server.imports.started


@pytest.mark.long
def test_a_rebuild_that_was_interrupted_leaves_the_job_incomplete(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.imports.fails = "the bucket may not be read"
    index(stack)

    def interrupt(*_arguments: object, **_named: object) -> None:
        raise StoreUnavailableError("Pinecone")

    with monkeypatch.context() as patched:
        patched.setattr("facerec.jobs.verifying.rebuild.verify_collection", interrupt)
        with pytest.raises(StoreUnavailableError):
            rebuild(stack)
    assert index(stack).error == "NotImported"
    rebuild(stack)
    assert index(stack).status == "SUCCEEDED"
    assert len(sources(server)) == PHOTOS


def rebuild(stack: Stack) -> None:
    with acting_as("ErasureFunction", stack.permissions):
        erasing.handler({"rebuild": "staff"}, None)


def test_a_face_that_is_erased_during_the_import_is_gone_after_it(
    stack: Stack, server: PineconeServer, during_import: During
) -> None:
    receipts = []

    def erase() -> None:
        gallery = open_gallery(server)
        source = f"s3://{BUCKET}/photos/03.jpg"
        with acting_as("ApiFunction", stack.permissions):
            receipt = gallery.erase("staff", SubjectKind.PHOTO, source)
        receipts.append(receipt.erasure_id)
        # It waits: the files still contain the face.
        waiting = gallery.get_erasure("staff", receipt.erasure_id)
        assert waiting.status is ErasureStatus.RUNNING

    during_import(erase)
    ended = index(stack)
    assert ended.status == "SUCCEEDED", ended.cause
    assert "03.jpg" not in sources(server)
    assert len(sources(server)) == PHOTOS - 1
    (erasure_id,) = receipts
    gallery = open_gallery(server)
    assert gallery.get_erasure("staff", erasure_id).status is ErasureStatus.DONE
    assert not list(gallery._erasures.pending())
    # Neither the job nor a rebuild brings it back.
    index(stack)
    rebuild(stack)
    assert "03.jpg" not in sources(server)


@pytest.mark.long
def test_the_check_of_an_erasure_finds_the_face_in_the_files(
    stack: Stack, server: PineconeServer, during_import: During
) -> None:
    left = []

    def erase() -> None:
        event = {
            "collection_id": "staff",
            "subject": "PHOTO",
            "name": f"s3://{BUCKET}/photos/03.jpg",
            "check": True,
        }
        with acting_as("ErasureFunction", stack.permissions):
            left.extend(erasing.handler(event, None)["left"])

    during_import(erase)
    index(stack)
    places = {each["place"] for each in left}
    assert any(place.endswith(".parquet") for place in places)


def test_what_is_erased_while_children_run_is_not_written(
    stack: Stack, server: PineconeServer
) -> None:
    erased = []

    def erase(child: int, attempt: int) -> None:
        if child == 2 and not erased:
            erased.append(True)
            gallery = open_gallery(server)
            gallery.erase("staff", SubjectKind.PHOTO, f"s3://{BUCKET}/photos/00.jpg")

    stack.accidents.before = erase
    ended = index(stack)
    assert ended.status == "SUCCEEDED", ended.cause
    assert "00.jpg" not in sources(server)
    assert stack.read_json(ended.output["report"])["imported"]["faces"] == PHOTOS - 1


def test_a_collection_that_is_deleted_during_the_import_leaves_nothing(
    stack: Stack, server: PineconeServer, during_import: During
) -> None:
    def delete() -> None:
        with acting_as("ApiFunction", stack.permissions):
            open_gallery(server).delete_collection("staff")

    during_import(delete)
    server.imports.steps = 3
    ended = index(stack)
    assert ended.error == "JobDeletedError"
    assert not sources(server)
    assert not parquet_files(stack)


@pytest.mark.long
def test_children_that_are_lost_are_submitted_again_before_the_import(
    stack: Stack, server: PineconeServer
) -> None:
    stack.accidents.broken = {(1, attempt) for attempt in range(1, 9)}

    def heal(child: int, attempt: int) -> None:
        if len(stack.machines.submissions) > 1:
            stack.accidents.broken = set()

    stack.accidents.before = heal
    ended = index(stack)
    assert ended.status == "SUCCEEDED", ended.cause
    assert len(stack.machines.submissions) > 1
    assert len(sources(server)) == PHOTOS
    assert len(server.imports.started) == 1


def test_an_import_is_refused_where_it_cannot_work(stack: Stack, server: PineconeServer) -> None:
    assert index(stack, bulk_import=False).status == "SUCCEEDED"
    stack.put("more/one.jpg", fake_photo(fake_face("somebody")))
    for prefix in ("photos", "more"):
        ended = stack.index(f"s3://{BUCKET}/{prefix}/", bulk_import=True, images_per_child=4)
        assert ended.error == "InvalidInputError"
        assert "have indexed collection 'staff' already" in ended.cause


@pytest.mark.long
def test_another_job_waits_for_the_import(stack: Stack, server: PineconeServer) -> None:
    server.imports.fails = "the bucket may not be read"
    index(stack)
    stack.put("more/one.jpg", fake_photo(fake_face("somebody")))
    ended = stack.index(f"s3://{BUCKET}/more/")
    assert ended.error == "ConflictError"
    assert "not yet been imported" in ended.cause
    server.imports.fails = None
    assert index(stack).status == "SUCCEEDED"
    assert stack.index(f"s3://{BUCKET}/more/").status == "SUCCEEDED"
    assert len(sources(server)) == PHOTOS + 1


@pytest.mark.long
def test_a_later_run_stores_new_photos_by_requests(stack: Stack, server: PineconeServer) -> None:
    index(stack)
    stack.put("photos/new.jpg", fake_photo(fake_face("somebody")))
    assert "have indexed collection 'staff' already" in index(stack).cause
    assert index(stack, bulk_import=False).status == "SUCCEEDED"
    assert "new.jpg" in sources(server)
    assert len(server.imports.started) == 1


def test_an_import_costs_few_requests(
    stack: Stack, server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, calls = Permissions.check, Counter[str]()

    def count(
        self: Permissions,
        part: str,
        client: Any,  # noqa: ANN401 - boto3 has no types
        operation: str,
        request: dict[str, Any],
    ) -> None:
        folders = str(request.get("Key", "")).split("/")[2:-1]
        calls["/".join([part, operation, *folders[:1]])] += 1
        check(self, part, client, operation, request)

    monkeypatch.setattr(Permissions, "check", count)
    index(stack)
    assert not server.requests["/vectors/fetch_by_metadata"]
    assert server.requests["/bulk/imports"] == 4
    # Looking at the index and waiting for the import; nothing for each child or photo.
    assert sum(server.requests.values()) <= 15
    assert calls["ErasureFunction/GetObject/embeddings"] == PHOTOS // 4
    # Once to find copies, and once to find the embeddings.
    assert calls["ErasureFunction/GetObject/index"] == 2 * PHOTOS // 4


def test_a_stack_without_an_integration_refuses(
    deploy: Callable[..., Stack], server: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = deploy_with_pinecone(deploy, monkeypatch, server)
    stack.put("photos/one.jpg", fake_photo(fake_face("somebody")))
    ended = index(stack)
    assert ended.error == "InvalidInputError"
    assert ended.cause.startswith("bulk_import: the stack has no storage integration")


@pytest.mark.long
def test_an_older_copy_of_the_vectors_alone_is_repaired_by_a_rebuild(
    stack: Stack, server: PineconeServer
) -> None:
    index(stack)
    ((name, older),) = ((name, dict(space)) for name, space in server.namespaces.items())
    gallery = open_gallery(server)
    gallery.erase("staff", SubjectKind.PHOTO, f"s3://{BUCKET}/photos/03.jpg")
    stack.put("photos/new.jpg", fake_photo(fake_face("somebody")))
    assert index(stack, bulk_import=False).status == "SUCCEEDED"
    expected = sources(server)
    assert "new.jpg" in expected
    server.namespaces[name] = older
    rebuild(stack)
    assert sources(server) == expected
