"""A job folder that cannot be read keeps no erasure from everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from facerec.core.erasures import ErasureStatus, Receipt, SubjectKind
from facerec.errors import AccessDeniedError, FacerecError, ReadFailedError
from facerec.gallery.gallery import Gallery
from facerec.jobs.plan import Plan
from tests.support.indexed_folder import Collection, CountingObjects


class Failing(CountingObjects):
    """Files, of which some cannot be read; ``errors`` has their errors by the end of their path."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, FacerecError] = {}

    def read(self, uri: str, **options: object) -> bytes:  # type: ignore[override]
        for end, error in self.errors.items():
            if uri.endswith(end):
                raise error
        return super().read(uri, **options)  # type: ignore[arg-type]

    def fetch(self, uri: str, **options: object) -> object:  # type: ignore[override]
        for end, error in self.errors.items():
            if uri.endswith(end):
                raise error
        return super().fetch(uri, **options)  # type: ignore[arg-type]


class Staff(Collection):
    """The collection ``staff`` with a face of Ann, who is a person, and one of Bob."""

    objects: Failing

    def index(self, *, max_faces: int = 100) -> Plan:
        lines = [
            {"image": str(self.photo(f"{name}.jpg", name)), "external_image_id": f"{name}-lee"}
            for name in ("ann", "bob")
        ]
        manifest = self.folder / "list.jsonl"
        manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        plan = self.run(manifest, options={"max_faces": max_faces})
        with suppress(FacerecError):
            self.gallery().create_user("staff", "ann")
        self.gallery().associate_faces("staff", "ann", [self.face_of("ann")], min_similarity=0)
        return plan

    def face_of(self, name: str) -> str:
        (face,) = (
            face for face in self.store.all_faces("staff") if face.source.endswith(f"{name}.jpg")
        )
        return face.face_id

    def holders(self, face_id: str) -> set[str]:
        """Return the names of the job folders with the embedding or a row of a face."""
        root = Path(self.jobs_root)
        return {
            path.relative_to(root).parts[0]
            for kind in ("*/ledger/*/*", "*/embeddings/*/*")
            for path in root.glob(kind)
            if face_id.encode() in path.read_bytes()
        }


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    return Staff(tmp_path, Failing())


def erasure(subject: SubjectKind, name: str) -> Callable[[Gallery, Staff], object]:
    return lambda gallery, _: gallery.erase("staff", subject, name)


KINDS: dict[str, Callable[[Gallery, Staff], object]] = {
    "faces": lambda gallery, staff: gallery.delete_faces(
        "staff", [staff.face_of("ann")], disassociate=True
    ),
    "face": lambda gallery, staff: gallery.erase("staff", SubjectKind.FACE, staff.face_of("ann")),
    "photo": lambda gallery, staff: gallery.erase(
        "staff", SubjectKind.PHOTO, str(staff.photos / "ann.jpg")
    ),
    "external id": erasure(SubjectKind.EXTERNAL_ID, "ann-lee"),
    "person": erasure(SubjectKind.USER, "ann"),
    "collection": lambda gallery, _: gallery.delete_collection("staff"),
}
"""What erases Ann's face."""

DENIED = AccessDeniedError("plan.json")

BAD_SECTOR = ReadFailedError("a file", "Input/output error")


def lose_plan(staff: Staff, folder: Path) -> None:
    (folder / "plan.json").unlink()
    # A collection that exists has this folder, so that its deletion must not guess either.
    folder.rename(folder.with_name(f"{folder.name}.restored"))


def fail(staff: Staff, folder: Path, files: str) -> None:
    (file,) = folder.glob(files)
    staff.objects.errors[str(file)] = BAD_SECTOR


DAMAGES: dict[str, Callable[[Staff, Path], object]] = {
    "damaged plan": lambda _, folder: (folder / "plan.json").write_bytes(b"{"),
    "bad sector": lambda staff, folder: staff.objects.errors.update(
        {f"{folder.name}/plan.json": BAD_SECTOR}
    ),
    "permission denied": lambda staff, folder: staff.objects.errors.update(
        {f"{folder.name}/plan.json": DENIED}
    ),
    "lost plan": lose_plan,
    "bad sector in rows": lambda staff, folder: fail(staff, folder, "ledger/*/*"),
    "bad sector in embeddings": lambda staff, folder: fail(staff, folder, "embeddings/*/*"),
}


def late_file(plan: Plan) -> Path:
    """Add what a child leaves that was still running when its job was deleted."""
    late = Path(plan.job_folder, "embeddings", "0000000", "left.npz")
    late.parent.mkdir(parents=True)
    late.write_bytes(b"faces")
    return late


def unfinished(staff: Staff) -> list[Path]:
    return list((staff.folder / "erasures" / "pending").glob("*.json"))


@pytest.mark.parametrize("kind", KINDS)
def test_late_files_of_a_deleted_collection_keep_no_erasure_in_its_successor(
    staff: Staff, kind: str
) -> None:
    first = staff.index()
    staff.gallery().delete_collection("staff")
    second = staff.index()
    assert first.job_id != second.job_id
    late = late_file(first)
    ann = staff.face_of("ann")
    KINDS[kind](staff.gallery(), staff)
    assert not late.exists()
    assert not staff.holders(ann)
    assert not unfinished(staff)
    assert Path(second.job_folder).exists() == (kind != "collection")


def test_a_sweep_deletes_late_files_although_the_collection_was_created_again(
    staff: Staff,
) -> None:
    first = staff.index()
    staff.gallery().delete_collection("staff")
    second = staff.index()
    late = late_file(first)
    before = sorted(Path(second.job_folder).rglob("*"))
    assert staff.gallery().sweep().keys() == {"staff"}
    assert not late.exists()
    assert sorted(Path(second.job_folder).rglob("*")) == before
    Path(second.job_folder, "plan.json").unlink()
    assert staff.gallery().sweep() == {}
    assert staff.holders(staff.face_of("ann")) == {second.job_id}


def test_a_sweep_that_is_stopped_continues_at_its_place(staff: Staff) -> None:
    jobs = [staff.index(max_faces=count) for count in (1, 2, 3)]
    staff.gallery().delete_collection("staff")
    late = [late_file(plan) for plan in jobs]
    for left in (2, 1, 0):
        # The sweep asks before each folder.
        answers = iter([False])
        staff.gallery().sweep(stop=lambda answers=answers: next(answers, True))  # type: ignore[misc]
        assert sum(file.exists() for file in late) == left
    place = Path(staff.jobs_root, "sweep@place")
    assert staff.gallery().sweep() == {}
    assert not place.exists()


def test_a_sweep_is_not_complete_before_it_has_swept_what_precedes_its_place(
    staff: Staff,
) -> None:
    jobs = [staff.index(max_faces=count) for count in (1, 2, 3)]
    staff.gallery().delete_collection("staff")
    place = Path(staff.jobs_root, "sweep@place")
    for at in jobs:
        late = [late_file(plan) for plan in jobs]
        place.write_text(at.job_id)
        # A call that is not stopped is complete.
        staff.gallery().sweep()
        assert not any(file.exists() for file in late)
        assert not place.exists()


def test_a_sweep_is_not_complete_while_a_folder_fails(staff: Staff) -> None:
    jobs = [staff.index(max_faces=count) for count in (1, 2)]
    staff.gallery().delete_collection("staff")
    for plan in jobs:
        late_file(plan)
    failing, _ = sorted(Path(plan.job_folder) for plan in jobs)
    (failing / "elsewhere.json").write_bytes(b"{")
    answers = iter([False])
    for stop in (lambda: next(answers, True), lambda: False, lambda: False):
        with pytest.raises(FacerecError):
            staff.gallery().sweep(stop=stop)


# The deletion of a collection reads no rows and embeddings.
CASES = [
    (kind, damage)
    for kind in KINDS
    for damage in DAMAGES
    if kind != "collection" or not damage.startswith("bad sector in")
]


@pytest.mark.parametrize(("kind", "damage"), CASES)
def test_everything_that_can_be_read_is_erased_before_the_failure(
    staff: Staff, kind: str, damage: str
) -> None:
    damaged, other = (Path(staff.index(max_faces=count).job_folder) for count in (9, 1))
    ann = staff.face_of("ann")
    assert damaged.name in staff.holders(ann)
    copy = {path: path.read_bytes() for path in damaged.rglob("*") if path.is_file()}
    DAMAGES[damage](staff, damaged)
    with pytest.raises(FacerecError) as raised:
        KINDS[kind](staff.gallery(), staff)
    if damage in ("damaged plan", "lost plan"):
        assert damaged.name in str(raised.value)
    assert raised.value.consequence is not None
    assert other.name not in staff.holders(ann)
    assert stored(staff, ann) == []
    (left,) = unfinished(staff)
    receipt = json.loads(left.read_bytes())["receipt"]
    assert receipt["status"] == ErasureStatus.RUNNING
    with pytest.raises(FacerecError):
        staff.gallery().resume_erasures(older_than=0)
    # The folder is repaired.
    staff.objects.errors.clear()
    for path in damaged.parent.glob(f"{damaged.name}.restored"):
        path.rename(damaged)
    for path, content in copy.items():
        path.write_bytes(content)
    (done,) = staff.gallery().resume_erasures(older_than=0)
    assert isinstance(done, Receipt)
    assert done.status is ErasureStatus.DONE
    assert not staff.holders(ann)
    assert not unfinished(staff)


def stored(staff: Staff, face_id: str) -> list[str]:
    return [face.face_id for face in staff.store.all_faces("staff") if face.face_id == face_id]


INDEX_DAMAGES: dict[str, FacerecError | bytes] = {
    "bad sector": BAD_SECTOR,
    "permission denied": DENIED,
    "not JSON": b"\xff{",
    "infinite": b'{"jobs": "", "files": [["faces-0", 1e999]]}',
}


def damage_index(staff: Staff, folder: Path, files: str, damage: str) -> None:
    found = list(folder.glob(files))
    assert found
    for file in found:
        error = INDEX_DAMAGES[damage]
        if isinstance(error, FacerecError):
            staff.objects.errors[str(file)] = error
        else:
            file.write_bytes(error)


@pytest.mark.parametrize("kind", ["faces", "person", "collection"])
@pytest.mark.parametrize("damage", INDEX_DAMAGES)
@pytest.mark.parametrize("files", ["faces.json", "faces-*"])
def test_a_face_index_that_cannot_be_read_counts_as_none(
    staff: Staff, kind: str, damage: str, files: str
) -> None:
    for count in (9, 1):
        staff.index(max_faces=count)
    ann = staff.face_of("ann")
    # The erasure of another face adds the jobs to the index.
    staff.gallery().erase("staff", SubjectKind.FACE, staff.face_of("bob"))
    damage_index(staff, Path(staff.jobs_root, "remembered@staff"), files, damage)
    KINDS[kind](staff.gallery(), staff)
    assert not staff.holders(ann)
    assert not unfinished(staff)


@pytest.mark.parametrize("damage", INDEX_DAMAGES)
def test_a_face_index_of_a_child_that_cannot_be_read_counts_as_none(
    staff: Staff, damage: str
) -> None:
    plan, ann = staff.index(), staff.face_of("ann")
    damage_index(staff, Path(plan.job_folder), "index/0*", damage)
    staff.gallery().erase("staff", SubjectKind.FACE, ann)
    assert not staff.holders(ann)
    assert not unfinished(staff)
