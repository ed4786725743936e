"""Executions that run at the same time: of one manifest, and of two with photos in common."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.ledger.report import read_report
from facerec.jobs.ledger.segments import read_segments
from facerec.jobs.plan import Plan, read_plan
from facerec.jobs.status import JobStatus
from facerec.storage.objects import Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.workflow.stack import BUCKET, Stack

PHOTOS = 90
PER_CHILD = 45
"""More than the photos after which a machine is reclaimed."""

Faces = Mapping[str, bytes]
"""Embeddings by face id."""

ACCIDENTS = [
    pytest.param({}, id="none", marks=pytest.mark.long),
    pytest.param({"killed": {(0, 1)}}, id="one kill"),
    pytest.param(
        {"killed": {(0, 1), (1, 1), (1, 2)}, "asked_to_stop": {(0, 2)}},
        id="kills and a stop",
        marks=pytest.mark.long,
    ),
]
"""What happens to attempts at the children of all executions; see ``Accidents``."""


def put_manifests(stack: Stack) -> tuple[str, str]:
    """Put two manifests into the bucket that have two thirds of their photos in common."""
    photos = [
        stack.put(
            f"photos/{number:03d}.jpg",
            fake_photo(
                fake_face(f"p{number}-0", left=0.0, width=0.3),
                fake_face(f"p{number}-1", left=0.5, width=0.2),
            ),
        )
        for number in range(PHOTOS * 4 // 3)
    ]
    first, second = photos[:PHOTOS], photos[-PHOTOS:][::-1]
    return put_lines(stack, "first", first), put_lines(stack, "second", second)


def put_lines(stack: Stack, name: str, photos: Sequence[str]) -> str:
    lines = "".join(json.dumps({"image": photo}) + "\n" for photo in photos)
    return stack.put(f"{name}.jsonl", lines.encode())


def index_at_once(stack: Stack, *manifests: str) -> None:
    """Start an execution per manifest; their children start at the same time."""
    together = threading.Barrier(len(manifests))

    def wait(child: int, attempt: int) -> None:
        if attempt == 1:
            with suppress(threading.BrokenBarrierError):  # the others may have nothing to do
                together.wait(timeout=5)

    stack.accidents.before = wait
    with ThreadPoolExecutor(len(manifests)) as pool:
        ended = list(
            pool.map(lambda manifest: stack.index(manifest, images_per_child=PER_CHILD), manifests)
        )
    assert [each.status for each in ended] == ["SUCCEEDED"] * len(manifests), [
        each.cause for each in ended
    ]


def faces_of(stack: Stack) -> Faces:
    with SqliteStore(stack.store) as store:
        stored = store.get_faces("staff", stack.face_ids())
    return {face.record.face_id: face.embedding.tobytes() for face in stored}


def plans_of(stack: Stack) -> list[Plan]:
    names = [key.removesuffix("plan.json") for key in stack.keys("jobs/") if "plan.json" in key]
    return [read_plan(Objects(), f"s3://{BUCKET}/{name}") for name in names]


def check_job(stack: Stack, plan: Plan, lines: int) -> tuple[set[str], set[str]]:
    """Check what a job has left; return the faces of its ledger, and those of its embeddings."""
    objects = Objects()
    segments = [
        each
        for child in range(plan.children)
        for each in read_segments(objects, plan.job_folder, child)
    ]
    rows = [row for segment in segments for row in segment.rows]
    report = read_report(objects, plan.job_folder)
    # One row per line, and the report equals the ledger.
    assert len({(row.child, row.line_in_slice) for row in rows}) == len(rows) == lines
    assert report.status is JobStatus.SUCCEEDED
    assert report.tally.photos == lines
    assert report.tally.outcomes == Counter(row.outcome.value for row in rows)
    # No file of embeddings without a row. Those of faces that the other job has stored are there.
    named = {segment.embeddings for segment in segments if segment.embeddings}
    folder = plan.job_folder.removeprefix(f"s3://{BUCKET}/")
    assert {key.removeprefix(folder) for key in stack.keys(f"{folder}embeddings/")} == named
    kept = {
        face.record.face_id
        for name in named
        for face in read_embeddings(objects, plan.job_folder + name)
    }
    acknowledged = {face.face_id for row in rows for face in row.faces}
    assert kept <= acknowledged
    return acknowledged, kept


def check_all(stack: Stack, undisturbed: Faces, jobs: int) -> None:
    plans = plans_of(stack)
    assert len(plans) == jobs
    left = [check_job(stack, plan, PHOTOS) for plan in plans]
    # The faces of an undisturbed run, id for id; no vector without a row and its embedding.
    for ids in zip(*left, strict=True):
        assert set().union(*ids) == undisturbed.keys()
    assert faces_of(stack) == undisturbed


def with_accidents(stack: Stack, accidents: Mapping[str, Any]) -> None:
    for name, places in accidents.items():
        setattr(stack.accidents, name, places)


@pytest.mark.parametrize("accidents", ACCIDENTS)
def test_overlapping_executions_of_a_manifest_end_as_one(
    stack: Stack, accidents: Mapping[str, Any]
) -> None:
    first, _ = put_manifests(stack)
    index_at_once(stack, first)
    undisturbed = faces_of(stack)
    assert len(undisturbed) == 2 * PHOTOS
    stack.forget()
    with_accidents(stack, accidents)
    index_at_once(stack, first, first)
    check_all(stack, undisturbed, jobs=1)
    index_at_once(stack, first)
    check_all(stack, undisturbed, jobs=1)


@pytest.mark.parametrize("accidents", ACCIDENTS)
def test_overlapping_executions_with_photos_in_common_end_as_one_after_the_other(
    stack: Stack, accidents: Mapping[str, Any]
) -> None:
    first, second = put_manifests(stack)
    for manifest in (first, second):
        index_at_once(stack, manifest)
    undisturbed = faces_of(stack)
    assert len(undisturbed) == 2 * PHOTOS * 4 // 3
    stack.forget()
    with_accidents(stack, accidents)
    index_at_once(stack, first, second)
    check_all(stack, undisturbed, jobs=2)
