"""The face index of a collection lists every face of the jobs that it covers."""

from __future__ import annotations

import random

import pytest

from facerec.core.ids import PREFIX_BYTES
from facerec.jobs.ledger import collection_face_index
from facerec.jobs.ledger.collection_face_index import CollectionFaceIndex
from tests.support.memory_objects import MemoryObjects

ROOT = "s3://work/jobs/"


@pytest.fixture
def objects() -> MemoryObjects:
    objects = MemoryObjects()
    objects.write(f"{ROOT}remembered@staff/1.0/any", b"")
    return objects


def opened(objects: MemoryObjects) -> CollectionFaceIndex:
    return CollectionFaceIndex(objects, ROOT, "staff")


@pytest.mark.parametrize("seed", range(5))
def test_each_face_is_found_in_its_jobs_and_in_hardly_any_other(
    objects: MemoryObjects, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(collection_face_index, "MERGED_ENTRIES", 8)
    monkeypatch.setattr(collection_face_index, "MAX_ENTRIES", 2000)
    chance = random.Random(seed)
    shared = [chance.randbytes(PREFIX_BYTES) for _ in range(5)]
    jobs: dict[str, list[bytes]] = {}
    for number in range(60):
        faces = chance.choice([0, 1, 3, 30, 400])
        ids = [chance.randbytes(PREFIX_BYTES) for _ in range(faces)]
        jobs[f"job-{number}"] = [*ids, *chance.sample(shared, chance.randrange(3))]
        opened(objects).add({f"job-{number}": b"".join(jobs[f"job-{number}"])})
    index = opened(objects)
    everything = {face for ids in jobs.values() for face in ids}
    for face in [*shared, *chance.sample(sorted(everything), 40)]:
        may_name = index.may_name([face])
        assert {job for job in jobs if may_name(job)} == {j for j in jobs if face in jobs[j]}
        assert may_name("a job that is not covered")
    may_name = index.may_name(sorted(everything))
    assert all(may_name(job) == bool(ids) for job, ids in jobs.items())
    files = [uri for uri in objects.content if "/faces-" in uri]
    assert len(files) <= len(everything) / 1000 + 12


def test_a_process_that_loses_the_race_leaves_its_job_uncovered(objects: MemoryObjects) -> None:
    one, other = opened(objects), opened(objects)
    one.add({"first": bytes(PREFIX_BYTES)})
    other.add({"second": bytes(PREFIX_BYTES)})
    assert not opened(objects).covers("first")
    assert opened(objects).covers("second")
    reader = opened(objects)
    opened(objects).add({"third": bytes(PREFIX_BYTES)})
    may_name = reader.may_name([b"\1" * PREFIX_BYTES])
    assert [may_name(job) for job in ("first", "second", "third")] == [True, False, False]


def test_the_index_of_a_deleted_collection_is_not_written(objects: MemoryObjects) -> None:
    index = opened(objects)
    objects.delete(f"{ROOT}remembered@staff/1.0/any")
    index.add({"first": bytes(PREFIX_BYTES)})
    assert objects.content == {}
