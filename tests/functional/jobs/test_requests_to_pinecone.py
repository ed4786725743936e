"""A job asks Pinecone for many photos at once, whether its collection is new or not."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from facerec.jobs.child.attempt import DEPLOYED_STEP
from facerec.jobs.outcomes import Outcome
from tests.support.pinecone_jobs import CHILDREN, PHOTOS, PineconeJobs
from tests.support.pinecone_server import PineconeServer

pytest.importorskip("pinecone")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[PineconeJobs]:
    with PineconeServer() as server:
        yield PineconeJobs(tmp_path, server)


def test_photos_of_an_existing_collection_cost_0_02_requests_each(jobs: PineconeJobs) -> None:
    jobs.run(jobs.photos("old", "somebody"))
    outcomes, plan, requests = jobs.run(jobs.photos("new", "another"))
    assert not plan.new_collection
    assert outcomes == {Outcome.INDEXED: PHOTOS}
    assert requests.total() / PHOTOS <= 0.02, requests
    assert len(jobs.server.namespaces["staff"]) == 2 * PHOTOS


@pytest.mark.long
def test_photos_that_are_indexed_already_cost_as_few_requests(jobs: PineconeJobs) -> None:
    jobs.run(jobs.photos("old", "somebody"), external_ids="none")
    outcomes, _, requests = jobs.run(jobs.photos("copies", "somebody"), external_ids="none")
    assert outcomes == {Outcome.ALREADY_INDEXED: PHOTOS}
    assert requests.total() / PHOTOS <= 0.02, requests


@pytest.mark.long
def test_other_options_replace_the_faces_of_a_step_together(jobs: PineconeJobs) -> None:
    source = jobs.photos("old", "somebody", faces=2)
    jobs.run(source)
    outcomes, _, requests = jobs.run(source, options={"max_faces": 1})
    assert outcomes == {Outcome.INDEXED: PHOTOS}
    assert requests.total() / PHOTOS <= 0.04, requests
    assert len(jobs.server.namespaces["staff"]) == PHOTOS


def test_a_step_is_one_upsert(jobs: PineconeJobs) -> None:
    _, _, requests = jobs.run(jobs.photos("new", "somebody", faces=2))
    steps = ceil(PHOTOS / CHILDREN / DEPLOYED_STEP.photos)
    assert requests["/vectors/upsert"] == CHILDREN * steps
