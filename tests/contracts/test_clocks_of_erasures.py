"""Erasures whose clock is slow or fast, compared with the clock that stored what they erase.

An erasure concerns the collection that it was requested for, and all of it, whatever the clocks of
the machines say. A later collection with the same id is another one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import pytest

from facerec.core.erasures import ErasureStatus, SubjectKind
from facerec.errors import CollectionNotFoundError, ConflictError, StoreUnavailableError
from facerec.gallery.gallery import Gallery
from facerec.gallery.receipts import Erasures
from facerec.jobs.child.attempt import ChildDependencies, run_child
from facerec.jobs.erasing.lost_erasures import remove_returned
from facerec.jobs.job_data import JobFolders
from facerec.jobs.ledger.report import write_report
from facerec.jobs.plan import Plan
from facerec.jobs.planning.planner import plan_job
from facerec.storage.dynamodb.store import DynamoDBStore
from facerec.storage.objects import Objects
from facerec.testing.engine import fake_face, fake_photo
from tests.support.deployments import ON_ONE_MACHINE, Deployment, open_deployment
from tests.support.jobs import job_input
from tests.support.long import mostly_long_rows
from tests.workflow.test_lost_stores import copy

HOUR, DAY = 3600.0, 86_400.0

NAMES = ("ann", "bob")

offsets = pytest.mark.parametrize("offset", [-HOUR, HOUR], ids=["slow", "fast"])


@dataclass
class Staff:
    """The collection ``staff``, indexed by jobs from a folder of photos."""

    deployment: Deployment
    folder: Path

    def gallery(self, offset: float = 0.0, erasures: Erasures | None = None) -> Gallery:
        """Return a gallery of a process whose clock is wrong by some seconds."""
        own = replace(
            self.deployment.collaborators,
            job_data=JobFolders(Objects(), self.jobs_root),
            erasures=erasures or self.erasures(),
            clock=lambda: time.time() + offset,
        )
        return own.gallery()

    @property
    def jobs_root(self) -> str:
        return f"{self.folder}/jobs/"

    def erasures(self) -> Erasures:
        return Erasures(Objects(), f"{self.folder}/erasures/")

    def interrupted(self, offset: float) -> Gallery:
        """Return a gallery whose erasures end before they change a job folder, as on a stack."""

        def interrupt(erasure_id: str) -> None:
            raise StoreUnavailableError(f"{erasure_id} was interrupted")

        return self.gallery(offset, replace(self.erasures(), start=interrupt))

    def run_job(self) -> Plan:
        """Index the folder of photos, which becomes a job of its own in each collection."""
        own, objects = self.deployment.collaborators, Objects()
        plan = plan_job(
            job_input(self.folder / "photos", external_ids="path"),
            objects,
            own.records,
            jobs_root=self.jobs_root,
            model_version=own.engine.model_version,
            erasures=self.erasures(),
        )
        for child in range(plan.children):
            run_child(plan, child, ChildDependencies(own.engine, own.faces, own.records, objects))
        write_report(plan, objects, tolerated_failure_percentage=100)
        return plan

    def faces(self) -> dict[str, str]:
        """Return the ids of the stored faces by the name of their photo."""
        found = self.gallery().list_faces("staff").faces
        return {Path(face.record.source).stem: face.record.face_id for face in found}

    def traces(self, name: str) -> list[str]:
        """Return the files and the items of the database that contain a name."""
        files = [each for each in self.folder.rglob("*") if each.is_file()]
        found = [
            str(each.relative_to(self.folder))
            for each in files
            if each.parent.name != "photos" and name.encode() in each.read_bytes()
        ]
        if isinstance(self.deployment.collaborators.records, DynamoDBStore):
            client = boto3.client("dynamodb", region_name="eu-west-1")
            items = client.scan(TableName="facerec")["Items"]
            found += [str(item["pk"]) for item in items if name in str(item)]
        return found


@pytest.fixture
def staff(deployment: Deployment, tmp_path: Path) -> Staff:
    """A collection of two photos, with the person Ann Lee."""
    return indexed(deployment, tmp_path)


def indexed(deployment: Deployment, tmp_path: Path) -> Staff:
    """Index a collection of two photos, and create the person Ann Lee."""
    staff = Staff(deployment, tmp_path)
    (tmp_path / "photos").mkdir()
    for name in NAMES:
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(fake_photo(fake_face(name)))
    staff.run_job()
    gallery = staff.gallery()
    gallery.create_user("staff", "p-1", name="Ann Lee")
    gallery.associate_faces("staff", "p-1", [staff.faces()["ann"]], min_similarity=0.0)
    return staff


def erase(staff: Staff, subject: SubjectKind, offset: float) -> None:
    """Erase Ann, in one way, with a clock that is wrong."""
    named = {
        SubjectKind.FACE: staff.faces()["ann"],
        SubjectKind.PHOTO: str(staff.folder / "photos" / "ann.jpg"),
        SubjectKind.EXTERNAL_ID: "ann.jpg",
        SubjectKind.USER: "p-1",
    }
    receipt = staff.gallery(offset).erase("staff", subject, named[subject])
    assert (receipt.status, receipt.faces) == (ErasureStatus.DONE, 1)


@offsets
@pytest.mark.parametrize(
    ("subject", "name"),
    mostly_long_rows(
        [
            (SubjectKind.FACE, None),
            (SubjectKind.PHOTO, "ann.jpg"),
            (SubjectKind.USER, "Ann Lee"),
            (SubjectKind.EXTERNAL_ID, "ann.jpg"),
        ],
        2,
    ),
)
def test_an_erasure_erases_the_same_whatever_its_clock_says(
    staff: Staff, subject: SubjectKind, name: str | None, offset: float
) -> None:
    erase(staff, subject, offset)
    assert staff.faces().keys() == {"bob"}
    assert staff.run_job().children
    assert staff.faces().keys() == {"bob"}
    assert name is None or staff.traces(name) == []
    assert staff.gallery().resume_erasures(older_than=0) == []


@offsets
def test_a_collection_is_deleted_with_everything_whatever_the_clock_says(
    staff: Staff, offset: float
) -> None:
    receipt = staff.gallery(offset).delete_collection("staff")
    assert (receipt.status, receipt.faces, receipt.users) == (ErasureStatus.DONE, 2, 1)
    assert len(receipt.jobs) == 1
    assert [staff.traces(name) for name in ("ann.jpg", "bob.jpg", "Ann Lee")] == [[], [], []]
    assert list(staff.gallery().all_collections()) == []
    # The collection is a new one, and no older copy of the deleted one.
    staff.run_job()
    assert staff.faces().keys() == set(NAMES)
    assert staff.gallery().list_users("staff").users == ()


@offsets
def test_a_pending_deletion_deletes_no_later_collection_of_the_name(
    staff: Staff, offset: float
) -> None:
    with pytest.raises(StoreUnavailableError):
        staff.interrupted(offset).delete_collection("staff")
    with pytest.raises(CollectionNotFoundError):
        staff.gallery().describe_collection("staff")
    # This one is created with a clock that is slower than the one of the deleted collection.
    created = staff.gallery(-2 * HOUR).create_collection("staff")
    assert staff.gallery().describe_collection("staff").deletion_id is None
    later = staff.run_job()
    assert later.collection_created_at == created.created_at
    staff.gallery().create_user("staff", "p-2", name="Zoe")
    (receipt,) = staff.gallery().resume_erasures(older_than=0)
    assert receipt.status is ErasureStatus.DONE
    assert [job.job_id for job in receipt.jobs] != [later.job_id]
    assert len(receipt.jobs) == 1
    assert staff.faces().keys() == set(NAMES)
    assert [user.user_id for user in staff.gallery().list_users("staff").users] == ["p-2"]
    assert [each.name for each in Path(staff.jobs_root).glob("staff-*")] == [later.job_id]
    assert staff.run_job() == later


def test_nothing_is_added_to_a_collection_whose_deletion_has_a_slow_clock(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> None:
        raise StoreUnavailableError("the folder of jobs does not answer")

    with monkeypatch.context() as patch, pytest.raises(StoreUnavailableError):
        patch.setattr(JobFolders, "forget", unavailable)
        staff.gallery(-HOUR).delete_collection("staff")
    with pytest.raises(ConflictError, match="being deleted"):
        staff.run_job()
    (receipt,) = staff.gallery().resume_erasures()
    assert (receipt.faces, len(receipt.jobs)) == (2, 1)
    assert staff.traces("ann.jpg") == []


@pytest.mark.parametrize("older_than", [0.0, 960.0], ids=["resume", "schedule"])
def test_an_erasure_that_was_requested_with_a_fast_clock_is_completed(
    staff: Staff, older_than: float
) -> None:
    with pytest.raises(StoreUnavailableError):
        staff.interrupted(HOUR).erase("staff", SubjectKind.EXTERNAL_ID, "ann.jpg")
    assert staff.traces("ann.jpg") != []
    (receipt,) = staff.gallery().resume_erasures(older_than=older_than)
    assert receipt.status is ErasureStatus.DONE
    assert staff.traces("ann.jpg") == []


@offsets
def test_a_collection_that_is_lost_after_a_deletion_with_a_wrong_clock_is_restored(
    staff: Staff, offset: float
) -> None:
    staff.gallery(offset).delete_collection("staff")
    indexed = staff.run_job()
    staff.deployment.collaborators.records.delete_collection("staff")
    again = staff.run_job()
    # The same job is run again, in the same collection: nothing is read as if it were new.
    assert again.job_id == indexed.job_id
    assert again.collection_created_at == indexed.collection_created_at


@offsets
def test_what_is_left_of_lost_collections_is_deleted_with_the_present_one(
    staff: Staff, offset: float
) -> None:
    staff.deployment.collaborators.records.delete_collection("staff")
    staff.gallery(offset).create_collection("staff")
    receipt = staff.gallery().delete_collection("staff")
    assert len(receipt.jobs) == 1
    assert staff.traces("ann.jpg") == []


def test_faces_expire_by_the_clock_of_the_process_that_erases_them(staff: Staff) -> None:
    staff.gallery().set_retention("staff", 1)
    assert staff.gallery(DAY - HOUR).expire("staff") is None
    receipt = staff.gallery(DAY + HOUR).expire("staff")
    assert receipt is not None
    assert (receipt.faces, receipt.users) == (2, 1)
    assert staff.faces() == {}
    assert staff.traces("Ann Lee") == []


@pytest.mark.parametrize("subject", [SubjectKind.FACE, SubjectKind.USER])
def test_what_was_erased_with_a_slow_clock_leaves_an_older_copy_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: SubjectKind
) -> None:
    with open_deployment(ON_ONE_MACHINE, tmp_path, monkeypatch) as deployment:
        staff = indexed(deployment, tmp_path)
        copy(tmp_path / "facerec.db", tmp_path / "older.db")
        erase(staff, subject, -HOUR)
        copy(tmp_path / "older.db", tmp_path / "facerec.db")
        assert staff.faces().keys() == set(NAMES)
        own = deployment.collaborators
        collection = own.records.get_collection("staff")
        places = (Objects(), staff.jobs_root, own.faces, own.records)
        removed = remove_returned(collection, *places, repair=True)
        assert (removed.faces, removed.people) == (1, int(subject is SubjectKind.USER))
        assert staff.faces().keys() == {"bob"}
