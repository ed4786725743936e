"""Requests side by side, at chosen moments, on every pair of stores of faces and of records."""

# ruff: noqa: ANN401 - methods of any store
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.core.erasures import SubjectKind, Swept
from facerec.core.ids import group_of
from facerec.core.options import FaceOptions
from facerec.core.records import new_collection
from facerec.errors import CollectionNotFoundError, DeletedCollectionError, FacerecError
from facerec.gallery.gallery import Gallery
from facerec.gallery.people import user_vectors
from facerec.gallery.transfer.importing import KnownFace
from facerec.jobs.erasure_check.check import EARLIER_COLLECTION, erase_and_check
from facerec.jobs.erasure_check.traces import CheckedStores
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.generations import FacesByGeneration
from facerec.storage.objects.local import LocalObjects
from facerec.storage.pinecone import PineconeVectors, open_pinecone_vectors
from facerec.storage.s3vectors import S3Vectors, open_s3_vectors
from facerec.storage.sqlite import SqliteStore
from facerec.storage.sqlite.vector_store import SqliteVectors
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Clock, Collaborators
from tests.support.jobs import LocalJob, write_manifest
from tests.support.pinecone_server import API_KEY, PineconeServer
from tests.support.s3vectors_server import S3VectorsServer
from tests.support.stack_template import create_table

BUCKET = "facerec-vectors"
FACE_ID = "6f2c1d2e-0000-4000-8000-000000000001"
IMAGE_ID = "6f2c1d2e-0000-4000-8000-000000000002"
ANN = fake_photo(fake_face("ann"))
COUPLE = fake_photo(fake_face("ann", width=0.4), fake_face("bob", left=0.6, width=0.2))


@dataclass
class Pair:
    """A pair of stores.

    Attributes:
        collaborators: A gallery's, over the two.
        vectors: The class of the store of vectors.
        records: The class of the store of records.
        left: Returns how many vectors are left anywhere in the store of vectors.
    """

    collaborators: Collaborators
    vectors: type
    records: type
    left: Callable[[], int]

    @property
    def gallery(self) -> Gallery:
        return self.collaborators.gallery()


@pytest.fixture(params=["sqlite", "pinecone", "s3vectors"])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    if request.param == "sqlite":
        with SqliteStore(tmp_path / "facerec.db") as store:
            yield Pair(
                Collaborators(store, store, clock=_clock()),
                SqliteVectors,
                SqliteStore,
                lambda: store.vectors.count_vectors("staff"),
            )
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        records = _table()
        if request.param == "pinecone":
            pytest.importorskip("pinecone")
            with PineconeServer() as pinecone:
                vectors = open_pinecone_vectors(API_KEY, host=pinecone.host)
                yield Pair(
                    Collaborators(FacesByGeneration(vectors, records), records, clock=_clock()),
                    PineconeVectors,
                    DynamoDBStore,
                    lambda: sum(map(len, pinecone.namespaces.values())),
                )
                vectors.close()
            return
        with S3VectorsServer() as server:
            server.buckets[BUCKET] = {}
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3VECTORS", server.address)
            opened = open_s3_vectors(BUCKET, region="us-east-1")
            yield Pair(
                Collaborators(FacesByGeneration(opened, records), records, clock=_clock()),
                S3Vectors,
                DynamoDBStore,
                lambda: sum(
                    len(index.vectors)
                    for name, index in server.buckets[BUCKET].items()
                    if name.startswith("vectors-")
                ),
            )
            opened.close()


def _clock() -> Clock:
    """Return a clock that is ahead of that of jobs."""
    return Clock(time.time() + 10)


def _table() -> DynamoDBStore:
    client = boto3.client("dynamodb", region_name="us-east-1")
    create_table(client, "facerec")
    return DynamoDBStore(client, "facerec")


class Moment:
    """Something else happens once, before or after the first call of a method of a store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.came = False

    def at(self, store: type, method: str, when: str, action: Callable[[], object]) -> None:
        original = getattr(store, method)

        def interrupted(*arguments: Any, **named: Any) -> Any:
            if self.came:
                return original(*arguments, **named)
            self.came = True
            if when == "before":
                action()
                return original(*arguments, **named)
            result = original(*arguments, **named)
            action()
            return result

        self._monkeypatch.setattr(store, method, interrupted)


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moment]:
    moment = Moment(monkeypatch)
    yield moment
    assert moment.came


def replace_collection(pair: Pair) -> None:
    """Delete the collection, and create another one of its name."""
    pair.gallery.delete_collection("staff")
    pair.collaborators.clock.now += 1
    pair.gallery.create_collection("staff")


before_and_after = pytest.mark.parametrize("when", ["before", "after"])


def index_ann(gallery: Gallery) -> object:
    return gallery.index("staff", ANN)


def import_ann(gallery: Gallery) -> object:
    (face,) = gallery.detect(ANN).faces
    known = KnownFace(FACE_ID, IMAGE_ID, None, face.box)
    return gallery.import_faces("staff", ANN, [known])


@before_and_after
@pytest.mark.parametrize("store_ann", [index_ann, import_ann])
def test_a_face_stored_late_is_not_in_the_next_collection_of_the_name(
    pair: Pair, moment: Moment, when: str, store_ann: Callable[[Gallery], object]
) -> None:
    pair.gallery.create_collection("staff")
    counts: list[int] = []

    def replace_and_look() -> None:
        replace_collection(pair)
        counts.append(pair.gallery.describe_collection("staff").face_count)

    moment.at(pair.vectors, "add_vectors", when, replace_and_look)
    with pytest.raises(CollectionNotFoundError):
        store_ann(pair.gallery)
    assert pair.gallery.list_faces("staff").faces == ()
    assert counts == [0]
    assert pair.left() == 0


@before_and_after
def test_a_face_that_the_next_collection_has_itself_stays(
    pair: Pair, moment: Moment, when: str
) -> None:
    pair.gallery.create_collection("staff")

    def replace_and_index() -> None:
        replace_collection(pair)
        pair.gallery.index("staff", ANN)

    moment.at(pair.vectors, "add_vectors", when, replace_and_index)
    with pytest.raises(CollectionNotFoundError):
        pair.gallery.index("staff", ANN)
    assert pair.gallery.describe_collection("staff").face_count == 1
    assert pair.gallery.search("staff", ANN).faces[0].matches
    assert pair.left() == 1


@before_and_after
def test_a_job_stores_nothing_in_the_next_collection_of_the_name(
    pair: Pair, moment: Moment, when: str, tmp_path: Path
) -> None:
    photo = tmp_path / "ann.jpg"
    photo.write_bytes(ANN)
    job = LocalJob(
        tmp_path / "job",
        write_manifest(tmp_path / "list.jsonl", [photo]),
        faces=pair.collaborators.faces,
        records=pair.collaborators.records,
    )
    moment.at(pair.vectors, "put_groups", when, lambda: replace_collection(pair))
    with suppress(FacerecError):
        job.run()
    assert pair.gallery.list_faces("staff").faces == ()
    with suppress(FacerecError):
        job.run()
    assert pair.gallery.describe_collection("staff").face_count == 0


@before_and_after
def test_a_face_deleted_late_stays_in_the_next_collection_of_the_name(
    pair: Pair, moment: Moment, when: str
) -> None:
    pair.gallery.create_collection("staff")
    import_ann(pair.gallery)

    def replace_and_import() -> None:
        replace_collection(pair)
        import_ann(pair.gallery)

    moment.at(pair.vectors, "delete_vectors", when, replace_and_import)
    pair.gallery.delete_faces("staff", [FACE_ID])
    assert [face.record.face_id for face in pair.gallery.list_faces("staff").faces] == [FACE_ID]


@before_and_after
@pytest.mark.parametrize("method", ["change_user", "set_vector_version"])
def test_a_user_that_is_changed_late_is_not_found_in_the_next_collection(
    pair: Pair, moment: Moment, when: str, method: str
) -> None:
    pair.gallery.create_collection("staff")
    pair.gallery.create_user("staff", "ann")
    (face,) = pair.gallery.index("staff", ANN).faces
    moment.at(pair.records, method, when, lambda: replace_collection(pair))
    with suppress(FacerecError):
        pair.gallery.associate_faces("staff", "ann", [face.record.face_id])
    assert pair.gallery.list_users("staff").users == ()
    assert pair.gallery.search_users_by_photo("staff", ANN).matches == ()


@before_and_after
def test_two_requests_with_different_options_keep_the_faces_of_both(
    pair: Pair, moment: Moment, when: str
) -> None:
    pair.gallery.create_collection("staff")
    others: list[str] = []

    def index_both() -> None:
        result = pair.gallery.index("staff", COUPLE, options=FaceOptions(max_faces=2))
        others.extend(face.record.face_id for face in result.faces)

    moment.at(pair.vectors, "add_vectors", when, index_both)
    first = pair.gallery.index("staff", COUPLE, options=FaceOptions(max_faces=1))
    ids = {face.record.face_id for face in pair.gallery.list_faces("staff").faces}
    assert len(others) == 2
    assert ids == {*others, *(face.record.face_id for face in first.faces)}


@before_and_after
def test_a_face_that_is_deleted_while_its_photo_is_indexed_stays_deleted(
    pair: Pair, moment: Moment, when: str
) -> None:
    pair.gallery.create_collection("staff")
    (ann,) = pair.gallery.index("staff", COUPLE, options=FaceOptions(max_faces=1)).faces
    moment.at(
        pair.vectors,
        "add_vectors",
        when,
        lambda: pair.gallery.delete_faces("staff", [ann.record.face_id]),
    )
    both = pair.gallery.index("staff", COUPLE, options=FaceOptions(max_faces=2)).faces
    (bob,) = {face.record.face_id for face in both} - {ann.record.face_id}
    assert [face.record.face_id for face in pair.gallery.list_faces("staff").faces] == [bob]


@before_and_after
@pytest.mark.parametrize("method", ["change_user", "set_vector_version", "users_of_faces"])
def test_a_face_that_is_deleted_while_it_is_associated_leaves_no_user_to_be_found(
    pair: Pair, moment: Moment, when: str, method: str
) -> None:
    pair.gallery.create_collection("staff")
    pair.gallery.create_user("staff", "ann")
    (face,) = pair.gallery.index("staff", ANN).faces
    moment.at(
        pair.records,
        method,
        when,
        lambda: pair.gallery.delete_faces("staff", [face.record.face_id], disassociate=True),
    )
    pair.gallery.associate_faces("staff", "ann", [face.record.face_id])
    assert pair.gallery.list_faces("staff").faces == ()
    (user,) = pair.gallery.list_users("staff").users
    assert user.face_ids == ()
    assert pair.gallery.search_users_by_photo("staff", ANN).matches == ()


def test_a_collection_from_before_generations_is_found_and_deleted(pair: Pair) -> None:
    if pair.records is SqliteStore:
        pytest.skip("its namespaces have numbers of their own")
    gallery, records = pair.gallery, pair.collaborators.records
    collection = gallery.create_collection("staff")
    records.delete_collection("staff")
    object.__setattr__(collection, "generation", "")
    records.create_collection(collection)
    gallery.index("staff", ANN)
    assert gallery.search("staff", ANN).faces[0].matches
    replace_collection(pair)
    assert gallery.describe_collection("staff").face_count == 0
    assert pair.left() == 0


class KilledError(BaseException):
    """The end of a process, which nothing catches."""


def store_late(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index a photo of a person while the collection is replaced, and kill the process."""
    pair.gallery.create_user("staff", "ann")
    (known,) = pair.gallery.index("staff", ANN).faces
    pair.gallery.associate_faces("staff", "ann", [known.record.face_id])
    collection = pair.collaborators.records.get_collection("staff")
    user = pair.collaborators.records.get_user("staff", "ann")
    original = pair.vectors.add_vectors  # type: ignore[attr-defined]

    def killed(store: Any, *arguments: Any) -> None:
        monkeypatch.setattr(pair.vectors, "add_vectors", original)
        own = pair.collaborators.faces.of(collection)
        faces = own.get_faces("staff", user.face_ids)
        vector = user_vectors.user_vector(own, "staff", user)
        replace_collection(pair)
        # The writes that arrive after the deletion.
        with suppress(CollectionNotFoundError):
            own.add_to_images("staff", {group_of(known.record.face_id): faces})
        with suppress(CollectionNotFoundError):
            user_vectors._put_vector(own, "staff", user.user_id, vector)
        raise KilledError

    monkeypatch.setattr(pair.vectors, "add_vectors", killed)
    with pytest.raises(KilledError):
        pair.gallery.index("staff", COUPLE)


def test_what_a_killed_process_stored_for_a_deleted_collection_is_swept(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.gallery.create_collection("staff")
    store_late(pair, monkeypatch)
    pair.gallery.index("staff", COUPLE)
    swept = pair.gallery.sweep()
    assert swept == ({} if pair.records is SqliteStore else {"staff": Swept(1, 0)})
    assert pair.left() == len(pair.gallery.list_faces("staff").faces) == 2
    assert pair.gallery.sweep() == {}


def test_a_sweep_leaves_existing_and_restored_collections(pair: Pair) -> None:
    pair.gallery.create_collection("staff")
    pair.gallery.index("staff", ANN)
    deleted = pair.collaborators.records.get_collection("staff")
    replace_collection(pair)
    pair.gallery.index("staff", COUPLE)
    assert pair.gallery.sweep() == {}
    assert pair.left() == 2
    # An older copy of the database has the deleted collection again.
    pair.collaborators.records.delete_collection("staff")
    pair.collaborators.records.create_collection(deleted)
    pair.collaborators.faces.of(deleted).add_to_images("staff", {})
    before = pair.left()
    assert pair.gallery.sweep() == {}
    assert pair.left() == before


def test_a_sweep_leaves_what_nobody_has_noted_as_deleted(pair: Pair) -> None:
    if pair.records is SqliteStore:
        pytest.skip("its file belongs to one installation")
    pair.gallery.create_collection("staff")
    (face,) = pair.gallery.index("staff", ANN).faces
    # Another installation uses the same index or bucket, and has deleted nothing.
    others = pair.collaborators.faces.of(new_collection("staff", "", 1.0))
    stored = pair.collaborators.faces.get_faces("staff", [face.record.face_id])
    others.add_to_images("staff", {group_of(face.record.face_id): stored})
    replace_collection(pair)
    assert pair.gallery.sweep() == {}
    assert pair.left() == others.count_faces("staff") == 1


def test_nothing_is_added_to_a_deleted_collection_of_an_older_copy(pair: Pair) -> None:
    pair.gallery.create_collection("staff")
    deleted = pair.collaborators.records.get_collection("staff")
    pair.gallery.delete_collection("staff")
    # What a database restored from an older copy has.
    pair.collaborators.records.create_collection(deleted)
    for add in (index_ann, import_ann):
        with pytest.raises(DeletedCollectionError):
            add(pair.gallery)
    # Reading it needs no folder of receipts.
    assert pair.gallery.list_faces("staff").faces == ()
    assert pair.gallery.search("staff", ANN).faces[0].matches == ()
    replace_collection(pair)
    assert pair.gallery.index("staff", ANN).faces


def test_a_check_finds_what_was_stored_for_a_deleted_collection(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if pair.records is SqliteStore:
        pytest.skip("its writers see that the collection is deleted")
    pair.gallery.create_collection("staff")
    store_late(pair, monkeypatch)
    pair.gallery.create_user("staff", "ann")
    faces = pair.gallery.index("staff", ANN).faces
    pair.gallery.associate_faces("staff", "ann", [face.record.face_id for face in faces])
    stores = CheckedStores(
        pair.collaborators.faces,
        pair.collaborators.records,
        LocalObjects(),
        f"{tmp_path}/jobs/",
        pair.collaborators.erasures,
    )
    _, left = erase_and_check(pair.gallery, "staff", SubjectKind.USER, "ann", stores)
    assert {(each.place, each.what) for each in left} == {
        (EARLIER_COLLECTION, "face id"),
        (EARLIER_COLLECTION, "vector of the person"),
    }
    pair.gallery.sweep()
    assert erase_and_check(pair.gallery, "staff", SubjectKind.USER, "ann", stores)[1] == []
