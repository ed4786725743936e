"""A photo under another external image id replaces the one under the old id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facerec.core.records import Correction
from facerec.errors import AccessDeniedError
from facerec.jobs.difference import Removal
from facerec.jobs.ledger.removal_record import read_removal
from facerec.jobs.plan import Plan
from tests.support.indexed_folder import Collection, EtagObjects
from tests.support.long import rarely_short


@pytest.fixture(params=rarely_short([False, True], False), ids=["files", "etags"])
def staff(tmp_path: Path, request: pytest.FixtureRequest) -> Collection:
    staff = Collection(tmp_path, EtagObjects()) if request.param else Collection(tmp_path)
    staff.photo("a.jpg", "ann")
    staff.photo("b.jpg", "bob", "eve")
    return staff


def manifest(staff: Collection, *lines: tuple[str, str | None]) -> Path:
    path = staff.folder / "photos.jsonl"
    entries = (
        {"image": str(staff.photos / name)} | ({"external_image_id": own} if own else {})
        for name, own in lines
    )
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return path


def index(staff: Collection, *lines: tuple[str, str | None], **settings: object) -> Plan:
    return staff.run(manifest(staff, *lines), **settings)


def ids(staff: Collection) -> list[str]:
    return sorted(str(face.external_image_id) for face in staff.store.list_faces("staff"))


def removal_of(staff: Collection, plan: Plan) -> Removal:
    return read_removal(staff.objects, plan.job_folder) or Removal()


def face_of(staff: Collection, external_image_id: str, place: int = 0) -> str:
    found = [
        face
        for face in staff.store.list_faces("staff")
        if face.external_image_id == external_image_id
    ]
    return sorted(found, key=lambda face: face.box.left)[place].face_id


def test_a_corrected_id_replaces_the_wrong_one(staff: Collection) -> None:
    index(staff, ("a.jpg", "wrong"), ("b.jpg", "other"))
    plan = index(staff, ("a.jpg", "right"), ("b.jpg", "other"))
    assert ids(staff) == ["other", "other", "right"]
    assert removal_of(staff, plan) == Removal(photos=1, faces=1, renamed=1)


def test_ids_can_be_changed_back_and_forth(staff: Collection) -> None:
    for name in (None, "one", "two", "one", "two", "one"):
        index(staff, ("b.jpg", name))
        assert ids(staff) == [str(name)] * 2


def test_an_id_that_was_chosen_is_replaced_only_by_another_chosen_one(staff: Collection) -> None:
    index(staff, ("a.jpg", "chosen"), ("b.jpg", None))
    for rule in ("path", "folder", "none"):
        staff.run(external_ids=rule)
        assert "chosen" in ids(staff)
    index(staff, ("a.jpg", None))
    assert "chosen" in ids(staff)
    index(staff, ("a.jpg", "right"), ("b.jpg", "right"))
    assert ids(staff) == ["right"] * 3


@pytest.mark.parametrize("name", ["right", None])
def test_a_photo_that_was_written_again_is_still_the_same(
    staff: Collection, name: str | None
) -> None:
    index(staff, ("a.jpg", "chosen"), ("b.jpg", "other"))
    gallery = staff.gallery()
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_of(staff, "chosen")], min_similarity=0)
    staff.photo("a.jpg", "ann")
    index(staff, ("a.jpg", name), ("b.jpg", "other"))
    assert ids(staff) == sorted([name or "chosen", "other", "other"])
    assert staff.store.get_user("staff", "ann").face_ids == (face_of(staff, name or "chosen"),)


def test_people_and_corrections_go_to_the_new_faces(staff: Collection) -> None:
    index(staff, ("a.jpg", "wrong"), ("b.jpg", "other"))
    gallery = staff.gallery()
    gallery.create_user("staff", "eve")
    gallery.associate_faces("staff", "eve", [face_of(staff, "other", 1)], min_similarity=0)
    gallery.not_same("staff", face_of(staff, "wrong"), "eve")
    index(staff, ("a.jpg", "right"), ("b.jpg", "another"))
    user = staff.store.get_user("staff", "eve")
    assert user.face_ids == (face_of(staff, "another", 1),)
    assert user.version == user.vector_version
    assert list(staff.store.list_corrections("staff")) == [
        Correction(face_of(staff, "right"), "eve")
    ]


def test_a_photo_that_one_manifest_lists_under_two_ids_keeps_both(staff: Collection) -> None:
    for _ in range(2):
        index(staff, ("a.jpg", "one"), ("a.jpg", "two"), ("b.jpg", None))
        assert ids(staff) == ["None", "None", "one", "two"]
    index(staff, ("a.jpg", "one"), ("a.jpg", "three"), ("b.jpg", None))
    assert ids(staff) == ["None", "None", "one", "three"]


def test_an_id_that_is_no_longer_listed_beside_another_is_removed(staff: Collection) -> None:
    index(staff, ("a.jpg", "one"), ("a.jpg", "two"), ("b.jpg", "other"))
    plan = index(staff, ("a.jpg", "two"), ("b.jpg", "other"))
    assert ids(staff) == ["other", "other", "two"]
    assert removal_of(staff, plan).renamed == 1


def test_an_id_that_an_earlier_manifest_does_not_list_is_removed_again(staff: Collection) -> None:
    manifests = [
        manifest(staff, ("a.jpg", "one"), ("b.jpg", "other")).rename(staff.folder / "one.jsonl"),
        manifest(staff, ("a.jpg", "one"), ("a.jpg", "two"), ("b.jpg", "other")),
    ]
    for number in (0, 1, 0, 1, 0):
        staff.run(manifests[number])
        assert ids(staff) == ["one", "other", "other", "two"][: 3 + number]


def test_photos_that_a_manifest_does_not_list_keep_their_ids(staff: Collection) -> None:
    index(staff, ("a.jpg", "one"))
    index(staff, ("b.jpg", "two"))
    assert ids(staff) == ["one", "two", "two"]


def test_a_photo_that_can_no_longer_be_read_keeps_its_faces(staff: Collection) -> None:
    index(staff, ("a.jpg", "one"))
    (staff.photos / "a.jpg").unlink()
    index(staff, ("a.jpg", "two"), ("b.jpg", "other"))
    assert ids(staff) == ["one", "other", "other"]


def test_a_copy_keeps_the_id_that_another_copy_has_lost(staff: Collection) -> None:
    (staff.photos / "copy.jpg").write_bytes((staff.photos / "a.jpg").read_bytes())
    index(staff, ("a.jpg", "ann"), ("copy.jpg", "ann"))
    index(staff, ("a.jpg", "ann"), ("copy.jpg", "right"))
    assert ids(staff) == ["ann", "right"]
    index(staff, ("a.jpg", "right"), ("copy.jpg", "right"))
    assert ids(staff) == ["right"]


def test_other_ids_for_a_whole_folder_replace_the_faces(staff: Collection) -> None:
    for rule in ("path", "none", "path", "folder"):
        staff.run(external_ids=rule)
        assert staff.people() == 3, rule


def test_a_run_that_was_interrupted_is_completed_by_the_next_one(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(staff, ("a.jpg", "one"), ("b.jpg", "other"))
    for place in (
        "facerec.jobs.stale_faces.hand_over",
        "tests.support.indexed_folder.Collection.delete",
        "facerec.jobs.remembered.memory.Memory.cancel",
        "tests.support.indexed_folder.remove_stale",
    ):
        names = ("two", "one") if ids(staff)[0] == "one" else ("one", "two")
        source = manifest(staff, ("a.jpg", names[0]), ("b.jpg", "other"))

        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(place, stop)
            with pytest.raises(KeyboardInterrupt):
                staff.run(source)
        staff.run(source)
        assert ids(staff) == sorted([names[0], "other", "other"]), place


def test_the_person_of_a_removed_copy_gets_the_face_under_the_new_id(staff: Collection) -> None:
    staff.photo("one/c.jpg", "cid")
    copy = staff.photo("two/c.jpg", "cid")
    staff.run(external_ids="folder")
    gallery = staff.gallery()
    gallery.create_user("staff", "cid")
    gallery.associate_faces("staff", "cid", [face_of(staff, "two")], min_similarity=0)
    copy.unlink()
    staff.run(external_ids="path", prune=True)
    assert staff.store.get_user("staff", "cid").face_ids == (face_of(staff, "one:c.jpg"),)


def test_only_photos_that_were_read_under_the_new_id_lose_the_old_one(
    staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (staff.photos / "copy.jpg").write_bytes((staff.photos / "a.jpg").read_bytes())
    index(staff, ("a.jpg", "wrong"), ("copy.jpg", "wrong"))
    fetch = type(staff.objects).fetch

    def deny(objects: object, uri: str, **settings: object) -> object:
        if uri.endswith("copy.jpg"):
            raise AccessDeniedError(uri)
        return fetch(objects, uri, **settings)  # type: ignore[arg-type]

    with monkeypatch.context() as denied:
        denied.setattr(type(staff.objects), "fetch", deny)
        index(staff, ("a.jpg", "right"), ("copy.jpg", "right"))
    assert ids(staff) == ["right", "wrong"]
    index(staff, ("a.jpg", "right"), ("copy.jpg", "right"), retry_failures=True)
    assert ids(staff) == ["right"]


def test_a_photo_and_its_id_can_both_be_taken_back(staff: Collection) -> None:
    path, content = staff.photos / "a.jpg", (staff.photos / "a.jpg").read_bytes()
    index(staff, ("a.jpg", "right"))
    staff.photo("a.jpg", "somebody else")
    index(staff, ("a.jpg", "wrong"))
    assert ids(staff) == ["wrong"]
    path.write_bytes(content)
    index(staff, ("a.jpg", "right"))
    assert ids(staff) == ["right"]


def test_a_correction_that_was_interrupted_can_be_taken_back(staff: Collection) -> None:
    index(staff, ("a.jpg", "one"), ("b.jpg", "other"))
    staff.interrupt(staff.plan(manifest(staff, ("a.jpg", "two"), ("b.jpg", "another"))), 1)
    index(staff, ("a.jpg", "one"), ("b.jpg", "other"))
    assert ids(staff) == ["one", "other", "other"]
