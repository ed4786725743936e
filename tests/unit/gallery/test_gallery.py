from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from facerec.errors import CollectionNotFoundError, ModelMismatchError
from facerec.gallery.gallery import Gallery
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine


class RecordedJobData:
    """Remembers what a gallery asks job data to forget."""

    def __init__(self) -> None:
        self.forgotten: list[object] = []

    def forget_faces(self, collection_id: str, face_ids: Sequence[str]) -> None:
        self.forgotten.append((collection_id, list(face_ids)))

    def forget_collection(self, collection_id: str) -> None:
        self.forgotten.append(collection_id)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "facerec.db") as store:
        yield store


@pytest.fixture
def job_data() -> RecordedJobData:
    return RecordedJobData()


@pytest.fixture
def gallery(store: SqliteStore, job_data: RecordedJobData) -> Gallery:
    return open_gallery(store, job_data)


def open_gallery(
    store: SqliteStore, job_data: RecordedJobData, model_version: str = "fake-1"
) -> Gallery:
    seconds = itertools.count(1_700_000_000)
    return Gallery(
        FakeEngine(model_version),
        store,
        store,
        photos=LocalObjects(),
        job_data=job_data,
        clock=lambda: float(next(seconds)),
    )


def test_a_collection_is_prepared_by_creating_it_once(gallery: Gallery) -> None:
    first = gallery.prepare_collection("staff", create=True)
    again = gallery.prepare_collection("staff", create=True)
    assert (first.created, again.created) == (True, False)
    assert first.collection == again.collection


def test_a_missing_collection_is_created_only_if_asked_for(gallery: Gallery) -> None:
    with pytest.raises(CollectionNotFoundError):
        gallery.prepare_collection("staff", create=False)


def test_a_collection_of_another_model_is_not_prepared(
    gallery: Gallery, store: SqliteStore, job_data: RecordedJobData
) -> None:
    gallery.create_collection("staff")
    with pytest.raises(ModelMismatchError):
        open_gallery(store, job_data, "fake-2").prepare_collection("staff", create=True)


def test_a_collection_created_again_is_told_from_the_deleted_one(gallery: Gallery) -> None:
    first = gallery.prepare_collection("staff", create=True).collection
    gallery.delete_collection("staff")
    again = gallery.prepare_collection("staff", create=True)
    assert again.created
    assert again.collection.created_at != first.created_at


def test_deleting_a_collection_deletes_what_its_jobs_keep(
    gallery: Gallery, job_data: RecordedJobData
) -> None:
    gallery.create_collection("staff", tags={"team": "red"})
    gallery.delete_collection("staff")
    assert job_data.forgotten == ["staff"]
    with pytest.raises(CollectionNotFoundError):
        gallery.describe_collection("staff")
