"""A photo that was erased stays erased, also if no face of it was ever stored."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.records import FaceRecord
from facerec.gallery.gallery import Gallery
from facerec.gallery.receipts import Erasure, Erasures
from facerec.jobs.erasing.lost_erasures import restore_lost_tombstones
from facerec.jobs.job_data import JobFolders
from facerec.jobs.ledger.report import write_report
from facerec.jobs.outcomes import Outcome
from facerec.jobs.verifying.job_check import verify_collection
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeEngine, fake_face, fake_photo
from tests.support.gallery import Collaborators
from tests.support.jobs import LocalJob
from tests.support.memory_objects import MemoryObjects
from tests.support.moments import every_nth

ANN = "ann-lee-4711"


class Installation:
    """Stores, jobs and photos in one folder."""

    def __init__(self, folder: Path, store: SqliteStore) -> None:
        self.folder, self.photos, self.store = folder, folder / "photos", store
        self.photos.mkdir()
        self.objects = LocalObjects()

    def gallery(self, **others: Any) -> Gallery:  # noqa: ANN401
        folders = JobFolders(self.objects, f"{self.folder}/jobs/")
        return Collaborators(
            self.store, self.store, FakeEngine(), job_data=folders, **others
        ).gallery()

    def write(self, name: str, content: bytes) -> None:
        (self.photos / f"{name}.jpg").write_bytes(content)

    def list(self, names: dict[str, str | None]) -> None:
        """Write the manifest: the external image ids of photos."""
        lines = [
            json.dumps({"image": str(self.photos / f"{photo}.jpg"), "external_image_id": name})
            for photo, name in names.items()
        ]
        (self.folder / "list.jsonl").write_text("".join(f"{line}\n" for line in lines))

    def index(self, source: str = "list.jsonl", **settings: object) -> Counter[Outcome]:
        """Index the manifest, or another source; return how many rows have each outcome."""
        store = self.store
        manifest = os.path.join(self.folder, source)  # noqa: PTH118 - keeps the final slash
        job = LocalJob(self.folder, manifest, faces=store, records=store, **settings)
        job.run()
        write_report(job.plan, job.objects, tolerated_failure_percentage=50)
        return Counter(row.outcome for row in job.rows())

    def faces(self) -> list[FaceRecord]:
        return self.store.list_faces("staff", limit=1000)

    def names(self) -> list[str | None]:
        """Return the external image ids of all faces, in order."""
        return sorted((face.external_image_id for face in self.faces()), key=str)

    def files_with(self, text: str) -> set[str]:
        files = (path for path in (self.folder / "jobs").rglob("*") if path.is_file())
        return {str(path) for path in files if text.encode() in path.read_bytes()}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    """Photos of Ann: one with a clear and a doubtful face, one with a doubtful one, one missing."""
    with SqliteStore(tmp_path / "store.sqlite") as store:
        here = Installation(tmp_path, store)
        doubtful = fake_face("ann", away=0.2, left=0.5, confidence=0.8)
        here.write("both", fake_photo(fake_face("ann"), doubtful))
        here.write("doubtful", fake_photo(doubtful))
        here.write("bob", fake_photo(fake_face("bob")))
        here.list({"both": ANN, "doubtful": ANN, "missing": ANN, "bob": "bob"})
        yield here


def erase(here: Installation, kind: SubjectKind, name: str) -> None:
    here.gallery().erase("staff", kind, name)


def erase_photo(here: Installation, name: str) -> None:
    erase(here, SubjectKind.PHOTO, str(here.photos / f"{name}.jpg"))


WIDE: dict[str, object] = {"options": {"min_confidence": 0.5}}
"""Options by which the doubtful faces are found too."""


@pytest.mark.parametrize("options", [{}, WIDE], ids=["the same options", "other options"])
def test_no_later_job_finds_a_face_of_an_erased_name(
    here: Installation, options: dict[str, object]
) -> None:
    here.index()
    assert here.names() == [ANN, "bob"]
    erase(here, SubjectKind.EXTERNAL_ID, ANN)
    outcomes = here.index(force=True, **options)
    assert outcomes[Outcome.ERASED] == 3
    assert here.names() == ["bob"]
    assert here.files_with(ANN) == set()
    assert here.files_with("both.jpg") == set()


def test_a_photo_whose_external_image_id_was_erased_is_indexed_under_another_one(
    here: Installation,
) -> None:
    here.index()
    erase(here, SubjectKind.EXTERNAL_ID, ANN)
    here.list({"both": ANN, "bob": "bob"})
    here.index()
    assert here.names() == ["bob"]
    here.list({"both": "ann-2", "bob": "bob"})
    here.index()
    assert here.names() == ["ann-2", "bob"]


def test_an_erased_photo_stays_erased_under_another_external_image_id(here: Installation) -> None:
    here.index()
    erase_photo(here, "both")
    here.list({"both": "ann-2", "bob": "bob"})
    here.index()
    assert here.names() == ["bob"]


def test_an_erased_photo_stays_erased_wherever_it_is_moved(here: Installation) -> None:
    here.index()
    for photo in ("doubtful", "both"):
        erase_photo(here, photo)
        (here.photos / f"{photo}.jpg").rename(here.photos / f"moved-{photo}.jpg")
    here.list({"moved-both": "ann-2", "moved-doubtful": None, "bob": "bob"})
    assert here.index(**WIDE)[Outcome.ERASED] == 2
    assert here.names() == ["bob"]
    assert here.files_with("moved-") == set()


@pytest.mark.parametrize("source", ["photos/", "list.jsonl", "list.csv", "list.txt"])
def test_no_manifest_of_a_complete_job_names_an_erased_photo(
    here: Installation, source: str
) -> None:
    here.write("new", fake_photo(fake_face("cid")))
    photos = [str(here.photos / f"{name}.jpg") for name in ("both", "bob", "doubtful", "new")]
    here.list({"both": None, "bob": None, "doubtful": None, "new": None})
    (here.folder / "list.csv").write_text("\n".join(["image", *photos]))
    (here.folder / "list.txt").write_text("\n".join(photos))
    here.index(source)
    for photo in ("both", "bob"):
        erase_photo(here, photo)
    outcomes = here.index(source, force=True, images_per_child=1)
    assert (outcomes[Outcome.ERASED], outcomes.total()) == (2, 4)
    assert here.files_with("both.jpg") == here.files_with("bob.jpg") == set()
    named = [Path(file).name for file in here.files_with("new.jpg")]
    assert any(name.startswith("manifest-") for name in named)


def test_another_photo_at_the_address_of_an_erased_one_is_indexed(here: Installation) -> None:
    here.index()
    erase_photo(here, "doubtful")
    here.write("doubtful", fake_photo(fake_face("cid")))
    here.index(force=True)
    assert here.names() == [ANN, ANN, "bob"]


def test_a_photo_that_could_not_be_read_stays_erased(here: Installation) -> None:
    here.index()
    erase(here, SubjectKind.EXTERNAL_ID, ANN)
    here.write("missing", fake_photo(fake_face("ann", shot=3)))
    here.index(force=True)
    assert here.names() == ["bob"]


def test_a_copy_that_is_held_by_right_keeps_its_faces(here: Installation) -> None:
    here.write("copy", (here.photos / "both.jpg").read_bytes())
    here.list({"both": ANN, "copy": "copy"})
    here.index()
    erase(here, SubjectKind.EXTERNAL_ID, ANN)
    here.index(**WIDE)
    assert here.names() == ["copy", "copy"]


def test_whoever_asks_for_an_erased_photo_gets_it_back(here: Installation) -> None:
    here.index(**WIDE)
    names = here.names()
    erase(here, SubjectKind.EXTERNAL_ID, ANN)
    here.index(restore_deleted=True, **WIDE)
    assert here.names() == names == [ANN, ANN, ANN, "bob"]
    here.index(force=True, **WIDE)
    assert here.names() == names
    erase(here, SubjectKind.EXTERNAL_ID, ANN)
    content = (here.photos / "both.jpg").read_bytes()
    assert len(here.gallery().index("staff", content, external_image_id=ANN).faces) == 1
    here.index(force=True)
    assert here.names() == [ANN, "bob"]


class Killed(BaseException):
    """The process is killed."""


class Kills:
    """Kills a process before one of the writes to its stores and objects."""

    def __init__(self, here: Installation, at: int, patch: pytest.MonkeyPatch) -> None:
        self.at, self.calls = at, 0
        for name in ("put_tombstones", "delete_faces", "forget_answers", "erase_copies"):
            self._watch(here.store, name, patch)
        for name in ("write", "delete", "write_file"):
            self._watch(here.objects, name, patch)

    def _watch(self, target: object, name: str, patch: pytest.MonkeyPatch) -> None:
        original: Callable[..., object] = getattr(target, name)

        def called(*values: object, **options: object) -> object:
            self.calls += 1
            if self.calls == self.at:
                raise Killed
            return original(*values, **options)

        patch.setattr(target, name, called)


def test_a_photo_stays_erased_wherever_its_erasure_is_killed(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1 + number for number in every_nth("erased photos", 4)):
        here.index(restore_deleted=True)
        assert here.names() == [ANN, "bob"]
        gallery = here.gallery()
        with monkeypatch.context() as patch:
            kills, ended = Kills(here, number, patch), False
            try:
                gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
            except Killed:
                # A job runs before the erasure is completed: it may find what is still there.
                here.index(force=True, **WIDE)
            else:
                ended = True
        gallery.resume_erasures(older_than=-1)
        here.index(force=True, **WIDE)
        if number > 1 or ended:
            # Before its first write, nothing is known of the erasure.
            assert here.names() == ["bob"], number
            assert here.files_with(ANN) == set(), number
        else:
            erase(here, SubjectKind.EXTERNAL_ID, ANN)
        if ended:
            break
    assert kills.calls > 5


@dataclass(frozen=True, slots=True)
class ErasuresAtABadMoment(Erasures):
    """Erasures between whose selection and tombstones something else happens."""

    before_begin: Callable[[], object] = int

    def begin(self, *arguments: Any) -> Erasure:  # noqa: ANN401
        self.before_begin()
        return Erasures.begin(self, *arguments)


@pytest.mark.parametrize("kind", [SubjectKind.EXTERNAL_ID, SubjectKind.PHOTO])
def test_a_face_that_a_job_stores_while_its_photo_is_erased_is_erased(
    here: Installation, kind: SubjectKind
) -> None:
    here.list({"bob": "bob"})
    here.index()
    here.list({"both": ANN, "bob": "bob"})
    erasures = ErasuresAtABadMoment(MemoryObjects(), "erasures/", before_begin=here.index)
    name = ANN if kind is SubjectKind.EXTERNAL_ID else str(here.photos / "both.jpg")
    here.gallery(erasures=erasures).erase("staff", kind, name)
    assert here.names() == ["bob"]
    assert here.files_with(ANN) == set()


def test_erased_photos_stay_erased_when_the_store_is_lost(
    here: Installation, tmp_path: Path
) -> None:
    here.index()
    erase(here, SubjectKind.EXTERNAL_ID, ANN)
    erase_photo(here, "bob")
    with SqliteStore(tmp_path / "new.sqlite") as store:
        here.store = store
        here.gallery().create_collection("staff")
        restore_lost_tombstones("staff", here.objects, f"{here.folder}/jobs/", store)
        assert here.index(**WIDE)[Outcome.ERASED] == 4
        assert here.names() == []


def test_a_person_loses_the_erased_faces_of_an_older_copy(
    here: Installation, tmp_path: Path
) -> None:
    here.index()
    gallery = here.gallery(clock=time.time)
    (own,) = (face.face_id for face in here.faces() if face.external_image_id == ANN)
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [own], min_similarity=0)
    older = sqlite3.connect(tmp_path / "older.sqlite")
    with sqlite3.connect(tmp_path / "store.sqlite") as current:
        current.backup(older)
    older.close()
    gallery.erase("staff", SubjectKind.EXTERNAL_ID, ANN)
    with SqliteStore(tmp_path / "older.sqlite") as store:
        here.store = store
        assert here.names() == [ANN, "bob"]
        for repair, returned in ((False, 1), (True, 1), (True, 0)):
            found = verify_collection(
                "staff", here.objects, f"{here.folder}/jobs/", store, store, repair=repair
            )
            assert found.returned == returned
        assert here.names() == ["bob"]
        assert store.users_of_faces("staff", [own]) == {}
