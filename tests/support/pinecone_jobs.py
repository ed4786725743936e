"""Jobs of a deployment whose faces are in Pinecone, with the requests that they send to it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from facerec.jobs.child.attempt import ChildDependencies, run_child
from facerec.jobs.plan import Plan
from facerec.jobs.planning.children import IMAGES_PER_CHILD
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import read_job_request
from facerec.storage.faces import FaceStore
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.memory_objects import MemoryObjects
from tests.support.pinecone_server import API_KEY, PineconeServer

CHILDREN = 2
PHOTOS = CHILDREN * min(IMAGES_PER_CHILD)


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
                "images_per_child": PHOTOS // CHILDREN,
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
                if plan.new_collection:
                    faces.expect_empty("staff")
                of_child = ChildDependencies(self.engine, faces, self.records, self.objects)
                outcomes += run_child(plan, child, of_child).tally.outcomes
        return outcomes, plan, self.server.requests.copy()
