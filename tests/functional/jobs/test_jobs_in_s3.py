"""The same job where manifest, photos and job folder are S3 objects."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import boto3
import pytest
from moto import mock_aws

from facerec.core.erasures import Selection
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.records import FaceRecord
from facerec.errors import (
    AccessDeniedError,
    KeyDeniedError,
    ObjectArchivedError,
    ObjectChangedError,
    OtherRegionError,
    RequesterPaysError,
)
from facerec.estimate import costs
from facerec.jobs.child.attempt import DEPLOYED_STEP, ChildDependencies, run_child
from facerec.jobs.erasing.collection_erasure import erase_collection, erase_faces
from facerec.jobs.ledger.reading import iterate_rows
from facerec.jobs.ledger.report import Report, write_report
from facerec.jobs.ledger.segments import list_segments
from facerec.jobs.manifest.source import SourceKind
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan, read_plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import read_job_request
from facerec.jobs.start_order import read_start
from facerec.jobs.status import JobStatus
from facerec.storage.objects.protocol import ObjectInfo
from facerec.storage.objects.s3 import S3Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo

ROOT = "s3://work/jobs/"


class S3Job:
    """A bucket of photos, and what runs jobs on them."""

    def __init__(self, tmp_path: Path) -> None:
        self.client = boto3.client("s3", region_name="us-east-1")
        for bucket in ("photos", "work"):
            self.client.create_bucket(Bucket=bucket)
        self.objects = S3Objects(self.client)
        self.faces = SqliteStore(tmp_path / "store.sqlite")
        self.engine = FakeEngine()

    def photo(self, key: str, person: str) -> str:
        self.objects.write(f"s3://photos/{key}", fake_photo(fake_face(person)))
        return f"s3://photos/{key}"

    def plan(self, manifest: str, **settings: object) -> Plan:
        job = read_job_request(
            {
                "collection_id": "staff",
                "manifest": manifest,
                "create_collection": True,
                **settings,
            }
        )
        return plan_job(job, self.objects, self.faces, jobs_root=ROOT, model_version="fake-1")

    def run(self, plan: Plan) -> Report:
        # As on AWS: each process has the plan from its folder.
        planned = read_plan(self.objects, plan.job_folder)
        for child in range(planned.children):
            run_child(planned, child, self.dependencies())
        return write_report(planned, self.objects, tolerated_failure_percentage=9)

    def dependencies(self) -> ChildDependencies:
        return ChildDependencies(self.engine, self.faces, self.faces, self.objects)

    def photos(self, prefix: str, count: int, people: str = "somebody") -> str:
        for number in range(count):
            self.photo(f"{prefix}/{number:04d}.jpg", f"{people} {number}")
        return f"s3://photos/{prefix}/"

    @contextmanager
    def requests(self) -> Iterator[Counter[str]]:
        """Count the requests of the block by the name of their operation."""
        counted: Counter[str] = Counter()

        def count(model: Any, **_: Any) -> None:  # noqa: ANN401
            counted[model.name] += 1

        self.client.meta.events.register("before-call.s3", count)
        yield counted
        self.client.meta.events.unregister("before-call.s3", count)

    def requests_of_child(self, plan: Plan) -> Counter[str]:
        """Return the requests of a job's only child, as its container sends them."""
        with self.requests() as counted:
            planned = read_plan(self.objects, plan.job_folder)
            if planned.new_collection:
                read_start(self.objects, planned)
            run_child(planned, 0, self.dependencies())
        return counted


class MeetingObjects(S3Objects):
    """Answers the first request for each of some objects once all of them have been sent.

    Attributes:
        expected: Addresses that were not requested yet.
    """

    def __init__(self, client: Any, *groups: set[str]) -> None:  # noqa: ANN401
        super().__init__(client)
        self.expected = {
            uri: barrier
            for group, barrier in [(group, Barrier(len(group), timeout=60)) for group in groups]
            for uri in group
        }

    def _meet(self, uri: str) -> None:
        if (barrier := self.expected.pop(uri, None)) is not None:
            barrier.wait()

    def read(self, uri: str, **options: Any) -> bytes:  # noqa: ANN401
        self._meet(uri)
        return super().read(uri, **options)

    def fetch(self, uri: str, **options: Any) -> tuple[bytes, ObjectInfo]:  # noqa: ANN401
        self._meet(uri)
        return super().fetch(uri, **options)

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        self._meet(uri)
        return super().write(uri, content, if_absent=if_absent)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        self._meet(prefix)
        return super().list(prefix, after=after)


class InterruptedObjects(S3Objects):
    """Lets somebody else act once, just before its n-th change of an object that it has read."""

    def __init__(self, client: Any, moment: int, act: Callable[[], int]) -> None:  # noqa: ANN401
        super().__init__(client)
        self.left, self.act = moment, act
        self.results: list[int] = []

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        self.left -= 1
        if self.left == -1:
            self.results.append(self.act())
        return super().replace(uri, content, version=version)


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Job]:
    """A mocked S3 with two buckets."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield S3Job(tmp_path)


def test_a_manifest_in_s3_is_indexed_whole(s3: S3Job) -> None:
    lines: list[dict[str, Any]] = [
        {"image": s3.photo(f"{number}.jpg", f"p{number}"), "external_image_id": f"p{number}"}
        for number in range(40)
    ]
    lines[7:7] = [
        {"image": "s3://photos/missing.jpg"},
        {"image": "s3://no-such-bucket/a.jpg"},
        {"image": "/etc/hostname"},
        {"image": "beside.jpg"},
    ]
    s3.objects.write("s3://photos/lists/beside.jpg", fake_photo(fake_face("zoe")))
    text = "\n".join(json.dumps(line) for line in lines).encode()
    s3.objects.write("s3://photos/lists/all.jsonl", text)
    plan = s3.plan("s3://photos/lists/all.jsonl", images_per_child=15)
    assert plan.children == 3
    report = s3.run(plan)
    assert report.status is JobStatus.SUCCEEDED
    assert report.tally.outcomes == {
        Outcome.INDEXED: 41,
        Outcome.NOT_FOUND: 2,
        Outcome.MALFORMED_LINE: 1,
    }
    assert [row.manifest_line for row in iterate_rows(plan, s3.objects)] == list(range(1, 45))
    assert [row.manifest_line for row in report.tally.failures] == [8, 9, 10]
    assert s3.faces.count_faces("staff") == 41
    assert s3.plan("s3://photos/lists/all.jsonl", images_per_child=15) == plan

    ids = [face.face_id for face in s3.faces.list_faces("staff")]
    (erased,) = erase_faces(s3.objects, ROOT, "staff", Selection(frozenset(ids[:5])))
    assert erased.embeddings == 5
    assert len(erase_collection(s3.objects, ROOT, "staff")) == 1
    assert list(s3.objects.list("s3://work/")) == []


def erase_photo(objects: S3Objects, collection_id: str, face: FaceRecord) -> int:
    """Erase the photo of a face from job folders, and return the number of embeddings."""
    chosen = Selection(frozenset([face.face_id]), photos=frozenset([face.source]))
    return sum(job.embeddings for job in erase_faces(objects, ROOT, collection_id, chosen))


def test_two_photos_that_are_erased_at_the_same_moment_are_in_no_job_folder(s3: S3Job) -> None:
    for moment in itertools.count():
        collection_id, name = f"staff-{moment}", f"group-{moment}"
        plan = s3.plan(s3.photos(name, 4, name), collection_id=collection_id)
        s3.run(plan)
        first, second, *others = sorted(
            s3.faces.list_faces(collection_id), key=attrgetter("source")
        )
        erased = s3.faces.get_faces(collection_id, [first.face_id, second.face_id])
        erase_second = partial(erase_photo, s3.objects, collection_id, second)
        objects = InterruptedObjects(s3.client, moment, erase_second)
        assert erase_photo(objects, collection_id, first) == 1
        if not objects.results:
            break
        assert objects.results == [1]
        kept = [s3.objects.read(found.uri) for found in s3.objects.list("s3://work/")]
        for face in erased:
            assert not any(face.record.source.encode() in content for content in kept), moment
            assert not any(face.embedding.tobytes() in content for content in kept), moment
        assert all(any(face.source.encode() in content for content in kept) for face in others)
        planned = read_plan(s3.objects, plan.job_folder)
        assert planned.source.version == s3.objects.head(planned.source.uri).version
    assert moment >= 4


def test_a_prefix_is_listed_into_a_manifest_of_the_job(s3: S3Job) -> None:
    for key in ("people/ann/1.jpg", "people/ann/2.jpg", "people/bob.jpg", "other/x.jpg"):
        s3.photo(key, key)
    for key in ("people/", "people/.hidden/4.jpg"):
        s3.objects.write(f"s3://photos/{key}", b"")
    plan = s3.plan("s3://photos/people/")
    assert plan.source.uri.startswith(plan.job_folder)
    s3.run(plan)
    rows = list(iterate_rows(plan, s3.objects))
    assert [row.external_image_id for row in rows] == ["ann:1.jpg", "ann:2.jpg", "bob.jpg"]


def test_an_inventory_gives_each_child_a_share_of_its_files(s3: S3Job) -> None:
    files = []
    for number in range(3):
        rows = []
        for place in range(20):
            uri = s3.photo(f"all/a+b {number}-{place}.jpg", f"{number}-{place}")
            key = uri.removeprefix("s3://photos/").replace("+", "%2B").replace(" ", "+")
            rows.append(f'"photos","{key}","","true","false","100"')
        rows.append('"photos","all/","","true","false","0"')
        rows.append('"photos","all/old.jpg","v1","false","false","100"')
        rows.append('"photos","all/gone.jpg","v1","true","true","0"')
        content = gzip.compress("".join(f"{row}\n" for row in rows).encode())
        s3.client.put_object(Bucket="work", Key=f"inventory/data/{number}.csv.gz", Body=content)
        files.append({"key": f"inventory/data/{number}.csv.gz", "size": len(content)})
    inventory = {
        "sourceBucket": "photos",
        "destinationBucket": "arn:aws:s3:::work",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size",
        "files": files,
    }
    s3.objects.write("s3://work/inventory/manifest.json", json.dumps(inventory).encode())
    plan = s3.plan("s3://work/inventory/manifest.json", images_per_child=12)
    assert plan.source.kind is SourceKind.INVENTORY
    assert plan.stripes == 2
    assert plan.children == 6
    report = s3.run(plan)
    assert report.tally.outcomes == {Outcome.INDEXED: 60, Outcome.SKIPPED: 9}
    rows_read = list(iterate_rows(plan, s3.objects))
    assert [row.manifest_line for row in rows_read] == list(range(1, 70))
    indexed = [row.photo for row in rows_read if row.outcome is Outcome.INDEXED]
    assert indexed == [
        f"s3://photos/all/a+b {number}-{place}.jpg" for number in range(3) for place in range(20)
    ]


def test_a_manifest_that_changed_since_planning_is_refused(s3: S3Job) -> None:
    s3.objects.write("s3://photos/list.txt", s3.photo("a.jpg", "ann").encode())
    plan = s3.plan("s3://photos/list.txt")
    s3.objects.write("s3://photos/list.txt", s3.photo("b.jpg", "bob").encode())
    with pytest.raises(ObjectChangedError):
        s3.run(plan)


def test_unreadable_photos_are_rows_and_an_unreadable_manifest_is_an_error(s3: S3Job) -> None:
    fetch = s3.objects.fetch

    def denied(uri: str, **settings: Any) -> tuple[bytes, ObjectInfo]:  # noqa: ANN401
        if (error := errors.get(uri.rpartition("/")[2])) is not None:
            raise error(uri)
        return fetch(uri, **settings)

    errors = {
        "secret.jpg": AccessDeniedError,
        "old.jpg": ObjectArchivedError,
        "sealed.jpg": KeyDeniedError,
        "dear.jpg": RequesterPaysError,
        "far.jpg": OtherRegionError,
    }
    names = {**dict.fromkeys(errors, "ann"), "b.jpg": "bob"}
    lines = [s3.photo(name, person) for name, person in names.items()]
    s3.objects.write("s3://photos/list.txt", "\n".join(lines).encode())
    plan = s3.plan("s3://photos/list.txt")
    s3.objects.fetch = denied  # type: ignore[method-assign]
    s3.run(plan)
    outcomes = Counter(row.outcome for row in iterate_rows(plan, s3.objects))
    assert outcomes == {
        Outcome.ACCESS_DENIED: 1,
        Outcome.ARCHIVED: 1,
        Outcome.KEY_DENIED: 1,
        Outcome.REQUESTER_PAYS: 1,
        Outcome.OTHER_REGION: 1,
        Outcome.INDEXED: 1,
    }


def test_plan_and_report_need_neither_numpy_nor_an_engine() -> None:
    script = """
import sys
for name in ("numpy", "dlib", "onnx", "onnxruntime", "PIL", "boto3", "pinecone", "click", "rich"):
    sys.modules[name] = None
import facerec.jobs.planning.planner, facerec.jobs.ledger.report
import facerec.jobs.ledger.reading, facerec.jobs.folders
import facerec.storage.objects
from facerec.core.schemas import violation
assert violation("manifest-line", {"image": "a"}) is None
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


STEPS = 2
PHOTOS_PER_STEP = DEPLOYED_STEP.photos


@pytest.fixture
def photos(s3: S3Job) -> str:
    """The prefix of the photos of two steps."""
    return s3.photos("new", STEPS * PHOTOS_PER_STEP)


def test_a_child_sends_the_requests_that_estimates_count(s3: S3Job, photos: str) -> None:
    plan = s3.plan(photos)
    counted = s3.requests_of_child(plan)
    with s3.requests() as reported:
        write_report(plan, s3.objects, tolerated_failure_percentage=9)
    of_child = 2
    # The others are the start, the removal and the enrolled people of the job.
    assert reported["GetObject"] == of_child + 3

    gets = costs.GET_REQUESTS_PER_STEP * STEPS + costs.GET_REQUESTS_PER_CHILD
    puts = costs.PUT_REQUESTS_PER_STEP * STEPS + costs.PUT_REQUESTS_PER_CHILD
    assert counted["GetObject"] + of_child == STEPS * PHOTOS_PER_STEP + gets
    assert counted["PutObject"] + counted["ListObjectsV2"] == puts
    assert set(counted) == {"GetObject", "PutObject", "ListObjectsV2"}


def test_new_photos_of_an_existing_collection_cost_no_more_requests(s3: S3Job, photos: str) -> None:
    s3.run(s3.plan(s3.photos("old", 3, "another")))
    plan = s3.plan(photos)
    counted = s3.requests_of_child(plan)
    assert not plan.new_collection
    assert counted == {
        "GetObject": STEPS * (PHOTOS_PER_STEP + 2) + 6,
        "PutObject": STEPS * 2 + 4,
        "ListObjectsV2": 4,
    }


def test_copies_of_stored_photos_cost_two_requests_each_for_the_first_address(
    s3: S3Job, photos: str
) -> None:
    s3.run(s3.plan(photos))
    counted = s3.requests_of_child(s3.plan(s3.photos("copies", STEPS * PHOTOS_PER_STEP)))
    assert counted == {
        # The photo at the first address is read too: it may have been exchanged for another one.
        "GetObject": STEPS * (2 * PHOTOS_PER_STEP + 2) + 6,
        "HeadObject": STEPS * PHOTOS_PER_STEP,
        # No embeddings are written, but earlier attempts at the child may have left some. They are
        # listed for each look-up, of which the first step has two.
        "PutObject": STEPS + 4,
        "ListObjectsV2": STEPS + 1 + 4,
    }


def test_a_child_sends_its_first_and_last_requests_at_the_same_time(s3: S3Job, photos: str) -> None:
    plan = s3.plan(photos)
    names = (
        {"children/0000000.json", "ledger/0000000/", "crashes/0000000/"},
        {"embeddings/0000000/", "index/0000000", "remembered/0000000"},
    )
    groups = [{plan.job_folder + name for name in group} for group in names]
    noted = {f"{plan.job_folder}runs/0000001/0000000.json", f"{photos}0000.jpg"}
    s3.objects = MeetingObjects(s3.client, *groups, noted)
    assert s3.run(plan).status is JobStatus.SUCCEEDED
    assert not s3.objects.expected


def test_a_child_processes_its_first_photos_before_it_has_read_a_step(
    s3: S3Job, photos: str
) -> None:
    last = f"{photos}{PHOTOS_PER_STEP - 1:04d}.jpg"
    analysing = Event()

    class WaitingObjects(S3Objects):
        def fetch(self, uri: str, **options: Any) -> tuple[bytes, ObjectInfo]:  # noqa: ANN401
            assert uri != last or analysing.wait(60), "the step was read before"
            return super().fetch(uri, **options)

    class NotingEngine(FakeEngine):
        def analyse(
            self, photos: Sequence[bytes], options: FaceOptions
        ) -> list[PhotoFaces | UnreadablePhoto]:
            analysing.set()
            return super().analyse(photos, options)

    s3.engine, s3.objects = NotingEngine(), WaitingObjects(s3.client)
    plan = s3.plan(photos)
    assert s3.run(plan).status is JobStatus.SUCCEEDED
    assert len(list_segments(s3.objects, plan.job_folder, 0)) == STEPS


def test_photos_that_occur_again_in_the_first_step_are_indexed_once(s3: S3Job) -> None:
    number = DEPLOYED_STEP.first_photos + 1
    listed = [s3.photo(f"{each % number:03d}.jpg", f"p{each % number}") for each in range(100)]
    s3.objects.write("s3://work/photos.txt", "".join(f"{uri}\n" for uri in listed).encode())
    report = s3.run(s3.plan("s3://work/photos.txt"))
    assert report.tally.outcomes == {
        Outcome.INDEXED: number,
        Outcome.ALREADY_INDEXED: len(listed) - number,
    }
    assert s3.faces.count_faces("staff") == number
