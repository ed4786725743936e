"""Everything about somebody is erased at every door, with a receipt, and a check that proves it."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from facerec.cli.exit_codes import ExitCode
from facerec.cli.main import main
from facerec.core.derived_names import derived_external_image_id
from facerec.core.erasures import SubjectKind
from facerec.core.schemas import violation
from facerec.errors import ConflictError, InvalidInputError
from facerec.factory import open_gallery
from facerec.gallery.base import GalleryBase
from facerec.gallery.operations.retention import RETENTION_TAG, SECONDS_OF_DAY
from facerec.gallery.receipts import Erasures
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite.store import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.long import mostly_long

ANN = "ann-lee-4711"


class Installation:
    """The command line over a data folder, with a folder of photos of people."""

    def __init__(self, folder: Path) -> None:
        self.data, self.photos = folder / "data", folder / "photos"

    def run(self, *words: object) -> Result:
        environment = {"FACEREC_DATA": str(self.data)}
        return CliRunner(env=environment).invoke(main, [str(word) for word in words])

    def json(self, *words: object) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.run(*words, "--json").stdout)

    def write(self, person: str, number: int) -> Path:
        path = self.photos / person / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(fake_photo(fake_face(person, shot=number, away=0.1)))
        return path

    def index(self, *options: object) -> Result:
        words = ("index", self.photos, "--collection", "staff", "--external-ids", "folder")
        result = self.run(*words, "--workers", 1, *options)
        assert result.exit_code == 0, result.output
        return result

    def faces(self) -> dict[str, tuple[str | None, bytes]]:
        """Return the name and the bytes of the embedding of each face."""
        with open_gallery(self.data) as gallery:
            ids = [face.record.face_id for face in gallery.list_faces("staff").faces]
            stored = gallery._faces.get_faces("staff", ids)
            return {
                face.record.face_id: (
                    face.record.external_image_id,
                    face.embedding.astype("<f4").tobytes(),
                )
                for face in stored
            }

    def holders(self, traces: Iterable[bytes], folder: Path | None = None) -> set[str]:
        """Return the files that contain one of the traces."""
        found = (path for path in (folder or self.data).rglob("*") if path.is_file())
        return {str(path) for path in found if any(trace in path.read_bytes() for trace in traces)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    installation = Installation(tmp_path)
    for person in (ANN, "bob-ray", "cid-fox"):
        for number in range(3):
            installation.write(person, number)
    return installation


def erase(here: Installation, *words: object) -> Result:
    return here.run("erase", "--collection", "staff", *words, "--yes")


def test_an_erased_name_is_nowhere_and_does_not_come_back(here: Installation) -> None:
    here.index()
    here.index("--max-faces", 1, "--job-folder", here.data.parent / "own")
    before = here.faces()
    ann = {face_id: vector for face_id, (name, vector) in before.items() if name == ANN}
    assert len(ann) == 3
    traces = [ANN.encode(), *ann.values(), *(face_id.encode() for face_id in ann)]
    assert here.holders(traces)
    assert here.holders(traces, here.data.parent / "own")
    erased = erase(here, "--external-id", ANN, "--check", "--json")
    assert erased.exit_code == ExitCode.DONE, erased.output
    receipt = json.loads(erased.stdout)
    assert receipt.pop("left") == []
    assert violation("receipt", receipt) is None
    assert (receipt["subject"], receipt["status"]) == ("EXTERNAL_ID", "DONE")
    assert receipt["faces"] == 3
    assert [(job["rows"], job["manifest_lines"]) for job in receipt["jobs"]] == [(3, 3)] * 2
    assert sum(job["embeddings"] for job in receipt["jobs"]) >= 3
    assert here.holders(traces) == set()
    assert here.holders(traces, here.data.parent / "own") == set()
    assert here.json("erasures", "list", "--collection", "staff") == {"erasures": [receipt]}
    here.index()
    here.index("--max-faces", 1)
    assert here.json("verify", "staff", "--repair")["missing"] == 0
    assert here.faces().keys() == before.keys() - ann.keys()


@pytest.mark.parametrize(
    ("indexed_by", "named_by"),
    [
        ("folder", "link to a link"),
        ("link", "folder"),
        ("link to a link", "links to photos"),
        ("links to photos", "folder"),
    ],
)
def test_a_photo_is_erased_by_any_path_that_leads_to_it(
    here: Installation, indexed_by: str, named_by: str
) -> None:
    (here.photos / ANN / "empty.jpg").write_bytes(fake_photo())
    root = here.photos.parent
    (root / "link").symlink_to(here.photos)
    (root / "link to a link").symlink_to(root / "link")
    for photo in (here.photos / ANN).iterdir():
        link = root / "links to photos" / ANN / photo.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(photo)
    folders = {"folder": here.photos}
    indexed, named = (folders.get(each, root / each) for each in (indexed_by, named_by))
    here.photos = indexed
    here.index()
    for photo in ("1.jpg", "empty.jpg"):
        erased = erase(here, "--photo", named / ANN / photo, "--check")
        assert "nothing is left" in erased.output
        assert "nothing was found" not in erased.output
        assert here.holders([str(indexed / ANN / photo).encode()]) == set()
    assert sorted(name or "" for name, _ in here.faces().values()).count(ANN) == 2


def test_a_photo_is_erased_by_its_path_and_others_of_its_person_stay(here: Installation) -> None:
    here.index()
    photo = here.photos / ANN / "1.jpg"
    erased = erase(here, "--photo", photo, "--check")
    assert "nothing is left" in erased.output
    assert here.holders([str(photo).encode()]) == set()
    assert sorted(name or "" for name, _ in here.faces().values()).count(ANN) == 2


def test_a_user_is_erased_with_its_faces_vector_and_answers(here: Installation) -> None:
    here.index()
    with open_gallery(here.data) as gallery:
        faces = [f.record.face_id for f in gallery.list_faces("staff").faces]
        own = [face for face in faces if here.faces()[face][0] == ANN]
        gallery.create_user("staff", "the-user")
        gallery.answer_once("t", {}, lambda: {"UserId": "the-user"})
        gallery.associate_faces("staff", "the-user", own, min_similarity=0)
    erased = erase(here, "--person", "the-user", "--check", "--json")
    assert erased.exit_code == ExitCode.DONE, erased.output
    receipt = json.loads(erased.stdout)
    counts = {name: receipt[name] for name in ("faces", "users", "answers")}
    assert counts == {"faces": 3, "users": 1, "answers": 1}
    assert receipt["user_vectors"] == 1
    shown = here.run("erasures", "show", receipt["erasure_id"], "--collection", "staff").output
    assert "people: 1 person" in shown
    assert "vectors of people: 1 vector" in shown
    assert "person" in here.run("erasures", "list", "--collection", "staff").output
    assert here.holders([b"the-user"]) == set()
    assert len(here.faces()) == 6


def with_person(here: Installation, user_id: str, displayed: str) -> None:
    """Add a person with the faces of Ann."""
    here.index()
    own = [face_id for face_id, (name, _) in here.faces().items() if name == ANN]
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", user_id, name=displayed)
        gallery.associate_faces("staff", user_id, own, min_similarity=0)


def test_a_person_is_exported_and_erased_by_display_name(
    here: Installation, tmp_path: Path
) -> None:
    with_person(here, "employee-4711", "Ann Müller")
    name = ("--person", "Ann Müller")
    exported = here.run("export", "--collection", "staff", *name, "--output", tmp_path / "own")
    assert exported.exit_code == ExitCode.DONE, exported.output
    assert json.loads((tmp_path / "own" / "export.json").read_text())["name"] == "employee-4711"
    erased = erase(here, *name, "--check", "--json")
    assert erased.exit_code == ExitCode.DONE, erased.output
    assert json.loads(erased.stdout)["faces"] == 3
    assert here.holders(["Ann Müller".encode(), b"employee-4711"]) == set()


@pytest.mark.parametrize("command", ["erase", "people delete"])
def test_corrections_that_name_a_person_by_the_display_name_go_too(
    here: Installation, command: str
) -> None:
    with_person(here, "employee-4711", "Ann Müller")
    other = next(face_id for face_id, (name, _) in here.faces().items() if name != ANN)
    stated = here.run("faces", "not-same", other, "Ann Müller", "--collection", "staff")
    assert stated.exit_code == ExitCode.DONE, stated.output
    words = {
        "erase": ("erase", "--person", "Ann Müller", "--check"),
        "people delete": ("people", "delete", "Ann Müller"),
    }[command]
    done = here.run(*words, "--collection", "staff", "--yes")
    assert done.exit_code == ExitCode.DONE, done.output
    assert here.json("faces", "corrections", "--collection", "staff")["corrections"] == []
    assert here.holders(["Ann Müller".encode()]) == set()


def test_a_check_finds_the_name_of_a_person_in_the_addresses_of_photos(here: Installation) -> None:
    for person in ("Xena", "Xenana"):
        for number in range(2):
            here.write(person, number)
    words = ("index", here.photos, "--collection", "staff", "--workers", 1)
    indexed = here.run(*words, "--person-from", "folder")
    assert indexed.exit_code == ExitCode.DONE, indexed.output
    erased = erase(here, "--person", "Xena", "--check")
    assert erased.exit_code == ExitCode.REMAINDER
    assert "address with the name" in erased.output
    assert "nothing is left" not in erased.output
    for number in range(2):
        photo = erase(here, "--photo", here.photos / "Xena" / f"{number}.jpg", "--check")
        assert photo.exit_code == ExitCode.DONE, photo.output
    assert here.holders([b"Xena/"]) == set()
    assert erase(here, "--person", "Xena", "--check").exit_code == ExitCode.DONE


def test_a_check_finds_earlier_names_and_those_of_merged_people_in_addresses(
    here: Installation,
) -> None:
    for person in ("Ann Lee", "Zoë", "Bob"):
        here.write(person, 0)
    words = ("index", here.photos, "--collection", "staff", "--workers", 1)
    indexed = here.run(*words, "--person-from", "folder")
    assert indexed.exit_code == ExitCode.DONE, indexed.output
    for change in (("rename", "Ann Lee", "Ann Zott"), ("merge", "Ann Zott", "Zoë")):
        changed = here.run("people", *change, "--collection", "staff")
        assert changed.exit_code == ExitCode.DONE, changed.output
    erased = erase(here, "--person", "Ann Zott", "--check")
    assert erased.exit_code == ExitCode.REMAINDER
    for address in (b"Ann Lee/", "Zoë/".encode()):
        assert (left := here.holders([address]))
        assert all(path in erased.output for path in left)


def test_a_check_finds_the_name_of_a_person_in_the_memory_of_photos(here: Installation) -> None:
    photo = here.write("Xena", 0)
    names = here.photos.parent / "names.csv"
    names.write_text(f"image,name\n{photo},Xena\n", "utf-8")
    words = ("index", names, "--collection", "staff", "--workers", 1)
    indexed = here.run(*words, "--person-from", "column:name")
    assert indexed.exit_code == ExitCode.DONE, indexed.output
    erased = erase(here, "--person", "Xena", "--check")
    assert erased.exit_code == ExitCode.REMAINDER
    assert "/remembered/" in erased.output


def test_a_check_finds_the_name_of_a_person_in_external_image_ids(here: Installation) -> None:
    photo = here.write("photos", 0)
    ids = here.photos.parent / "ids.jsonl"
    ids.write_text(json.dumps({"image": str(photo), "external_image_id": "xena_0"}) + "\n")
    words = ("index", ids, "--collection", "staff", "--workers", 1)
    assert here.run(*words).exit_code == ExitCode.DONE
    (face_id,) = here.faces()
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "xena")
        gallery.associate_faces("staff", "xena", [face_id], min_similarity=0)
    erased = erase(here, "--person", "xena", "--check")
    assert erased.exit_code == ExitCode.REMAINDER
    assert "external image id with the name" in erased.output
    assert erase(here, "--external-id", "xena_0", "--check").exit_code == ExitCode.DONE
    assert here.holders([b"xena"]) == set()


def test_a_name_that_may_mean_two_people_erases_nobody(here: Installation) -> None:
    with_person(here, "employee-4711", "ann")
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "ann")
    erased = erase(here, "--person", "ann")
    assert erased.exit_code == ExitCode.INVALID_INPUT
    assert "employee-4711" in erased.output
    assert len(here.faces()) == 9


def test_a_text_that_is_no_id_and_nobodys_name_is_refused(here: Installation) -> None:
    with_person(here, "employee-4711", "Ann Müller")
    erased = erase(here, "--person", "Ann Mueller")
    assert erased.exit_code == ExitCode.NOT_FOUND
    assert erase(here, "--person", "nobody").exit_code == ExitCode.DONE
    assert len(here.faces()) == 9


def test_a_check_finds_what_is_left(here: Installation) -> None:
    here.index()
    (vector, *_) = (vector for name, vector in here.faces().values() if name == ANN)
    (here.data / "copy-of-the-database").write_bytes(b"..." + vector)
    (here.data / "note.json").write_text(json.dumps({"external_image_id": ANN}))
    erased = erase(here, "--external-id", ANN, "--check")
    assert erased.exit_code == ExitCode.REMAINDER
    assert f"left in {here.data / 'copy-of-the-database'}: embedding" in erased.output
    assert f"left in {here.data / 'note.json'}: external image id" in erased.output


def test_what_others_hold_by_right_is_not_left(here: Installation) -> None:
    here.index()
    with open_gallery(here.data) as gallery:
        gallery.create_collection("guests")
        content = (here.photos / ANN / "0.jpg").read_bytes()
        gallery.index("guests", content, external_image_id=ANN)
        gallery.index("staff", content, external_image_id="another-name")
    erased = erase(here, "--external-id", ANN, "--check")
    assert erased.exit_code == ExitCode.DONE, erased.output
    assert len(here.faces()) == 7


def test_a_name_that_is_not_known_is_erased_already(here: Installation) -> None:
    here.index()
    erased = erase(here, "--external-id", "nobody")
    assert erased.exit_code == ExitCode.DONE
    assert "nothing was found" in erased.output
    assert erase(here, "--external-id", "nobody", "--person", "a").exit_code == ExitCode.USAGE
    assert erase(here).exit_code == ExitCode.USAGE
    assert len(here.faces()) == 9


def interrupted_deletion(here: Installation, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Delete the collection ``staff``, interrupted by Ctrl-C before the store is reached."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("facerec.storage.faces.FaceStore.delete_namespace", interrupted)
        return here.run("collections", "delete", "staff", "--yes")


def test_an_interrupted_deletion_names_its_erasure_and_is_shown(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    result = interrupted_deletion(here, monkeypatch)
    assert result.exit_code == ExitCode.INTERRUPTED
    (erasure,) = here.json("erasures", "list", "--collection", "staff")["erasures"]
    assert erasure["status"] == "RUNNING"
    described = here.json("collections", "describe", "staff")
    assert described["deletion_id"] == erasure["erasure_id"]
    assert violation("collection", described) is None
    shown = here.run("collections", "describe", "staff").output
    for output in (result.output, shown, here.run("verify", "staff").output):
        assert erasure["erasure_id"] in output
        assert "facerec erasures resume" in output


def test_nothing_is_added_to_a_collection_that_is_being_deleted(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    before = here.faces()
    interrupted_deletion(here, monkeypatch)
    photo = here.write("new-person", 0)
    refused = here.run("index", here.photos, "--collection", "staff", "--workers", 1)
    assert refused.exit_code == ExitCode.ERROR
    assert "is being deleted" in refused.output
    assert "facerec erasures resume" in refused.output
    with open_gallery(here.data) as gallery, pytest.raises(ConflictError, match="being deleted"):
        gallery.index("staff", photo.read_bytes())
    assert here.run("verify", "staff", "--repair").exit_code == ExitCode.ERROR
    assert here.faces() == before


@pytest.mark.parametrize("command", [["erasures", "resume"], ["collections", "delete", "staff"]])
def test_what_is_indexed_after_a_completed_deletion_stays(
    here: Installation, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    here.index()
    interrupted_deletion(here, monkeypatch)
    (note,) = (here.data / "erasures" / "pending").iterdir()
    killed_note = note.read_bytes()
    assert here.run(*command, *(["--yes"] if "delete" in command else [])).exit_code == 0
    here.index()
    before = here.faces()
    assert len(before) == 9
    # as if the process of the deletion had only been slow
    note.write_bytes(killed_note)
    assert here.run("collections", "expire").exit_code == 0
    assert here.run("rebuild", "staff").exit_code == 0
    assert here.faces() == before
    assert here.json("collections", "describe", "staff")["deletion_id"] is None
    assert here.json("verify", "staff")["missing"] == 0


def test_a_shown_name_erases_its_own_photo_and_no_other(here: Installation) -> None:
    here.write("a", 0)
    here.write("b", 0)
    (here.photos / "a" / "0.jpg").rename(here.photos / "a" / "b.jpg")
    (here.photos / "b" / "0.jpg").rename(here.photos / "a:b.jpg")
    here.index("--external-ids", "path")
    shown = here.run("faces", "list", "--collection", "staff").output
    assert "a:b.jpg" in shown
    assert "a.x3Ab.jpg" in shown
    erased = erase(here, "--external-id", "a.x3Ab.jpg", "--check", "--json")
    assert json.loads(erased.stdout)["faces"] == 1
    names = {name for name, _ in here.faces().values()}
    assert "a:b.jpg" in names
    assert "a.x3Ab.jpg" not in names


def test_a_killed_erasure_is_completed(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    here.index()
    with open_gallery(here.data) as gallery:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(gallery._records, "forget_answers", killed)
        with pytest.raises(KeyboardInterrupt):
            gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
    assert here.holders([ANN.encode()]) != set()
    (receipt,) = here.json("erasures", "list", "--collection", "staff")["erasures"]
    assert receipt["status"] == "RUNNING"
    (resumed,) = here.json("erasures", "resume")["erasures"]
    assert (resumed["erasure_id"], resumed["status"]) == (receipt["erasure_id"], "DONE")
    assert here.holders([ANN.encode()]) == set()
    assert here.json("erasures", "resume") == {"erasures": []}


@pytest.mark.parametrize("next_", ["the same erasure", "the deletion of the collection"])
def test_a_killed_erasure_is_completed_by_the_next(
    here: Installation, monkeypatch: pytest.MonkeyPatch, next_: str
) -> None:
    here.index()
    with open_gallery(here.data) as gallery, monkeypatch.context() as patch:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(gallery._records, "forget_answers", killed)
        with pytest.raises(KeyboardInterrupt):
            gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
    if next_ == "the same erasure":
        again = erase(here, "--external-id", ANN, "--check")
    else:
        again = here.run("collections", "delete", "staff", "--yes")
    assert again.exit_code == ExitCode.DONE, again.output
    assert here.holders([ANN.encode()]) == set()
    receipts = here.json("erasures", "list", "--collection", "staff")["erasures"]
    assert {receipt["status"] for receipt in receipts} == {"DONE"}


@pytest.mark.parametrize("name", ["employee-4711", "Ann Müller"])
@pytest.mark.parametrize("command", ["erase", "people delete"])
@pytest.mark.parametrize(
    "killed_at",
    mostly_long(
        [(SqliteStore, "erase_history"), (SqliteStore, "erase_copies"), (Erasures, "finish")], 1
    ),
)
def test_the_same_command_completes_the_killed_erasure_of_a_person(
    here: Installation,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: tuple[type, str],
    command: str,
    name: str,
) -> None:
    with_person(here, "employee-4711", "Ann Müller")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    words = (
        ("erase", "--person", name, "--check", "--yes")
        if command == "erase"
        else ("people", "delete", name, "--yes")
    )
    words = (*words, "--collection", "staff")
    with monkeypatch.context() as patch:
        patch.setattr(*killed_at, killed)
        assert here.run(*words).exit_code != ExitCode.DONE
    traces = [b"employee-4711", "Ann Müller".encode(), b"Ann M\\u00fcller"]
    assert here.holders(traces) != set()
    again = here.run(*words)
    assert again.exit_code == ExitCode.DONE, again.output
    assert here.holders(traces) == set()
    receipts = here.json("erasures", "list", "--collection", "staff")["erasures"]
    assert {receipt["status"] for receipt in receipts} == {"DONE"}


def test_the_check_finds_a_name_in_the_note_of_a_killed_erasure(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_person(here, "employee-4711", "Ann-Lee")
    with open_gallery(here.data) as gallery, monkeypatch.context() as patch:
        patch.setattr(Erasures, "finish", lambda *_: None)
        gallery.erase("staff", SubjectKind.USER, "employee-4711")
    monkeypatch.setattr(Erasures, "person_of", lambda *_: None)
    again = here.run("erase", "--collection", "staff", "--person", "Ann-Lee", "--yes", "--check")
    assert again.exit_code == ExitCode.REMAINDER, again.output


def test_an_erasure_killed_between_its_first_writes_is_completed(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    with open_gallery(here.data) as gallery, monkeypatch.context() as patch:
        write = LocalObjects.write

        def killed(*values: Any, **options: Any) -> None:  # noqa: ANN401 - any
            write(*values, **options)
            raise KeyboardInterrupt

        patch.setattr(LocalObjects, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
    (resumed,) = here.json("erasures", "resume")["erasures"]
    assert resumed["status"] == "DONE"
    assert here.holders([ANN.encode()]) == set()


def test_a_face_of_a_person_is_erased_from_the_file_at_once(here: Installation) -> None:
    here.index()
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "ann")
        ids = [face_id for face_id, (name, _) in here.faces().items() if name == ANN]
        gallery.associate_faces("staff", "ann", ids)
        before = gallery._faces.get_faces("staff", ids)
        gallery.erase("staff", SubjectKind.FACE, ids[0])
        # while the server that has erased it is still running
        erased = next(face for face in before if face.record.face_id == ids[0])
        traces = [ids[0].encode(), erased.embedding.astype("<f4").tobytes()]
        assert here.holders(traces) == set()


def test_a_deleted_collection_leaves_files_of_others_in_a_folder_of_a_job(
    here: Installation,
) -> None:
    own = here.data.parent / "own"
    (own / "ledger").mkdir(parents=True)
    notes = [own / "notes.txt", own / "ledger" / "2026.ods", own / "manifest-mine.jsonl"]
    for note in notes:
        note.write_text("mine")
    here.index("--job-folder", own)
    deleted = here.run("collections", "delete", "staff", "--yes", "--json")
    receipt = json.loads(deleted.stdout)
    assert (receipt["subject"], receipt["faces"]) == ("COLLECTION", 9)
    assert {path for path in own.rglob("*") if path.is_file()} == set(notes)
    assert here.json("erasures", "list", "--collection", "staff") == {"erasures": [receipt]}


def test_a_lost_database_is_rebuilt_without_what_was_erased(here: Installation) -> None:
    here.index()
    own = here.data.parent / "own"
    here.index("--max-faces", 1, "--job-folder", own)
    erase(here, "--external-id", ANN)
    faces = here.faces()
    for path in here.data.glob("facerec.db*"):
        path.unlink()
    rebuilt = here.json("rebuild", "staff")
    assert (rebuilt["missing"], rebuilt["unreadable_jobs"]) == (6, 0)
    assert here.faces() == faces
    assert here.json("rebuild", "staff")["missing"] == 0
    here.index()
    assert here.faces() == faces


def test_what_people_have_said_is_copied_to_another_store(
    here: Installation, tmp_path: Path
) -> None:
    here.run("collections", "create", "staff", "--expire-after", "365d")
    here.index()
    with open_gallery(here.data) as gallery:
        own = sorted(face for face, (name, _) in here.faces().items() if name == ANN)
        gallery.create_user("staff", "ann", name="Ann 李")
        gallery.create_user("staff", "gone")
        single = gallery.index("staff", fake_photo(fake_face(ANN, shot=9))).faces[0].record
        gallery.associate_faces("staff", "ann", [*own[:2], single.face_id], min_similarity=0)
        gallery.not_same("staff", own[2], "cid-fox")
        gallery.set_threshold("staff", 0.91)
    rebuilt = here.json("rebuild", "staff", "--into", tmp_path / "new")
    assert rebuilt["records"] == "COPIED"
    assert rebuilt["copied"] == {"people": 2, "corrections": 1, "lacking": 1}
    with open_gallery(tmp_path / "new") as gallery:
        (ann, _) = gallery.list_users("staff").users
        assert (ann.name, sorted(ann.face_ids)) == ("Ann 李", own[:2])
        assert [each.face_id for each in gallery.list_corrections("staff").corrections] == [own[2]]
        summary = gallery.describe_collection("staff")
        assert (summary.retention_days, summary.collection.threshold) == (365, 0.91)
        assert len(gallery.list_history("staff").entries) == 4
        found = gallery.search_users_by_face("staff", own[2], threshold=0)
        assert [match.user.user_id for match in found.matches] == ["ann"]
        gallery.delete_user("staff", "gone")
    again = here.json("rebuild", "staff", "--into", tmp_path / "new")
    assert (again["records"], again["copied"]) == ("KEPT", None)
    with open_gallery(tmp_path / "new") as gallery:
        assert [user.user_id for user in gallery.list_users("staff").users] == ["ann"]


@pytest.mark.parametrize("killed", [False, True])
def test_what_was_said_about_clusters_is_copied_to_another_store(
    here: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    here.index()
    with open_gallery(here.data) as gallery:
        gallery.cluster_faces("staff")
        clusters = gallery.list_clusters("staff").clusters
        gallery.ignore_cluster("staff", clusters[1].cluster_id)
        gallery.not_a_face("staff", clusters[0].face_ids[0])
        expected = said_about_clusters(here.data)
    assert expected[1]
    if killed:
        with monkeypatch.context() as patch:

            def kill(*_: object) -> None:
                raise RuntimeError

            patch.setattr(SqliteStore, "save_clusters", kill)
            assert here.run("rebuild", "staff", "--into", tmp_path / "new").exit_code != 0
    assert "with clusters" in here.run("rebuild", "staff", "--into", tmp_path / "new").output
    assert said_about_clusters(tmp_path / "new") == expected
    with open_gallery(tmp_path / "new") as gallery:
        gallery.cluster_faces("staff")
    assert said_about_clusters(tmp_path / "new") == expected


def said_about_clusters(data: Path) -> tuple[dict[int, list[str]], set[int], list[str]]:
    """Return the faces of each cluster, the ignored clusters, and what is not a face."""
    with SqliteStore(data / "facerec.db") as store:
        members = store.members_of_clusters("staff", range(1, 20))
        return members, store.ignored_clusters("staff"), store.list_not_faces("staff")


def test_a_rebuild_says_that_people_are_lost_with_the_database(
    here: Installation, tmp_path: Path
) -> None:
    here.index()
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "ann")
    for path in here.data.glob("facerec.db*"):
        path.unlink()
    assert (
        "are lost with the database"
        in here.run("rebuild", "staff", "--into", tmp_path / "new").output
    )
    assert "are lost with the database" in here.run("rebuild", "staff").output
    assert here.json("rebuild", "staff")["records"] == "KEPT"


def test_what_was_deleted_stays_deleted_in_another_store(
    here: Installation, tmp_path: Path
) -> None:
    here.index()
    erase(here, "--external-id", ANN)
    faces = here.faces()
    here.run("rebuild", "staff", "--into", tmp_path / "new")
    other = Installation(tmp_path)
    other.data = tmp_path / "new"
    assert other.faces() == faces
    other.index()
    assert other.faces() == faces
    assert here.run("rebuild", "staff", "--into", tmp_path / "new").exit_code == ExitCode.DONE


def test_another_store_is_filled_and_its_erasures_reach_the_job_folders(
    here: Installation, tmp_path: Path
) -> None:
    here.index()
    faces = here.faces()
    assert (
        "9 faces of 9 restored" in here.run("rebuild", "staff", "--into", tmp_path / "new").output
    )
    other = Installation(tmp_path)
    other.data = tmp_path / "new"
    assert other.faces() == faces
    assert erase(other, "--external-id", ANN, "--check").exit_code == ExitCode.DONE
    assert here.run("rebuild", "guests").exit_code == ExitCode.NOT_FOUND
    # The embeddings are erased there; this store still has the faces.
    assert "6 faces of jobs compared" in here.run("verify", "staff").output
    assert here.faces() == faces


def test_a_deleted_job_leaves_its_faces_and_the_files_of_others(here: Installation) -> None:
    own = here.data.parent / "own"
    own.mkdir()
    (own / "mine.txt").write_text("mine")
    here.index("--job-folder", own)
    faces = here.faces()
    (job,) = here.json("jobs", "list")["jobs"]
    warned = CliRunner(env={"FACEREC_DATA": str(here.data)}).invoke(
        main, ["jobs", "delete", job["job_id"]], input="n\n"
    )
    assert "the embeddings of 9 faces" in warned.output
    assert here.json("jobs", "delete", job["job_id"], "--yes")["files"] > 3
    assert [path.name for path in own.rglob("*") if path.is_file()] == ["mine.txt"]
    assert here.json("jobs", "list") == {"jobs": []}
    assert here.faces() == faces


def test_faces_expire_with_the_people_who_have_no_others(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here.run("collections", "create", "staff", "--expire-after", "1y").exit_code == 4
    here.run("collections", "create", "staff", "--expire-after", "30d")
    here.index()
    with open_gallery(here.data) as gallery:
        ann, *_ = (face for face, (name, _) in here.faces().items() if name == ANN)
        gallery.create_user("staff", "the-user")
        gallery.associate_faces("staff", "the-user", [ann])
    assert "no face has expired" in here.run("collections", "expire").output
    now = time.time()
    defaults = GalleryBase.__init__.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "clock", lambda: now + 31 * SECONDS_OF_DAY)
    assert here.json("collections", "expire", "--dry-run") == {"staff": 9}
    (receipt,) = here.json("collections", "expire")["erasures"]
    assert (receipt["subject"], receipt["faces"], receipt["users"]) == ("EXPIRED", 9, 1)
    assert here.holders([ann.encode(), b"the-user"]) == set()
    here.run("collections", "update", "staff", "--expire-after", "never")
    assert here.json("collections", "expire", "staff", "--dry-run") == {"staff": 0}


def test_a_wrong_retention_is_named_and_no_other_collection_waits_for_it(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.run("collections", "create", "staff", "--expire-after", "30d")
    here.index()
    here.run("collections", "create", "bad")
    with SqliteStore(here.data / "facerec.db") as store:
        store.change_tags("bad", put={RETENTION_TAG: "1.5d"})
    defaults = GalleryBase.__init__.__kwdefaults__ or {}
    later = time.time() + 31 * SECONDS_OF_DAY
    monkeypatch.setitem(defaults, "clock", lambda: later)
    result = here.run("collections", "expire")
    assert result.exit_code == ExitCode.INVALID_INPUT
    assert "of collection 'bad' is wrong" in result.stderr
    assert "9 faces of collection staff expired and erased" in result.stdout
    assert here.faces() == {}
    assert here.run("collections", "update", "bad", "--expire-after", "2d").exit_code == 0
    assert here.run("collections", "expire").exit_code == 0


@pytest.mark.parametrize("days", [1.5, True, 0, 36_501, "1", float("nan")])
def test_a_retention_is_a_whole_number_of_days(here: Installation, days: Any) -> None:  # noqa: ANN401
    with open_gallery(here.data) as gallery:
        gallery.create_collection("staff")
        with pytest.raises(InvalidInputError, match="number of days must be an integer"):
            gallery.set_retention("staff", days)
        assert gallery.get_retention("staff") is None


def test_a_face_of_a_person_is_refused_alike_by_all_commands_that_need_it_free(
    here: Installation,
) -> None:
    here.index()
    face, *_ = here.faces()
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "the-user")
        gallery.create_user("staff", "other")
        gallery.associate_faces("staff", "the-user", [face])
    for words in (
        ("faces", "delete", face),
        ("faces", "not-same", face, "the-user"),
        ("people", "not-a-face", face),
        ("people", "add", "other", face),
    ):
        result = here.run(*words, "--collection", "staff")
        assert (words, result.exit_code) == (words, ExitCode.INVALID_INPUT)
        assert f"face {face} is associated with person 'the-user'" in result.stderr


def test_an_export_has_everything_that_an_erasure_removes(here: Installation) -> None:
    here.index()
    faces = {face: vector for face, (name, vector) in here.faces().items() if name == ANN}
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", "the-user")
        gallery.associate_faces("staff", "the-user", list(faces)[:1])
    folder = here.data.parent / "export"
    words = ("export", "--collection", "staff", "--output", folder)
    folder.mkdir()
    assert here.run(*words, "--external-id", "nobody").exit_code == ExitCode.NOT_FOUND
    assert here.run(*words, "--external-id", ANN).exit_code == ExitCode.DONE
    assert folder.stat().st_mode & 0o077 == 0
    exported = json.loads((folder / "export.json").read_text())
    assert violation("export", exported) is None
    held = {
        each["face"]["face_id"]: struct.pack("<128f", *each["embedding"])
        for each in exported["faces"]
    }
    assert held == faces
    assert [person["user_id"] for person in exported["people"]] == ["the-user"]
    (job,) = exported["jobs"]
    assert len(job["rows"]) == len(job["faces"]) == 3
    assert here.run(*words, "--external-id", ANN).exit_code == ExitCode.INVALID_INPUT
    erase(here, "--external-id", ANN)
    words = (*words[:-1], here.data.parent / "again")
    assert here.run(*words, "--external-id", ANN).exit_code == ExitCode.NOT_FOUND


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation that has indexed one photo at two addresses, and another photo."""
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    content = here.write("ann", 1).read_bytes()
    (here.photos / "ann" / "2.jpg").write_bytes(content)
    here.write("bob", 1)
    here.index()
    assert len(here.faces()) == 2
    return here


@pytest.mark.parametrize("number", [1, 2])
def test_a_photo_is_erased_by_each_of_its_addresses(copies: Installation, number: int) -> None:
    photo = copies.photos / "ann" / f"{number}.jpg"
    erased = erase(copies, "--photo", photo, "--check", "--json")
    assert erased.exit_code == ExitCode.DONE, erased.output
    assert json.loads(erased.stdout)["faces"] == 1
    assert len(copies.faces()) == 1
    assert copies.holders([f'"{photo}"'.encode(), f"{photo}\t".encode()]) == set()


def test_a_photo_is_exported_by_each_of_its_addresses(copies: Installation) -> None:
    for number in (1, 2):
        folder = copies.data.parent / f"export-{number}"
        photo = copies.photos / "ann" / f"{number}.jpg"
        words = ("export", "--collection", "staff", "--photo", photo, "--output", folder)
        assert copies.run(*words).exit_code == ExitCode.DONE
        assert len(json.loads((folder / "export.json").read_text())["faces"]) == 1


def test_an_erasure_of_a_photo_that_is_killed_after_the_rows_is_completed(
    copies: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("facerec.storage.faces.FaceStore.delete_faces", killed)
        erase(copies, "--photo", copies.photos / "ann" / "2.jpg")
    assert len(copies.faces()) == 2
    with open_gallery(copies.data) as gallery:
        (receipt,) = gallery.resume_erasures(older_than=0)
    assert receipt.faces == 1
    assert len(copies.faces()) == 1


def test_an_erasure_that_is_resumed_erases_nothing_of_a_later_collection(
    copies: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    before = copies.faces()
    with monkeypatch.context() as patch:
        patch.setattr("facerec.storage.faces.FaceStore.delete_faces", killed)
        erase(copies, "--photo", copies.photos / "ann" / "2.jpg")
    (note,) = (copies.data / "erasures" / "pending").iterdir()
    killed_note = note.read_bytes()
    with open_gallery(copies.data) as gallery:
        gallery.delete_collection("staff")
        assert not note.exists()
        copies.index()
        # as if its process had only been slow
        note.write_bytes(killed_note)
        (receipt,) = gallery.resume_erasures(older_than=0)
    assert receipt.is_empty
    assert copies.faces() == before


def test_a_check_finds_the_addresses_of_the_photos_of_a_name(here: Installation) -> None:
    here.index()
    photo = str(here.photos / ANN / "1.jpg")
    (here.data / "note.json").write_text(json.dumps({"photo": photo}))
    erased = erase(here, "--external-id", ANN, "--check")
    assert erased.exit_code == ExitCode.REMAINDER
    assert f"left in {here.data / 'note.json'}: photo" in erased.output


def test_an_address_that_another_name_holds_is_not_left(here: Installation) -> None:
    manifest = here.photos.parent / "twice.jsonl"
    photos = sorted(here.photos.glob("*/*.jpg"))
    lines = [
        json.dumps({"image": str(photo), "external_image_id": name})
        for photo in photos
        for name in (derived_external_image_id(photo.parent.name), f"other-{photo.stem}")
    ]
    manifest.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    words = ("index", manifest, "--collection", "staff", "--workers", 1)
    assert here.run(*words).exit_code == ExitCode.DONE
    assert len(here.faces()) == 18
    erased = erase(here, "--external-id", ANN, "--check")
    assert erased.exit_code == ExitCode.DONE, erased.output
    assert len(here.faces()) == 15


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff{"])
def test_a_damaged_file_of_an_erasure_is_an_error_of_one_line(
    here: Installation, content: bytes
) -> None:
    here.index()
    erase(here, "--external-id", ANN)
    (receipt,) = (here.data / "erasures" / "receipts").rglob("*.json")
    (tombstones,) = (here.data / "jobs").rglob("tombstones-*.json")
    erasures = ("erasures", "list", "--collection", "staff")
    for path, *words in (
        (receipt, *erasures),
        (receipt, "erasures", "show", receipt.stem, "--collection", "staff"),
        (tombstones, "rebuild", "staff"),
    ):
        before = path.read_bytes()
        path.write_bytes(content)
        refused = here.run(*words)
        path.write_bytes(before)
        assert refused.exit_code == ExitCode.INVALID_INPUT, refused.output
        assert f"of erasure '{receipt.stem}' is damaged" in refused.stderr
        assert here.run(*words).exit_code == ExitCode.DONE


def test_the_damaged_note_of_an_erasure_is_named_and_discarded(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    with open_gallery(here.data) as gallery, monkeypatch.context() as patch:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(gallery._records, "forget_answers", killed)
        with pytest.raises(KeyboardInterrupt):
            gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
    (note,) = (here.data / "erasures" / "pending").glob("*.json")
    note.write_bytes(note.read_bytes()[:20])
    refused = here.run("erasures", "resume")
    assert refused.exit_code == ExitCode.INVALID_INPUT
    assert "facerec erasures discard" in refused.output
    again = here.json("erase", "--collection", "staff", "--external-id", ANN, "--yes")
    assert again["status"] == "DONE"
    assert here.run("erasures", "discard", note.stem).exit_code == 0
    assert here.json("erasures", "resume") == {"erasures": []}
    shown = here.json("erasures", "show", note.stem, "--collection", "staff")
    assert shown["status"] == "ABANDONED"
    assert violation("receipt", shown) is None
    assert here.run("erasures", "discard", note.stem).exit_code == ExitCode.NOT_FOUND


def test_a_data_folder_beside_the_working_folder_can_be_erased_from(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here.photos)
    here.data = Path("../data")
    here.index("--job-folder", "../own")
    assert erase(here, "--external-id", ANN, "--check").exit_code == ExitCode.DONE
    assert here.run("rebuild", "staff").exit_code == ExitCode.DONE
    assert {name for name, _ in here.faces().values()} == {"bob-ray", "cid-fox"}
    assert here.run("collections", "delete", "staff", "--yes").exit_code == ExitCode.DONE


def with_person_of_id(here: Installation, user_id: str) -> None:
    """Create a person with an id, who has one face of Ann."""
    face_id = next(face_id for face_id, (name, _) in here.faces().items() if name == ANN)
    with open_gallery(here.data) as gallery:
        gallery.create_user("staff", user_id)
        gallery.associate_faces("staff", user_id, [face_id], min_similarity=0)


WORDS = {
    "a parent folder of all photos": "photos",
    "the folder of somebody else": "bob-ray",
    "a file name": "0.jpg",
    "the end of all file names": "jpg",
    "the collection": "staff",
    "a folder of the installation": "jobs",
    "the start of ids of faces": "",
    "a job": "",
}
"""Ids of people that equal something else; "" for ids that are known only later."""


@pytest.mark.parametrize("what", WORDS)
@pytest.mark.parametrize("option", ["--person", "--external-id"])
def test_an_id_that_is_only_a_word_somewhere_else_does_not_count_as_left(
    here: Installation, option: str, what: str
) -> None:
    (here.photos / "bob-ray" / "nobody.jpg").write_bytes(fake_photo())
    here.index()
    (job,) = (path.name for path in (here.data / "jobs").iterdir() if "@" not in path.name)
    others = [face_id for face_id, (name, _) in here.faces().items() if name != ANN]
    word = {"a job": job, "the start of ids of faces": min(others)[:1]}.get(what, WORDS[what])
    if option == "--person":
        with_person_of_id(here, word)
    elif word == "bob-ray":
        # It is an external id indeed.
        word = "bob"
    erased = erase(here, option, word, "--check")
    assert erased.exit_code == ExitCode.DONE, erased.output
    assert "nothing is left" in erased.output


def test_a_name_in_the_folder_of_somebodys_own_photos_counts_beside_a_photo_of_others(
    here: Installation,
) -> None:
    both = here.photos / ANN / "both.jpg"
    both.write_bytes(fake_photo(fake_face(ANN, shot=7), fake_face("bob-ray", shot=7, left=0.5)))
    here.index()
    with open_gallery(here.data) as gallery:
        shown = [face.record for face in gallery.list_faces("staff").faces]
        bob = max(
            (record for record in shown if record.source.endswith("both.jpg")),
            key=lambda record: record.box.left,
        )
        own = [each.face_id for each in shown if each.external_image_id == ANN and each != bob]
        assert len(own) == 4
        gallery.create_user("staff", ANN)
        gallery.associate_faces("staff", ANN, own, min_similarity=0)
    erased = erase(here, "--person", ANN, "--check")
    assert erased.exit_code == ExitCode.REMAINDER
    assert "address with the name" in erased.output


@pytest.mark.parametrize(("folder", "code"), [("guests", 0), ("unknown", 8)])
def test_only_folders_that_may_be_of_the_collection_count_as_left(
    here: Installation, folder: str, code: int
) -> None:
    here.index()
    name = "guests-0123456789ab" if folder == "guests" else "copied"
    other = here.data / "jobs" / name / "manifest-01234567.jsonl"
    other.parent.mkdir()
    other.write_text(json.dumps({"image": "a.jpg", "external_image_id": ANN}) + "\n")
    erased = erase(here, "--external-id", ANN, "--check")
    assert erased.exit_code == code, erased.output
    assert ("unknown whether left in" in erased.output) == (folder == "unknown")
    assert "\nleft in" not in erased.output
    assert other.exists()


def test_a_check_beside_a_folder_that_cannot_be_read_erases_all_else_and_fails(
    here: Installation,
) -> None:
    here.index()
    (plan,) = (here.data / "jobs").glob("*/plan.json")
    content = plan.read_bytes()
    plan.unlink()
    erased = erase(here, "--external-id", ANN, "--check")
    assert erased.exit_code == ExitCode.INVALID_INPUT
    assert plan.parent.name in erased.stderr
    assert ANN not in {name for name, _ in here.faces().values()}
    plan.write_bytes(content)
    again = erase(here, "--external-id", ANN, "--check")
    assert again.exit_code == ExitCode.DONE, again.output
    assert here.holders([ANN.encode()]) == set()
