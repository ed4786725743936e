"""What changes ask for in job folders does not grow with the number of earlier jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.core.erasures import Swept
from facerec.jobs.ledger.collection_face_index import CollectionFaceIndex
from facerec.jobs.plan import Plan
from tests.support.indexed_folder import Collection, CountingObjects
from tests.support.long import rarely_short

METHODS = ("head", "read", "fetch", "write", "write_file", "list", "folders", "delete")


class CountedObjects(CountingObjects):
    """Counts the requests for job folders."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()


def _counted(name: str) -> Callable[..., object]:
    def call(self: CountedObjects, uri: str, *values: object, **named: object) -> object:
        self.requests[name] += "/jobs/" in uri
        return getattr(CountingObjects, name)(self, uri, *values, **named)

    return call


for method in METHODS:
    setattr(CountedObjects, method, _counted(method))


class Counted(Collection):
    objects: CountedObjects

    def requests(self, act: Callable[[], object]) -> int:
        self.objects.requests.clear()
        act()
        return self.objects.requests.total()


@pytest.fixture
def staff(tmp_path: Path) -> Counted:
    return Counted(tmp_path, CountedObjects())


def index_photos_one_by_one(staff: Counted, photos: range) -> None:
    for number in photos:
        staff.photo(f"{number:03}.jpg", f"person {number}")
        staff.run()


def face_of(staff: Counted, name: str) -> str:
    (face,) = (face for face in staff.store.all_faces("staff") if face.source.endswith(name))
    return face.face_id


def replace_and_run(staff: Counted, name: str, person: str) -> Plan:
    staff.photo(name, person)
    return staff.run()


@pytest.mark.parametrize("many", rarely_short([30, 100], 30))
def test_the_requests_of_a_change_do_not_grow_with_earlier_jobs(staff: Counted, many: int) -> None:
    deletions, replacements = {}, {}
    done = 0
    for earlier in (1, 10, many):
        index_photos_one_by_one(staff, range(done, earlier))
        done = earlier
        first, last = "000.jpg", f"{earlier - 1:03}.jpg"
        replacements[earlier] = staff.requests(
            lambda: replace_and_run(staff, first, f"new {earlier}")  # noqa: B023
        )
        deletions[earlier] = staff.requests(
            lambda: staff.erase(face_of(staff, last))  # noqa: B023
        )
        staff.photo(last, f"again {earlier}")
    # The memory has at most 12 runs, each with a few files, before they are merged.
    assert max(replacements.values()) < 400, replacements
    assert replacements[many] < 1.5 * replacements[10], replacements
    assert max(deletions.values()) < 40, deletions
    assert staff.people() == many - 1


def test_a_deletion_searches_each_complete_job_once(staff: Counted) -> None:
    index_photos_one_by_one(staff, range(6))
    CollectionFaceIndex(staff.objects, staff.jobs_root, "staff").delete()
    first = staff.requests(lambda: staff.erase(face_of(staff, "001.jpg")))
    second = staff.requests(lambda: staff.erase(face_of(staff, "002.jpg")))
    assert second < first / 2
    assert staff.sources() == {"000.jpg": 1, "003.jpg": 1, "004.jpg": 1, "005.jpg": 1}
    assert embeddings_files(staff) == 4


def test_jobs_of_other_collections_are_read_once(staff: Counted) -> None:
    index_photos_one_by_one(staff, range(3))
    for number in range(8):
        staff.run(collection_id=f"guests-{number}")
    first = staff.requests(lambda: staff.erase(face_of(staff, "000.jpg")))
    second = staff.requests(lambda: staff.erase(face_of(staff, "001.jpg")))
    assert second < first - 2 * 8


def test_what_a_late_attempt_leaves_of_a_deleted_job_is_deleted(staff: Counted) -> None:
    index_photos_one_by_one(staff, range(3))
    other = staff.run(collection_id="guests")
    staff.erase(face_of(staff, "000.jpg"))
    staff.gallery().delete_collection("guests")
    staff.erase(face_of(staff, "001.jpg"))
    left = Path(other.job_folder, "embeddings", "0000000", "left.npz")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"faces")
    staff.erase(face_of(staff, "002.jpg"))
    assert left.exists(), "it belongs to another collection"
    assert staff.gallery().sweep() == {"guests": Swept(faces=0, records=0)}
    assert not left.exists()


def test_a_job_of_a_collection_that_was_lost_is_not_swept_without_its_plan(
    staff: Counted,
) -> None:
    index_photos_one_by_one(staff, range(1))
    staff.run(collection_id="guests")
    staff.gallery().delete_collection("guests")
    later = staff.run(collection_id="guests")
    Path(later.job_folder, "plan.json").unlink()
    before = sorted(Path(later.job_folder).rglob("*"))
    staff.gallery()._records.delete_collection("guests")
    staff.gallery().sweep()
    assert sorted(Path(later.job_folder).rglob("*")) == before


def embeddings_files(staff: Counted) -> int:
    return sum(1 for _ in Path(staff.jobs_root).rglob("*.npz"))


@pytest.mark.parametrize("damage", ["missing", "cut off", "no index"])
def test_a_damaged_index_makes_a_deletion_search_all_jobs(staff: Counted, damage: str) -> None:
    index_photos_one_by_one(staff, range(4))
    memory = Path(staff.jobs_root, "remembered@staff")
    for path in memory.glob("faces-*" if damage != "no index" else "faces.json"):
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-5])
    staff.erase(face_of(staff, "000.jpg"))
    assert embeddings_files(staff) == 3
    staff.erase(face_of(staff, "001.jpg"))
    assert embeddings_files(staff) == 2


def test_a_job_that_is_not_complete_is_searched(staff: Counted) -> None:
    index_photos_one_by_one(staff, range(3))
    for number in range(3, 8):
        staff.photo(f"{number:03}.jpg", f"person {number}")
    plan = staff.interrupt(staff.plan(), 2)
    staff.erase(face_of(staff, "003.jpg"))
    assert embeddings_files(staff) == 4
    staff.complete(plan)
    staff.erase(face_of(staff, "006.jpg"))
    assert all(b"006.jpg" not in path.read_bytes() for path in Path(plan.job_folder).rglob("*.npz"))


def test_a_job_that_is_no_longer_complete_is_searched_again(staff: Counted) -> None:
    index_photos_one_by_one(staff, range(4))
    staff.photo("000.jpg", "max")
    staff.photo("001.jpg", "eve")
    plan = staff.interrupt(staff.plan(), 1)
    # As if the folder of the complete job had been replaced by an older copy.
    index = CollectionFaceIndex(staff.objects, staff.jobs_root, "staff")
    index.add({plan.job_id: b""})
    staff.complete(staff.plan())
    staff.erase(face_of(staff, "001.jpg"))
    assert all(b"001.jpg" not in path.read_bytes() for path in Path(plan.job_folder).rglob("*.npz"))


def test_nothing_is_left_of_the_index_of_a_deleted_collection(staff: Counted) -> None:
    index_photos_one_by_one(staff, range(3))
    assert list(Path(staff.jobs_root, "remembered@staff").glob("faces*"))
    staff.gallery().delete_collection("staff")
    assert list(Path(staff.jobs_root).iterdir()) == []
