"""A job asks Pinecone for many photos at once, whether its collection is new or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.jobs.child.attempt import DEPLOYED_STEP, ChildDependencies, run_child
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import read_job_request
from facerec.storage.faces import FaceStore
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.memory_objects import MemoryObjects
from tests.support.pinecone_server import API_KEY, PineconeServer

pytest.importorskip("pinecone")

PHOTOS = 4 * DEPLOYED_STEP.photos


class PineconeJobs:
    """Jobs of a deployment whose faces are in Pinecone."""

    def __init__(self, folder: Path, server: PineconeServer) -> None:
        self.objects, self.engine = MemoryObjects(), FakeEngine()
        self.records, self.server = SqliteStore(folder / "records.sqlite"), server

    def photos(self, prefix: str, people: str, faces: int = 1) -> str:
        for number in range(PHOTOS):
            shown = (
                fake_face(f"{people} {number} {place}", left=0.3 * place) for place in range(faces)
            )
            self.objects.write(f"s3://photos/{prefix}/{number:04}.jpg", fake_photo(*shown))
        return f"s3://photos/{prefix}/"

    def run(self, manifest: str, **settings: object) -> tuple[Counter[str], Plan, Counter[str]]:
        """Run a job; return its outcomes, its plan, and its requests to Pinecone by path."""
        from facerec.storage.pinecone import open_pinecone_vectors

        request = read_job_request(
            {
                "collection_id": "staff",
                "manifest": manifest,
                "create_collection": True,
                "images_per_child": PHOTOS // 2,
                **settings,
            }
        )
        plan = plan_job(
            request, self.objects, self.records, jobs_root="s3://work/jobs/", model_version="fake-1"
        )
        self.server.requests.clear()
        outcomes: Counter[str] = Counter()
        for child in range(plan.children):
            with FaceStore(open_pinecone_vectors(API_KEY, host=self.server.host)) as faces:
                of_child = ChildDependencies(self.engine, faces, self.records, self.objects)
                outcomes += run_child(plan, child, of_child).tally.outcomes
        return outcomes, plan, self.server.requests.copy()


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


def test_photos_that_are_indexed_already_cost_as_few_requests(jobs: PineconeJobs) -> None:
    jobs.run(jobs.photos("old", "somebody"), external_ids="none")
    outcomes, _, requests = jobs.run(jobs.photos("copies", "somebody"), external_ids="none")
    assert outcomes == {Outcome.ALREADY_INDEXED: PHOTOS}
    assert requests.total() / PHOTOS <= 0.02, requests


def test_other_options_replace_the_faces_of_a_step_together(jobs: PineconeJobs) -> None:
    source = jobs.photos("old", "somebody", faces=2)
    jobs.run(source)
    outcomes, _, requests = jobs.run(source, options={"max_faces": 1})
    assert outcomes == {Outcome.INDEXED: PHOTOS}
    assert requests.total() / PHOTOS <= 0.04, requests
    assert len(jobs.server.namespaces["staff"]) == PHOTOS


def test_a_step_is_one_upsert(jobs: PineconeJobs) -> None:
    _, _, requests = jobs.run(jobs.photos("new", "somebody", faces=2))
    assert requests["/vectors/upsert"] == PHOTOS // DEPLOYED_STEP.photos
