"""A database that was lost or replaced by an older copy, after deletions and restorations."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import nullcontext
from pathlib import Path

import pytest

from facerec.cli.exit_codes import ExitCode
from facerec.factory import open_gallery, open_local_store
from facerec.gallery.base import GalleryBase
from facerec.gallery.erasing.tombstones import keep_texts
from facerec.storage.sqlite.store import SqliteStore
from tests.functional.test_erasing import ANN, Installation, erase
from tests.functional.test_erasing import here as here
from tests.support.long import rarely_short

NAME = "Zoë Canary"


class KilledError(RuntimeError):
    """Ends a process."""


def kill_at(patch: pytest.MonkeyPatch, owner: type, method: str) -> None:
    """End the process where a method is called."""

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    patch.setattr(owner, method, killed)


def copy_of(here: Installation) -> Path:
    """Return a copy of the database."""
    target = here.data.parent / "copy.db"
    with sqlite3.connect(here.data / "facerec.db") as one, sqlite3.connect(target) as other:
        one.backup(other)
    return target


def lose_database(here: Installation) -> None:
    for path in here.data.glob("facerec.db*"):
        path.unlink()


def with_people(here: Installation) -> list[str]:
    """Index photos and name two people; return the faces of the first."""
    here.index()
    own = sorted(face for face, (name, _) in here.faces().items() if name == ANN)
    with open_gallery(here.data) as gallery:
        for user_id, name in (("p-4711", NAME), ("bob", "Bob")):
            gallery.create_user("staff", user_id, name=f"Early {name}")
            gallery.rename_user("staff", user_id, name)
        gallery.associate_faces("staff", "p-4711", own, min_similarity=0)
        (other,) = [face for face, (name, _) in here.faces().items() if name == "bob-ray"][:1]
        gallery.not_same("staff", other, "p-4711")
    return own


DELETE = ("people", "delete", "--collection", "staff", NAME, "--yes")
ERASE = ("erase", "--collection", "staff", "--person", "p-4711", "--yes")


@pytest.mark.parametrize(
    ("words", "door", "killed"),
    [
        (DELETE, "index", None),
        (ERASE, "verify", None),
        (DELETE, "index", "delete_user"),
        (ERASE, "verify", "forget_answers"),
        (DELETE, "verify", "erase_history"),
    ],
    ids=["deleted", "erased", "killed at first", "killed between", "killed at last"],
)
def test_a_deleted_person_leaves_an_older_copy(
    here: Installation,
    words: tuple[str, ...],
    door: str,
    killed: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_people(here)
    older = copy_of(here)
    assert here.run(*words).exit_code == ExitCode.DONE
    expected = here.faces()
    lose_database(here)
    shutil.copy(older, here.data / "facerec.db")

    index = ("index", here.photos, "--collection", "staff", "--external-ids", "folder")
    repair = (*index, "--workers", 1) if door == "index" else ("verify", "staff", "--repair")
    if killed is None:
        assert here.json("verify", "staff")["people_returned"] == 1
        assert "1 person removed: deleted on purpose" in here.run(*repair).output
    else:
        with monkeypatch.context() as patch:
            kill_at(patch, SqliteStore, killed)
            assert isinstance(here.run(*repair).exception, KilledError)
        assert here.run(*repair).exit_code == ExitCode.DONE
    assert here.faces() == expected
    with open_gallery(here.data) as gallery:
        (bob,) = gallery.list_users("staff").users
        assert (bob.user_id, bob.name) == ("bob", "Bob")
        assert gallery.list_corrections("staff").corrections == ()
        (renamed, created) = gallery.list_history("staff", person="bob").entries
        assert {step.user_id for step in (*renamed.steps, *created.steps)} == {"bob"}
    assert not here.holders([NAME.encode(), b"p-4711"])
    assert "person removed" not in here.run(*repair).output


def restore_before_deletion(here: Installation) -> None:
    """Delete a person, and put the copy of the database back that was made before."""
    older = copy_of(here)
    assert here.run(*DELETE).exit_code == 0
    lose_database(here)
    shutil.copy(older, here.data / "facerec.db")


def test_a_returned_person_whom_another_process_deletes_first_is_no_error(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_people(here)
    restore_before_deletion(here)
    delete_user = SqliteStore.delete_user

    def deleted_before(
        store: SqliteStore, collection_id: str, user_id: str, *, created_at: float | None = None
    ) -> bool:
        delete_user(store, collection_id, user_id)
        return delete_user(store, collection_id, user_id, created_at=created_at)

    monkeypatch.setattr(SqliteStore, "delete_user", deleted_before)
    checked = here.run("verify", "staff", "--repair")
    assert checked.exit_code == 0, checked.output
    assert not here.holders([NAME.encode(), b"p-4711"])


def test_a_person_who_is_created_again_while_a_returned_one_is_removed_stays(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = with_people(here)
    restore_before_deletion(here)
    delete_user = SqliteStore.delete_user

    def created_again(
        store: SqliteStore, collection_id: str, user_id: str, *, created_at: float | None = None
    ) -> bool:
        with monkeypatch.context() as patch, open_gallery(here.data) as gallery:
            patch.setattr(SqliteStore, "delete_user", delete_user)
            delete_user(store, collection_id, user_id)
            gallery.create_user(collection_id, user_id, name=NAME)
            gallery.associate_faces(collection_id, user_id, own, min_similarity=0)
        return delete_user(store, collection_id, user_id, created_at=created_at)

    monkeypatch.setattr(SqliteStore, "delete_user", created_again)
    checked = here.run("verify", "staff", "--repair")
    assert checked.exit_code == 0, checked.output
    with open_gallery(here.data) as gallery:
        assert gallery.describe_user("staff", "p-4711").name == NAME
        (found, *_) = gallery.search_users_by_face("staff", own[0]).matches
        assert found.user.user_id == "p-4711"
        assert gallery.list_history("staff", person="p-4711").entries


def test_a_person_who_was_created_again_after_the_deletion_stays(here: Installation) -> None:
    with_people(here)
    here.run("people", "delete", "--collection", "staff", NAME, "--yes")
    lose_database(here)
    here.index()
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "p-4711", name=NAME)
    here.index("--force")
    with open_gallery(here.data) as gallery:
        assert [user.name for user in gallery.list_users("staff").users] == [NAME]
        assert len(gallery.list_history("staff").entries) == 1


def test_faces_that_a_job_stored_again_on_purpose_stay_in_a_lost_database(
    here: Installation,
) -> None:
    here.index()
    faces = here.faces()
    erase(here, "--external-id", ANN)
    assert here.faces() != faces
    here.index("--restore-deleted")
    assert here.faces() == faces
    lose_database(here)
    here.index("--force")
    assert here.faces() == faces


@pytest.mark.parametrize("killed", [False, True])
def test_a_face_that_a_request_stored_again_on_purpose_stays_in_a_lost_database(
    here: Installation, killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    faces, photo = here.faces(), here.photos / "bob-ray" / "0.jpg"
    with open_gallery(here.data) as gallery:
        (face_id,) = [
            face.record.face_id
            for face in gallery.list_faces("staff").faces
            if face.record.source == str(photo)
        ]
    erase(here, "--external-id", ANN)
    erase(here, "--face", face_id)
    with open_gallery(here.data) as gallery, monkeypatch.context() as patch:
        if killed:
            kill_at(patch, type(gallery._job_data), "drop_lifted_tombstones")
        with pytest.raises(KilledError) if killed else nullcontext():
            gallery.index("staff", photo, external_image_id="bob-ray")
    expected = {each: named for each, named in faces.items() if named[0] != ANN}
    here.index()
    assert here.faces() == expected
    lose_database(here)
    here.index("--force")
    assert here.faces() == expected


def test_an_erasure_in_a_lost_database_keeps_the_erasures_before_it(here: Installation) -> None:
    here.index()
    faces = here.faces()
    erase(here, "--external-id", ANN)
    lose_database(here)
    with open_gallery(here.data) as gallery:
        gallery.create_collection("staff")
        photo = here.photos / "cid-fox" / "0.jpg"
        (stored,) = gallery.index("staff", photo, external_image_id="cid-fox").faces
    erase(here, "--face", stored.record.face_id)
    here.index("--force")
    gone = {each for each, named in faces.items() if named[0] == ANN} | {stored.record.face_id}
    assert here.faces().keys() == faces.keys() - gone


@pytest.mark.parametrize("release", rarely_short(["this", "earlier"], "earlier"))
def test_erasures_under_two_keys_are_all_kept(
    here: Installation, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    faces = here.faces()
    erase(here, "--external-id", ANN)
    lose_database(here)
    with monkeypatch.context() as patch:
        # An erasure in a database that has lost the first key, and makes another one.
        patch.setattr(GalleryBase, "_restore_tombstone_key", lambda *_: None)
        with open_gallery(here.data) as gallery:
            gallery.create_collection("staff")
            photo = here.photos / "cid-fox" / "0.jpg"
            (stored,) = gallery.index("staff", photo, external_image_id="cid-fox").faces
            gallery.delete_faces("staff", [stored.record.face_id])
    if release == "earlier":
        # It marked all erasures, and restored the tombstones of its own key only.
        with open_gallery(here.data) as gallery, open_local_store(here.data) as store:
            receipts = [each.erasure_id for each in gallery.list_erasures("staff")]
            marks = {f"erasure {each}": {"seen"} for each in receipts}
            keep_texts("staff", marks, records=store)
    gone = {each for each, named in faces.items() if named[0] == ANN} | {stored.record.face_id}
    for _ in range(2):
        here.index("--force")
        assert here.faces().keys() == faces.keys() - gone
    here.index("--force", "--restore-deleted")
    assert here.faces().keys() == faces.keys()
    # What was restored on purpose stays, also in the copies.
    lose_database(here)
    here.index("--force")
    assert here.faces().keys() == faces.keys()
