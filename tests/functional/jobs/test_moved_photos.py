"""Photos that are moved keep their people, whatever their external image ids are derived from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from facerec.core.records import Correction, User
from facerec.gallery.people.associations import MAX_FACES_OF_USER
from facerec.jobs.difference import Difference, Removal
from facerec.jobs.ledger.removal_record import read_removal
from facerec.jobs.plan import Plan
from facerec.storage.dynamodb.users import CHANGED_AT_ONCE
from facerec.storage.sqlite import SqliteStore
from tests.support.indexed_folder import Collection, EtagObjects
from tests.support.long import rarely_short

PATH = {"external_ids": "path"}


@pytest.fixture(params=rarely_short([False, True], False), ids=["files", "etags"])
def staff(tmp_path: Path, request: pytest.FixtureRequest) -> Collection:
    staff = Collection(tmp_path, EtagObjects()) if request.param else Collection(tmp_path)
    staff.photo("a.jpg", "ann")
    staff.photo("b.jpg", "bob", "eve")
    staff.photo("c.jpg", "cid")
    staff.photo("nobody.jpg")
    staff.run(**PATH)
    return staff


def face_of(staff: Collection, name: str, place: int = 0) -> str:
    """Return the id of a face of a photo, counted from the left."""
    found = [face for face in staff.store.list_faces("staff") if Path(face.source).name == name]
    return sorted(found, key=lambda face: face.box.left)[place].face_id


def person(staff: Collection, user_id: str, *faces: str) -> None:
    staff.gallery().create_user("staff", user_id)
    done = staff.gallery().associate_faces("staff", user_id, list(faces), min_similarity=0)
    assert done.changed == faces


def sources_of(staff: Collection, user_id: str) -> list[str]:
    user = staff.store.get_user("staff", user_id)
    assert user.version == user.vector_version
    faces = staff.store.get_faces("staff", user.face_ids)
    assert len(faces) == len(user.face_ids)
    return sorted(str(Path(each.record.source).relative_to(staff.photos)) for each in faces)


def move(staff: Collection, name: str, to: str) -> None:
    target = staff.photos / to
    target.parent.mkdir(exist_ok=True)
    (staff.photos / name).rename(target)


def removal_of(staff: Collection, plan: Plan) -> Removal:
    return read_removal(staff.objects, plan.job_folder) or Removal()


@pytest.mark.parametrize("prune", [False, True])
def test_the_faces_of_a_moved_photo_stay_with_their_people(staff: Collection, prune: bool) -> None:
    person(staff, "ann", face_of(staff, "a.jpg"))
    person(staff, "eve", face_of(staff, "b.jpg", 1))
    move(staff, "b.jpg", "sub/moved.jpg")
    plan = staff.run(prune=prune, **PATH)
    assert plan.difference == Difference(photos=4, unchanged=3, new=1, gone=1)
    assert sources_of(staff, "ann") == ["a.jpg"]
    assert sources_of(staff, "eve") == ["sub/moved.jpg"]
    assert staff.sources() == {"a.jpg": 1, "moved.jpg": 2, "c.jpg": 1}
    assert removal_of(staff, plan) == Removal(photos=1, faces=2, moved=2)
    # The old address is forgotten: there is nothing to prune.
    assert staff.run(prune=True, **PATH).job_id == plan.job_id
    assert staff.people() == 4


def test_a_photo_that_was_moved_before_an_earlier_run_keeps_its_people_when_it_is_pruned(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(staff, "eve", face_of(staff, "b.jpg", 1))
    move(staff, "b.jpg", "moved.jpg")
    with monkeypatch.context() as earlier:
        # As runs of an earlier release left it.
        earlier.setattr("facerec.jobs.remembered.comparison.MAX_MOVED", 0)
        staff.run(**PATH)
    assert staff.sources()["b.jpg"] == staff.sources()["moved.jpg"] == 2
    staff.run(prune=True, **PATH)
    assert sources_of(staff, "eve") == ["moved.jpg"]
    assert staff.people() == 4


def test_corrections_go_with_a_moved_photo(staff: Collection) -> None:
    ann, bob, eve = face_of(staff, "a.jpg"), face_of(staff, "b.jpg"), face_of(staff, "b.jpg", 1)
    person(staff, "ann", ann)
    gallery = staff.gallery()
    gallery.not_same("staff", bob, "ann")
    gallery.not_same("staff", eve, bob)
    gallery.not_same("staff", ann, eve)
    move(staff, "b.jpg", "moved.jpg")
    staff.run(**PATH)
    new_bob, new_eve = face_of(staff, "moved.jpg"), face_of(staff, "moved.jpg", 1)
    assert set(staff.store.list_corrections("staff")) == {
        Correction(new_bob, "ann"),
        Correction(new_eve, new_bob),
        Correction(ann, new_eve),
    }


def test_a_person_with_the_maximum_number_of_faces_keeps_all_when_photos_move(
    staff: Collection,
) -> None:
    for number in range(MAX_FACES_OF_USER):
        staff.photo(f"many/{number}.jpg", "zoe", f"zoe {number}")
    staff.run(**PATH)
    zoe = [face_of(staff, f"{number}.jpg") for number in range(MAX_FACES_OF_USER)]
    person(staff, "zoe", *zoe)
    (staff.photos / "many").rename(staff.photos / "all")
    staff.run(**PATH)
    assert sources_of(staff, "zoe") == sorted(f"all/{n}.jpg" for n in range(MAX_FACES_OF_USER))


def test_no_kill_between_two_transactions_of_dynamodb_takes_faces_from_a_person(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        staff.photo(f"many/{number}.jpg", "zoe", f"zoe {number}")
    staff.run(**PATH)
    person(staff, "zoe", *(face_of(staff, f"{number}.jpg") for number in range(50)))
    (staff.photos / "many").rename(staff.photos / "all")
    change_user, changes = SqliteStore.change_user, list[int]()

    def change(*args: Any, add: Sequence[str], remove: Sequence[str], **settings: Any) -> User:  # noqa: ANN401
        assert len(add) == len(remove)
        changes.append(len(add) + len(remove))
        return change_user(*args, add=add, remove=remove, **settings)

    monkeypatch.setattr(SqliteStore, "change_user", change)
    staff.run(**PATH)
    assert sum(changes) == 100
    assert max(changes) <= CHANGED_AT_ONCE


def test_two_copies_that_become_one_photo_are_one_face_of_the_person(staff: Collection) -> None:
    (staff.photos / "copy.jpg").write_bytes((staff.photos / "a.jpg").read_bytes())
    staff.run(**PATH)
    person(staff, "ann", face_of(staff, "a.jpg"), face_of(staff, "copy.jpg"))
    move(staff, "a.jpg", "moved.jpg")
    (staff.photos / "copy.jpg").unlink()
    staff.run(**PATH)
    assert sources_of(staff, "ann") == ["moved.jpg"]
    assert staff.sources() == {"moved.jpg": 1, "b.jpg": 2, "c.jpg": 1}


def test_a_moved_photo_that_comes_back_after_a_killed_removal_is_indexed(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(staff, "a.jpg", "moved.jpg")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    plan = staff.plan(**PATH)
    with monkeypatch.context() as broken:
        broken.setattr("facerec.jobs.remembered.memory.Memory.cancel", stop)
        with pytest.raises(KeyboardInterrupt):
            staff.complete(plan)
    staff.complete(plan)
    move(staff, "moved.jpg", "a.jpg")
    staff.run(prune=True, **PATH)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2, "c.jpg": 1}


def test_a_photo_that_is_gone_keeps_its_faces_beside_one_that_moved(staff: Collection) -> None:
    move(staff, "a.jpg", "moved.jpg")
    (staff.photos / "c.jpg").unlink()
    plan = staff.run(**PATH)
    assert staff.sources() == {"moved.jpg": 1, "b.jpg": 2, "c.jpg": 1}
    assert asdict(removal_of(staff, plan)) == {"photos": 1, "faces": 1, "moved": 1, "renamed": 0}
    staff.run(prune=True, **PATH)
    assert staff.sources() == {"moved.jpg": 1, "b.jpg": 2}


def test_a_new_photo_of_the_same_size_is_no_moved_one(staff: Collection) -> None:
    person(staff, "cid", face_of(staff, "c.jpg"))
    (staff.photos / "c.jpg").unlink()
    staff.photo("d.jpg", "dan")
    staff.run(**PATH)
    assert sources_of(staff, "cid") == ["c.jpg"]
    staff.run(prune=True, **PATH)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2, "d.jpg": 1}
    assert staff.store.get_user("staff", "cid").face_ids == ()


@pytest.mark.parametrize("name", [None, "mine.jpg"])
def test_a_photo_that_was_uploaded_before_gets_its_address(
    staff: Collection, name: str | None
) -> None:
    content = (staff.photos / "a.jpg").read_bytes()
    (face,) = staff.gallery().index("staff", content, photo_name=name).faces
    person(staff, "ann", face.record.face_id)
    plan = staff.run(external_ids="none")
    assert sources_of(staff, "ann") == ["a.jpg"]
    assert not any(row.is_copy for row in staff.rows(plan))


def test_a_copy_takes_no_people_from_the_photo(staff: Collection) -> None:
    person(staff, "ann", face_of(staff, "a.jpg"))
    (staff.photos / "copy.jpg").write_bytes((staff.photos / "a.jpg").read_bytes())
    staff.run(prune=True, **PATH)
    assert sources_of(staff, "ann") == ["a.jpg"]
    assert staff.sources()["copy.jpg"] == 1


def test_a_face_that_somebody_deleted_at_the_new_address_is_not_given_to_its_person(
    staff: Collection,
) -> None:
    person(staff, "ann", face_of(staff, "a.jpg"))
    content = (staff.photos / "a.jpg").read_bytes()
    (staff.photos / "copy.jpg").write_bytes(content)
    staff.run(**PATH)
    staff.erase(face_of(staff, "copy.jpg"))
    (staff.photos / "a.jpg").unlink()
    staff.run(prune=True, **PATH)
    assert staff.sources() == {"b.jpg": 2, "c.jpg": 1}
    assert staff.store.get_user("staff", "ann").face_ids == ()


def test_a_hand_over_that_was_interrupted_is_completed_by_the_next_run(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(staff, "eve", face_of(staff, "b.jpg", 1))
    move(staff, "b.jpg", "moved.jpg")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    plan = staff.plan(**PATH)
    with monkeypatch.context() as broken:
        broken.setattr("facerec.gallery.people.moved_faces.refresh_vector", stop)
        with pytest.raises(KeyboardInterrupt):
            staff.complete(plan)
    staff.run(**PATH)
    assert sources_of(staff, "eve") == ["moved.jpg"]
    assert staff.people() == 4
