"""Whole collections exported into a folder, and imported: bit for bit, or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from facerec.core.limits import MAX_TAGS
from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    InvalidInputError,
    ModelMismatchError,
    QuotaExceededError,
)
from facerec.gallery.gallery import Gallery
from facerec.storage.face_table import read_faces
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

CHANGING = {"exported_at", "created_at"}
"""What differs between an export and that of its import."""


def index(gallery: Gallery, person: str, shot: int = 0) -> str:
    photo = fake_photo(fake_face(person, away=0.1, shot=shot), fake_face("zoe", left=0.6))
    faces = gallery.index("staff", photo, external_image_id=f"{person}:{shot}").faces
    return faces[0].record.face_id


@pytest.fixture
def filled(gallery: Gallery) -> Gallery:
    """A gallery whose collection ``staff`` has something of everything."""
    faces = {
        (name, shot): index(gallery, name, shot) for name in ("ann", "bea") for shot in range(3)
    }
    gallery.create_user("staff", "ann", name="张伟")
    gallery.create_user("staff", "empty")
    gallery.associate_faces("staff", "ann", [faces["ann", 1], faces["ann", 0]])
    gallery.not_same("staff", faces["bea", 0], "ann")
    gallery.cluster_faces("staff")
    for cluster in gallery.list_clusters("staff").clusters[:1]:
        gallery.ignore_cluster("staff", cluster.cluster_id)
    gallery.not_a_face("staff", faces["bea", 2])
    gallery.delete_faces("staff", [faces["ann", 2]])
    gallery.set_threshold("staff", 0.875)
    gallery.set_tags("staff", {"team": "blue"})
    gallery.set_retention("staff", 365)
    with gallery.requested_by("zoe", why="wegen der „Brille“"):
        gallery.rename_user("staff", "empty", "Nobody")
    return gallery


@pytest.fixture
def other(tmp_path: Path) -> Gallery:
    """A gallery of another store, without collections."""
    (tmp_path / "other").mkdir()
    return Collaborators.in_folder(tmp_path / "other").gallery()


def contents(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name != "collection.json"
    }
    document = json.loads((folder / "collection.json").read_text("utf-8"))
    return found | {name: value for name, value in document.items() if name not in CHANGING}


def test_an_imported_collection_is_the_exported_one_bit_for_bit(
    filled: Gallery, other: Gallery, tmp_path: Path
) -> None:
    exported = filled.export_collection("staff", tmp_path / "one")
    assert (exported.faces, exported.people, exported.corrections) == (11, 2, 1)
    assert other.import_collection(tmp_path / "one") == exported
    assert other.export_collection("staff", tmp_path / "two") == exported
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    for gallery in (filled, other):
        found = gallery.search_users_by_photo("staff", fake_photo(fake_face("ann")))
        assert [match.user.name for match in found.matches] == ["张伟"]
    probe = fake_photo(fake_face("bea"))
    assert other.search("staff", probe) == filled.search("staff", probe)
    assert other.describe_collection("staff").retention_days == 365
    assert other.list_clusters("staff") == filled.list_clusters("staff")
    (entry, *_) = other.list_history("staff").entries
    other.undo("staff", entry.cause.entry_id)
    assert other.describe_user("staff", "empty").name is None


def test_a_deleted_face_stays_deleted_in_the_imported_collection(
    filled: Gallery, other: Gallery, tmp_path: Path
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    other.import_collection(tmp_path / "one")
    again = fake_photo(fake_face("ann", away=0.1, shot=2), fake_face("zoe", left=0.6))
    listed = {face.record.face_id for face in other.list_faces("staff").faces}
    assert len(listed) == 11
    for gallery in (filled, other):
        faces = gallery.index("staff", again, external_image_id="ann:2").faces
        assert {face.record.face_id for face in faces} - listed
    assert other.list_faces("staff") == filled.list_faces("staff")


def test_only_the_owner_can_read_an_export(filled: Gallery, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    filled.export_collection("staff", folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_empty_folder_is_filled_and_others_are_refused(filled: Gallery, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    filled.export_collection("staff", tmp_path / "empty")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    for name in ("empty", "file", "link", "file/below"):
        with pytest.raises(InvalidInputError) as raised:
            filled.export_collection("staff", tmp_path / name)
        assert "\n" not in raised.value.message
    with pytest.raises(CollectionNotFoundError):
        filled.export_collection("nowhere", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_killed_export_leaves_no_folder_and_the_next_is_complete(
    filled: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("facerec.gallery.deferred.exported_collection.describe_files", killed)
        filled.export_collection("staff", tmp_path / "one")
    assert not (tmp_path / "one").exists()
    (tmp_path / ".one.part").mkdir()
    (tmp_path / ".one.part" / "faces.parquet").write_bytes(b"half")
    assert filled.export_collection("staff", tmp_path / "one").faces == 11


def test_an_import_that_is_repeated_after_it_was_complete_changes_nothing(
    filled: Gallery, other: Gallery, tmp_path: Path
) -> None:
    exported = filled.export_collection("staff", tmp_path / "one")
    assert not other.import_collection(tmp_path / "one").already_imported
    # What was deleted since the import does not come back.
    (face, *_) = other.list_faces("staff").faces
    other.delete_faces("staff", [face.record.face_id], disassociate=True)
    again = other.import_collection(tmp_path / "one")
    assert again == replace(exported, already_imported=True)
    assert other.describe_collection("staff").face_count == exported.faces - 1
    filled.delete_faces("staff", [face.record.face_id], disassociate=True)
    filled.export_collection("staff", tmp_path / "two")
    with pytest.raises(CollectionExistsError) as raised:
        other.import_collection(tmp_path / "two")
    assert "not known to come from this export" in (raised.value.hint or "")


def test_a_collection_with_as_many_tags_as_are_allowed_is_imported(
    filled: Gallery, other: Gallery, tmp_path: Path
) -> None:
    filled.remove_tags("staff", ["team"])
    filled.set_tags("staff", {f"tag{number}": "" for number in range(MAX_TAGS)})
    with pytest.raises(QuotaExceededError):
        filled.set_tags("staff", {"one more": ""})
    # facerec's own tags do not count.
    filled.set_retention("staff", 365)
    filled.export_collection("staff", tmp_path / "one")
    other.import_collection(tmp_path / "one")
    assert other.get_tags("staff") == filled.get_tags("staff")
    assert other.import_collection(tmp_path / "one").already_imported


def test_a_reserved_tag_of_an_earlier_release_can_be_written_back_unchanged(
    filled: Gallery,
) -> None:
    filled._records.change_tags("staff", put={"facerec:mine": "x"})
    filled.set_tags("staff", {**filled.get_tags("staff"), "team": "red"})
    assert filled.get_tags("staff")["team"] == "red"
    with pytest.raises(InvalidInputError, match="is reserved"):
        filled.set_tags("staff", {"facerec:mine": "y"})
    assert filled.get_tags("staff")["facerec:mine"] == "x"


@pytest.mark.parametrize("key", ["facerec:imported", "facerec:import", "facerec:mine"])
def test_the_tags_of_an_import_are_not_shown_and_cannot_be_changed(
    filled: Gallery, other: Gallery, tmp_path: Path, key: str
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    other.import_collection(tmp_path / "one")
    assert set(other.get_tags("staff")) == {"team", "facerec:expire-after"}
    with pytest.raises(InvalidInputError, match="is reserved"):
        other.set_tags("staff", {"team": "red", key: "x"})
    with pytest.raises(InvalidInputError, match="is reserved"):
        other.create_collection("guests", tags={key: "x"})
    if key != "facerec:mine":
        with pytest.raises(InvalidInputError, match="cannot be removed"):
            other.remove_tags("staff", ["team", key])
    assert other.get_tags("staff")["team"] == "blue"
    assert other.import_collection(tmp_path / "one").already_imported


def test_a_collection_that_exists_is_not_imported_into(
    filled: Gallery, other: Gallery, tmp_path: Path
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    other.create_collection("staff")
    with pytest.raises(CollectionExistsError):
        other.import_collection(tmp_path / "one")
    assert other.describe_collection("staff").face_count == 0


def other_model(document: dict[str, object]) -> None:
    document["model_version"] = "other-1"


def other_cohort(document: dict[str, object]) -> None:
    document["cohort_version"] = "other-1"


def later_format(document: dict[str, object]) -> None:
    document["format"] = 2


def no_format(document: dict[str, object]) -> None:
    del document["format"]


def no_files(document: dict[str, object]) -> None:
    document["files"] = []


def no_time(document: dict[str, object]) -> None:
    document["created_at"] = "yesterday"


def no_threshold(document: dict[str, object]) -> None:
    document["threshold"] = math.nan


@pytest.mark.parametrize(
    "damage",
    [other_model, other_cohort, later_format, no_format, no_files, no_time, no_threshold],
)
def test_an_export_that_does_not_fit_is_refused_and_nothing_is_imported(
    filled: Gallery, other: Gallery, tmp_path: Path, damage: Callable[[dict[str, object]], None]
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    path = tmp_path / "one" / "collection.json"
    document = json.loads(path.read_text("utf-8"))
    damage(document)
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises((InvalidInputError, ModelMismatchError)) as raised:
        other.import_collection(tmp_path / "one")
    assert "\n" not in raised.value.message
    assert list(other.all_collections()) == []


@pytest.mark.parametrize("name", ["faces.parquet", "people.jsonl", "collection.json"])
@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_damaged_export_is_refused_and_nothing_is_imported(
    filled: Gallery, other: Gallery, tmp_path: Path, name: str, damage: str
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    path = tmp_path / "one" / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.unlink()
    with pytest.raises(InvalidInputError) as raised:
        other.import_collection(tmp_path / "one")
    assert "\n" not in raised.value.message
    assert list(other.all_collections()) == []


def changed(folder: Path, name: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the lines of a file of an export by hand, and correct its digest."""
    path = folder / name
    documents = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    change(documents)
    path.write_text("".join(json.dumps(each) + "\n" for each in documents), "utf-8")
    state(folder, name, len(documents))


def state(folder: Path, name: str, entries: int) -> None:
    """Write what a file of an export has now into its description."""
    path = folder / "collection.json"
    document = json.loads(path.read_text("utf-8"))
    (described,) = (each for each in document["files"] if each["name"] == name)
    described["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    described["entries"] = entries
    path.write_text(json.dumps(document), "utf-8")


def register(text: str) -> Callable[[list[dict[str, Any]]], object]:
    return lambda people: people[0].update(registration=text)


def step(entries: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = entries[0]["steps"][0]
    return found


FACE = "0f3c0ad5-54a4-8b4e-9c1d-2f5e6a7b8c9d"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("people.jsonl", lambda ls: ls[1].update(face_ids=ls[0]["face_ids"]), "line 2 .* face"),
        ("people.jsonl", lambda ls: ls[1].update(name=ls[0]["name"]), "line 2 .* name"),
        ("people.jsonl", lambda ls: ls.append(ls[0]), "line 3 .* person 'ann' a second time"),
        ("people.jsonl", lambda ls: ls[0].update(name="a\nb"), r"line 1 .* invalid name 'a\\nb'"),
        ("people.jsonl", lambda ls: ls[0].update(name="Zoe\u0308"), "line 1 .* stored form"),
        ("people.jsonl", lambda ls: ls[0].update(name=" Zoe"), "line 1 .* stored form"),
        ("clusters.jsonl", lambda ls: ls[0].update(number=10**17), "line 1 .* 10,000,000"),
        ("clusters.jsonl", lambda ls: ls.append(ls[0]), "cluster 'c[0-9]+' a second time"),
        (
            "clusters.jsonl",
            lambda ls: ls.append({"number": 99, "face_ids": [FACE, FACE], "ignored": False}),
            f"face '{FACE}' a second time",
        ),
        ("history.jsonl", lambda ls: ls.append(ls[0]), "entry .* a second time"),
        ("people.jsonl", lambda ls: ls[0].update(created_at=1e300), "line 1 .* invalid .* 1e.300"),
        ("people.jsonl", lambda ls: ls[0].update(created_at=10**400), "line 1 .* invalid .* 1000"),
        ("people.jsonl", lambda ls: ls[0].update(created_at=-1), "line 1 .* invalid .* -1"),
        ("people.jsonl", lambda ls: ls[0].update(created_at=math.nan), "line 1 .* not JSON"),
        ("people.jsonl", register("2026-13-26/2099-01-01"), "line 1 .* day of consent"),
        ("people.jsonl", register("2026-01-01/2026-02-30"), "line 1 .* day of expiry"),
        ("people.jsonl", register("2026-01-02/2026-01-01"), "line 1 .* expires too early"),
        (
            "history.jsonl",
            lambda ls: ls[0]["cause"].update(at=1e12),
            "line 1 .* invalid .* 10{12}",
        ),
        (
            "history.jsonl",
            lambda ls: step(ls).update(created_at=1e300),
            "line 1 .* invalid .* 1e.300",
        ),
        (
            "history.jsonl",
            lambda ls: step(ls).update(earlier_registration="2026-00-01/2099-01-01"),
            "line 1 .* an invalid earlier_registration",
        ),
    ],
)
def test_files_that_contradict_each_other_are_refused_and_nothing_is_imported(
    filled: Gallery,
    other: Gallery,
    tmp_path: Path,
    name: str,
    change: Callable[[list[dict[str, Any]]], object],
    message: str,
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    changed(tmp_path / "one", name, change)
    with pytest.raises(InvalidInputError, match=message) as raised:
        other.import_collection(tmp_path / "one")
    assert "\n" not in raised.value.message
    assert list(other.all_collections()) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("faces.parquet", b"PAR1 something else PAR1"),
        ("people.jsonl", b"\xff\n"),
        ("tombstones.jsonl", b""),
    ],
)
def test_a_file_of_something_else_is_refused_and_nothing_is_imported(
    filled: Gallery, other: Gallery, tmp_path: Path, name: str, content: bytes
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    (tmp_path / "one" / name).write_bytes(content)
    state(tmp_path / "one", name, 1)
    with pytest.raises(InvalidInputError):
        other.import_collection(tmp_path / "one")
    assert list(other.all_collections()) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("indexed_at", 1e300),
        ("box_left", math.nan),
        ("confidence", math.inf),
        ("nose_x", -math.inf),
        ("source", None),
    ],
)
def test_a_value_that_no_face_has_is_refused_and_nothing_is_imported(
    filled: Gallery, other: Gallery, tmp_path: Path, column: str, value: object
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    path = tmp_path / "one" / "faces.parquet"
    table = parquet.read_table(path)
    rows = table.to_pylist()
    rows[3][column] = value
    parquet.write_table(table.from_pylist(rows, table.schema), path)
    state(tmp_path / "one", path.name, len(rows))
    with pytest.raises(InvalidInputError, match=r"faces\.parquet has a row with a value"):
        other.import_collection(tmp_path / "one")
    assert list(other.all_collections()) == []


def test_a_registration_that_has_expired_is_imported_as_it_was(
    filled: Gallery, other: Gallery, tmp_path: Path
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    changed(tmp_path / "one", "people.jsonl", register("2020-01-01/2021-01-01"))
    other.import_collection(tmp_path / "one")
    registration = other.describe_user("staff", "ann").registration
    assert registration is not None
    assert not registration.is_active(time.time())


def test_a_person_corrected_by_hand_is_imported(
    filled: Gallery, other: Gallery, tmp_path: Path
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    changed(tmp_path / "one", "people.jsonl", lambda people: people[0].update(name="Zhang Wei"))
    other.import_collection(tmp_path / "one")
    assert other.describe_user("staff", "ann").name == "Zhang Wei"


def test_a_file_that_is_not_of_faces_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "faces.parquet"
    path.write_bytes(b"PAR1 something else PAR1")
    with pytest.raises(InvalidInputError, match="is not a Parquet file of faces"):
        list(read_faces(path))


STEPS = ("create_collection", "put_tombstones", "create_user", "add_corrections", "put_history")


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_import_is_completed_by_the_next(
    filled: Gallery, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.export_collection("staff", tmp_path / "one")
    (tmp_path / "other").mkdir()
    collaborators = Collaborators.in_folder(tmp_path / "other")
    other = collaborators.gallery()

    def killed(*_: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(collaborators.records), step, killed)
        other.import_collection(tmp_path / "one")
    if step != "create_collection":
        with pytest.raises(InvalidInputError, match="import of collection 'staff' is incomplete"):
            other.export_collection("staff", tmp_path / "two")
        filled.set_threshold("staff", 0.9)
        filled.export_collection("staff", tmp_path / "later")
        with pytest.raises(CollectionExistsError) as raised:
            other.import_collection(tmp_path / "later")
        assert "complete that import" in (raised.value.hint or "")
        # Nothing but that import completes it, so the command line must not name another way.
        assert raised.value.consequence is None
    other.import_collection(tmp_path / "one")
    other.export_collection("staff", tmp_path / "two")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert other.import_collection(tmp_path / "one").already_imported
