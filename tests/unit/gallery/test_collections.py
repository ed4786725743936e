import sqlite3
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    InvalidInputError,
    ModelMismatchError,
)
from facerec.gallery.collection_results import DeletionFailureReason
from facerec.gallery.gallery import Gallery
from facerec.gallery.indexing.preparing import PreparedCollection, prepare_collection
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators

UNKNOWN = "00000000-0000-8000-8000-000000000000"


def index(gallery: Gallery, person: str) -> str:
    (face,) = gallery.index("staff", fake_photo(fake_face(person))).faces
    return face.record.face_id


def test_a_collection_is_described_with_its_counts(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    gallery.index("staff", fake_photo(fake_face("ann"), fake_face("bob", left=0.5)))
    gallery.create_user("staff", "ann")
    summary = gallery.describe_collection("staff")
    assert (summary.face_count, summary.user_count) == (2, 1)
    assert summary.collection.model_version == "fake-1"
    assert summary.collection.created_at == collaborators.clock.now


def test_a_collection_cannot_be_created_twice_or_under_a_bad_name(gallery: Gallery) -> None:
    with pytest.raises(CollectionExistsError):
        gallery.create_collection("staff")
    with pytest.raises(InvalidInputError, match="'st/aff'"):
        gallery.create_collection("st/aff")


def prepare(
    collaborators: Collaborators, collection_id: str, *, create: bool = True
) -> PreparedCollection:
    return prepare_collection(
        collection_id,
        model_versions=[collaborators.engine.model_version],
        create=create,
        now=collaborators.clock(),
        records=collaborators.records,
    )


def test_a_collection_is_prepared_by_creating_it_once(collaborators: Collaborators) -> None:
    first = prepare(collaborators, "guests")
    again = prepare(collaborators, "guests")
    assert (first.created, again.created) == (True, False)
    assert first.collection == again.collection


def test_a_missing_collection_is_created_only_if_asked_for(collaborators: Collaborators) -> None:
    with pytest.raises(CollectionNotFoundError):
        prepare(collaborators, "guests", create=False)


def test_a_collection_of_another_model_is_not_prepared(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    later = replace(collaborators, engine=FakeEngine("fake-2"))
    with pytest.raises(ModelMismatchError):
        prepare(later, "staff")


def test_a_recreated_collection_differs_from_the_deleted_one(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    first = prepare(collaborators, "staff").collection
    gallery.delete_collection("staff")
    collaborators.clock.now += 0.001
    again = prepare(collaborators, "staff")
    assert again.created
    assert again.collection.created_at != first.created_at


def test_deleting_a_collection_deletes_what_its_jobs_keep(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    gallery.delete_collection("staff")
    assert set(collaborators.job_data.forgotten) == {"staff"}


def test_a_deleted_collection_leaves_no_faces_to_a_later_one(gallery: Gallery) -> None:
    index(gallery, "ann")
    gallery.delete_collection("staff")
    with pytest.raises(CollectionNotFoundError):
        gallery.describe_collection("staff")
    gallery.create_collection("staff")
    assert gallery.describe_collection("staff").face_count == 0


def test_a_deleted_collection_leaves_no_vectors_of_its_users(
    gallery: Gallery, tmp_path: Path
) -> None:
    face_id = index(gallery, "ann")
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    with sqlite3.connect(tmp_path / "facerec.db") as reader:
        count = "SELECT count(*) FROM vector"
        assert reader.execute(count).fetchone() == (2,)
        gallery.delete_collection("staff")
        assert reader.execute(count).fetchone() == (0,)


def test_an_unknown_collection_cannot_be_described_listed_or_deleted(gallery: Gallery) -> None:
    for operation in (
        lambda: gallery.describe_collection("guests"),
        lambda: gallery.delete_collection("guests"),
        lambda: gallery.list_faces("guests"),
        lambda: gallery.delete_faces("guests", ["anything"]),
    ):
        with pytest.raises(CollectionNotFoundError):
            operation()


def test_all_collections_are_listed_whatever_the_size_of_pages(gallery: Gallery) -> None:
    gallery.create_collection("guests")
    first = gallery.list_collections(limit=1)
    second = gallery.list_collections(limit=1, next_token=first.next_token)
    assert [page.collections[0].collection_id for page in (first, second)] == ["guests", "staff"]
    assert second.next_token is None
    assert len(list(gallery.all_collections())) == 2


def test_a_token_continues_after_the_previous_page(gallery: Gallery) -> None:
    ids = sorted(index(gallery, f"person {n}") for n in range(5))
    listed: list[str] = []
    token = None
    sizes = []
    while True:
        page = gallery.list_faces("staff", limit=2, next_token=token)
        listed += [face.record.face_id for face in page.faces]
        sizes.append(len(page.faces))
        token = page.next_token
        if token is None:
            break
    assert (listed, sizes) == (ids, [2, 2, 1])


def test_the_last_page_may_be_full(gallery: Gallery) -> None:
    for person in ("ann", "bob"):
        index(gallery, person)
    page = gallery.list_faces("staff", limit=2)
    assert (len(page.faces), page.next_token) == (2, None)


def test_a_deletion_names_the_faces_that_were_deleted_and_those_that_were_not(
    gallery: Gallery,
) -> None:
    gone, kept = index(gallery, "ann"), index(gallery, "bob")
    deletion = gallery.delete_faces("staff", [gone, UNKNOWN, gone])
    assert deletion.deleted == (gone,)
    (failure,) = deletion.failed
    assert (failure.face_id, failure.reason) == (UNKNOWN, DeletionFailureReason.FACE_NOT_FOUND)
    assert [face.record.face_id for face in gallery.list_faces("staff").faces] == [kept]


def test_a_deletion_is_not_said_to_be_a_second_one_since_time_has_passed(tmp_path: Path) -> None:
    collaborators = Collaborators.in_folder(tmp_path)
    times = count(collaborators.clock.now)
    collaborators.clock = lambda: float(next(times))
    gallery = collaborators.gallery()
    for _ in range(2):
        gallery.create_collection("guests")
        gallery.index("guests", fake_photo(fake_face("ann")))
        assert gallery.delete_collection("guests").created_before is None
