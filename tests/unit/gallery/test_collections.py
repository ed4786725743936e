import sqlite3
from pathlib import Path

import pytest

from facerec.core.records import User
from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    InvalidInputError,
    ModelMismatchError,
)
from facerec.gallery.collections import (
    create_collection,
    delete_collection,
    describe_collection,
    obtain_collection,
    require_collection,
)
from facerec.gallery.stored_faces import delete_faces, list_faces
from facerec.gallery.users import associate_faces
from facerec.testing.engine import fake_face, fake_photo
from tests.support.parts import FakeService


def create(service: FakeService, name: str, version: str = "fake-1") -> None:
    create_collection(name, model_version=version, now=5.0, records=service.store)


def test_a_collection_is_described_with_its_number_of_faces(service: FakeService) -> None:
    create(service, "staff")
    service.index(fake_photo(fake_face("ann"), fake_face("bob", left=0.5)))
    description = describe_collection("staff", records=service.store, faces=service.store)
    assert description.face_count == 2
    assert description.collection.model_version == "fake-1"
    assert description.collection.created_at == 5.0


def test_a_collection_cannot_be_created_twice_or_under_a_bad_name(service: FakeService) -> None:
    create(service, "staff")
    with pytest.raises(CollectionExistsError):
        create(service, "staff")
    with pytest.raises(InvalidInputError, match="'st/aff'"):
        create(service, "st/aff")


def test_a_collection_to_index_into_is_created_where_there_is_none(service: FakeService) -> None:
    first = obtain_collection("staff", model_version="fake-1", now=1.0, records=service.store)
    again = obtain_collection("staff", model_version="fake-1", now=2.0, records=service.store)
    assert first == again
    with pytest.raises(ModelMismatchError):
        obtain_collection("staff", model_version="fake-2", now=3.0, records=service.store)


def test_a_required_collection_must_exist_and_be_of_the_model(service: FakeService) -> None:
    with pytest.raises(CollectionNotFoundError):
        require_collection("staff", model_version="fake-1", records=service.store)
    create(service, "staff")
    require_collection("staff", model_version="fake-1", records=service.store)
    with pytest.raises(ModelMismatchError):
        require_collection("staff", model_version="fake-2", records=service.store)


def test_a_deleted_collection_leaves_no_faces_to_a_later_one(service: FakeService) -> None:
    service.index(fake_photo(fake_face("ann")))
    delete_collection("staff", records=service.store, faces=service.store)
    with pytest.raises(CollectionNotFoundError):
        describe_collection("staff", records=service.store, faces=service.store)
    create(service, "staff")
    description = describe_collection("staff", records=service.store, faces=service.store)
    assert description.face_count == 0


def test_a_deleted_collection_leaves_no_vectors_of_its_users(
    service: FakeService, tmp_path: Path
) -> None:
    (face,) = service.index(fake_photo(fake_face("ann")))
    service.store.create_user("staff", User("ann", created_at=1.0))
    associate_faces(
        service.store, service.store, "staff", "ann", [face.record.face_id], min_similarity=0.8
    )
    with sqlite3.connect(tmp_path / "facerec.db") as reader:
        count = "SELECT count(*) FROM face"
        assert reader.execute(count).fetchone() == (2,)
        delete_collection("staff", records=service.store, faces=service.store)
        assert reader.execute(count).fetchone() == (0,)


def test_an_unknown_collection_cannot_be_described_listed_or_deleted(
    service: FakeService,
) -> None:
    parts = {"records": service.store, "faces": service.store}
    with pytest.raises(CollectionNotFoundError):
        describe_collection("staff", **parts)
    with pytest.raises(CollectionNotFoundError):
        delete_collection("staff", **parts)
    with pytest.raises(CollectionNotFoundError):
        list_faces("staff", **parts)
    with pytest.raises(CollectionNotFoundError):
        delete_faces("staff", ["anything"], **parts)


def test_pages_of_faces_say_where_the_next_one_goes_on(service: FakeService) -> None:
    parts = {"records": service.store, "faces": service.store}
    ids = sorted(
        service.index(fake_photo(fake_face(f"person {n}")))[0].record.face_id for n in range(5)
    )
    first = list_faces("staff", limit=2, **parts)
    second = list_faces("staff", limit=2, after=first.next_after, **parts)
    third = list_faces("staff", limit=2, after=second.next_after, **parts)
    pages = (first, second, third)
    assert [record.face_id for page in pages for record in page.faces] == ids
    assert [page.next_after for page in pages] == [ids[1], ids[3], None]


def test_the_last_page_may_be_full(service: FakeService) -> None:
    for person in ("ann", "bob"):
        service.index(fake_photo(fake_face(person)))
    page = list_faces("staff", limit=2, records=service.store, faces=service.store)
    assert (len(page.faces), page.next_after) == (2, None)


def test_a_deletion_names_what_is_gone_and_what_was_not_there(service: FakeService) -> None:
    ((ann,), (bob,)) = (service.index(fake_photo(fake_face(name))) for name in ("ann", "bob"))
    gone, kept = ann.record.face_id, bob.record.face_id
    deletion = delete_faces(
        "staff", [gone, "nobody", gone], records=service.store, faces=service.store
    )
    assert (deletion.deleted, deletion.not_found) == ((gone,), ("nobody",))
    remaining = list_faces("staff", records=service.store, faces=service.store)
    assert [record.face_id for record in remaining.faces] == [kept]
