"""Collections that jobs have indexed, and that are migrated to another model version."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from facerec.core.erasures import SubjectKind
from facerec.core.records import StoredFace
from facerec.errors import ConflictError, InvalidInputError, MigrationError
from facerec.factory.erasures import open_erasures
from facerec.gallery.gallery import Gallery
from facerec.gallery.receipts import Erasures
from facerec.jobs.child.attempt import ChildDependencies
from facerec.jobs.erasing import folder_erasure, job_versions
from facerec.jobs.erasure_check.check import erase_and_check
from facerec.jobs.erasure_check.traces import CheckedStores
from facerec.jobs.job_data import JobFolders
from facerec.jobs.ledger.embeddings import read_embeddings
from facerec.jobs.local.jobs import LocalJobs
from facerec.jobs.local.runs import LocalRuns
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan, read_plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.verifying.job_check import verify_collection
from facerec.jobs.verifying.rebuild import rebuild_collection
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from facerec.storage.sqlite.database import Database
from facerec.testing.engine import FakeEngine
from tests.support.gallery import Collaborators
from tests.support.job_doors import run_jobs_in_this_process
from tests.support.jobs import LocalJob, job_input, write_manifest, write_photos

PHOTOS = 5


@dataclass
class Installation:
    """A data folder with a collection that a job has indexed."""

    folder: Path

    def gallery(self) -> Gallery:
        recipes = {"fast": FakeEngine(), "accurate": FakeEngine("fake-accurate")}
        store, objects = SqliteStore(self.folder / "store.sqlite"), LocalObjects()
        return Collaborators(
            store,
            store,
            engine=recipes["fast"],
            recipes=recipes,
            clusters=store,
            migrations=store,
            job_data=JobFolders(objects, f"{self.folder}/jobs/"),
        ).gallery()

    def job(self, version: str = "fake-1", **settings: Any) -> LocalJob:  # noqa: ANN401
        manifest = self.folder.parent / "manifest.jsonl"
        return LocalJob(self.folder, manifest, FakeEngine(version), **settings)

    def stored(self) -> dict[str, tuple[str, bytes]]:
        """Return the version and the embedding of each face by its id."""
        with SqliteStore(self.folder / "store.sqlite") as store:
            ids = [record.face_id for record in store.all_faces("staff")]
            return {
                face.record.face_id: (face.record.model_version, face.embedding.tobytes())
                for face in store.get_faces("staff", ids)
            }

    def kept(self) -> dict[str, tuple[str, bytes]]:
        """Return the same of the faces in job folders."""
        return {
            face.record.face_id: (face.record.model_version, face.embedding.tobytes())
            for path in sorted(self.folder.glob("jobs/*/embeddings/*/*"))
            for face in read_embeddings(LocalObjects(), str(path))
        }

    def plans(self) -> list[Path]:
        """Return the plans in job folders."""
        return sorted(self.folder.glob("jobs/*/plan.json"))

    def content(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    folder = tmp_path / "data"
    folder.mkdir()
    photos = write_photos(tmp_path / "photos", PHOTOS)
    write_manifest(tmp_path / "manifest.jsonl", photos)
    installed = Installation(folder)
    installed.job().run()
    return installed


def migrate(gallery: Gallery, *, finish: bool = True) -> None:
    """Migrate ``staff``, from wherever an earlier attempt was killed."""
    state = gallery.migration_status("staff")
    if state.model_version == "fake-1":
        token = None
        while True:
            page = gallery.prepare_migration("staff", "accurate", limit=2, next_token=token)
            token = page.next_token
            if token is None:
                break
        gallery.switch_version("staff")
    if finish and gallery.migration_status("staff").state is not None:
        gallery.finish_migration("staff")


def test_job_folders_have_the_version_that_is_served_in_the_end(installed: Installation) -> None:
    before = installed.stored()
    migrate(installed.gallery(), finish=False)
    assert installed.kept() == before
    migrate(installed.gallery())
    assert installed.kept() == installed.stored()
    assert {version for version, _ in installed.stored().values()} == {"fake-accurate"}
    assert installed.stored().keys() == before.keys()


def test_a_lost_database_is_rebuilt_with_the_version_that_was_served(
    installed: Installation,
) -> None:
    migrate(installed.gallery())
    served = installed.stored()
    for path in installed.folder.glob("store.sqlite*"):
        path.unlink()
    with SqliteStore(installed.folder / "store.sqlite") as store:
        rebuild_collection(
            "staff",
            LocalObjects(),
            f"{installed.folder}/jobs/",
            store,
            store,
            complete_erasures=lambda: None,
        )
    assert installed.stored() == served


def test_the_same_job_finds_all_its_photos_indexed_after_a_migration(
    installed: Installation,
) -> None:
    earlier = installed.job()
    migrate(installed.gallery())
    served, job = installed.stored(), installed.job("fake-accurate")
    assert job.plan.job_id == earlier.plan.job_id
    assert job.plan.model_version == "fake-accurate"
    job.run()
    assert job.engine.analysed == 0
    again = installed.job("fake-accurate", retry_failures=True)
    again.run()
    assert again.engine.analysed == 0
    assert installed.stored() == served


@contextmanager
def local_jobs(
    installed: Installation, monkeypatch: pytest.MonkeyPatch, *, planned: Callable[[], None]
) -> Iterator[LocalJobs]:
    """Open the jobs of the installation; something happens after each plan is written."""
    run_jobs_in_this_process(monkeypatch)
    objects, root = LocalObjects(), f"{installed.folder}/jobs/"
    file = installed.folder / "store.sqlite"

    def build(version: str) -> ChildDependencies:
        store = SqliteStore(file)
        return ChildDependencies(FakeEngine(version), store, store, objects)

    runs = LocalRuns(
        objects,
        jobs_root=root,
        open_store=lambda: SqliteStore(file),
        build_dependencies=build,
        delete_faces=lambda store, name, ids: len(store.delete_faces(name, ids)),
        workers=1,
    )

    def plan_and_wait(*given: Any, **named: Any) -> Plan:  # noqa: ANN401
        plan = plan_job(*given, **named)
        planned()
        return plan

    monkeypatch.setattr("facerec.jobs.planning.planner.plan_job", plan_and_wait)
    jobs = LocalJobs(
        objects,
        root,
        lambda: runs,
        open_store=lambda: SqliteStore(file),
        open_erasures=lambda: open_erasures(f"{installed.folder}/erasures/"),
        delete_collection=lambda collection_id: None,
        model_versions=lambda: {"fast": "fake-1", "accurate": "fake-accurate"},
    )
    try:
        yield jobs
    finally:
        jobs.close()


@pytest.mark.parametrize("finish", [True, False])
def test_a_job_that_is_planned_during_a_migration_has_the_version_that_is_served(
    installed: Installation, monkeypatch: pytest.MonkeyPatch, *, finish: bool
) -> None:
    """The plan is written after the folders of jobs were changed."""
    photos = write_photos(installed.folder.parent / "others", PHOTOS + 2)
    manifest = write_manifest(installed.folder.parent / "others.jsonl", photos)
    document = {"collection_id": "staff", "manifest": str(manifest)}

    def planned() -> None:
        plans = {path: path.read_bytes() for path in installed.plans()}
        migrate(installed.gallery(), finish=finish)
        for path, content in plans.items():
            path.write_bytes(content)

    with local_jobs(installed, monkeypatch, planned=planned) as jobs:
        if not finish:
            with pytest.raises(MigrationError, match="the migration of collection 'staff' is not"):
                jobs.submit(document)
            return
        assert jobs.result(jobs.submit(document)).new_photos == PHOTOS + 2
    assert {version for version, _ in installed.stored().values()} == {"fake-accurate"}
    assert installed.kept() == installed.stored()
    plans = [read_plan(LocalObjects(), f"{path.parent}/") for path in installed.plans()]
    assert {plan.model_version for plan in plans} == {"fake-accurate"}


def test_a_job_whose_faces_are_lost_is_not_changed_but_refused(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (plan,) = installed.plans()
    content = plan.read_bytes()
    migrate(installed.gallery())
    plan.write_bytes(content)
    kept = installed.kept()
    with SqliteStore(installed.folder / "store.sqlite") as store:
        store.delete_faces("staff", [next(iter(kept))])
    manifest = installed.folder.parent / "manifest.jsonl"
    document = {"collection_id": "staff", "manifest": str(manifest)}
    with (
        local_jobs(installed, monkeypatch, planned=lambda: None) as jobs,
        pytest.raises(MigrationError, match="has faces that collection 'staff' has lost") as caught,
    ):
        jobs.submit(document)
    assert "delete the job" in (caught.value.hint or "")
    assert installed.kept() == kept


def test_a_forced_job_stores_the_same_faces_under_the_same_ids(installed: Installation) -> None:
    migrate(installed.gallery())
    served, job = installed.stored(), installed.job("fake-accurate", force=True)
    job.run()
    assert job.engine.analysed == PHOTOS
    assert installed.stored() == served


def test_ledgers_agree_with_the_collection_after_a_migration(installed: Installation) -> None:
    for finish in (False, True):
        migrate(installed.gallery(), finish=finish)
        with SqliteStore(installed.folder / "store.sqlite") as store:
            found = verify_collection(
                "staff",
                LocalObjects(),
                f"{installed.folder}/jobs/",
                store,
                store,
                repair=False,
            )
        assert found.agrees
        assert found.faces == PHOTOS


def test_a_job_of_the_earlier_version_stores_nothing_after_the_switch(
    installed: Installation,
) -> None:
    job = installed.job(force=True)
    migrate(installed.gallery(), finish=False)
    served = installed.stored()
    with pytest.raises(ConflictError, match="serves model version 'fake-accurate' now"):
        job.run()
    assert installed.stored() == served


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_a_deleted_face_stays_deleted_when_its_photo_is_indexed_again(
    installed: Installation, when: str
) -> None:
    gallery = installed.gallery()
    (face_id, *_) = installed.stored()
    if when == "before":
        gallery.delete_faces("staff", [face_id])
    migrate(gallery, finish=False)
    if when == "during":
        gallery.delete_faces("staff", [face_id])
    migrate(gallery)
    if when == "after":
        gallery.delete_faces("staff", [face_id])
    installed.job("fake-accurate", force=True).run()
    assert len(installed.stored()) == PHOTOS - 1
    assert face_id not in installed.stored()
    assert face_id not in installed.kept()


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_an_erased_photo_stays_erased(installed: Installation, when: str) -> None:
    gallery = installed.gallery()
    if when == "before":
        gallery.erase("staff", SubjectKind.EXTERNAL_ID, "photo:0")
    migrate(gallery, finish=False)
    if when == "during":
        gallery.erase("staff", SubjectKind.EXTERNAL_ID, "photo:0")
    migrate(gallery)
    if when == "after":
        gallery.erase("staff", SubjectKind.EXTERNAL_ID, "photo:0")
    job = installed.job("fake-accurate", force=True)
    job.run()
    assert [row.outcome for row in job.rows()].count(Outcome.ERASED) == 1
    assert len(installed.stored()) == PHOTOS - 1


@pytest.mark.parametrize("finish", [False, True])
def test_no_file_has_an_embedding_of_an_erased_face(
    installed: Installation, *, finish: bool
) -> None:
    (face_id, *_) = installed.stored()
    first = installed.stored()[face_id][1]
    migrate(installed.gallery(), finish=finish)
    second = installed.stored()[face_id][1]
    assert first != second
    installed.gallery().delete_faces("staff", [face_id])
    content = installed.content()
    assert first not in content
    assert second not in content


@contextmanager
def checked_stores(installed: Installation) -> Iterator[CheckedStores]:
    with SqliteStore(installed.folder / "store.sqlite") as store:
        yield CheckedStores(
            store,
            store,
            LocalObjects(),
            f"{installed.folder}/jobs/",
            Erasures(LocalObjects(), f"{installed.folder}/erasures/"),
            (f"{installed.folder}/",),
            migrations=store,
        )


@pytest.mark.parametrize("finish", [False, True])
def test_a_check_finds_nothing_of_what_is_erased_during_a_migration(
    installed: Installation, *, finish: bool
) -> None:
    gallery = installed.gallery()
    migrate(gallery, finish=finish)
    with checked_stores(installed) as stores:
        for kind, name in ((SubjectKind.EXTERNAL_ID, "photo:0"), (SubjectKind.FACE, "")):
            name = name or next(iter(installed.stored()))
            receipt, left = erase_and_check(gallery, "staff", kind, name, stores)
            assert receipt.faces == 1
            assert left == []


def test_a_check_finds_a_face_that_is_left_on_standby(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = installed.gallery()
    migrate(gallery, finish=False)
    monkeypatch.setattr("facerec.storage.sqlite.standby.forget", lambda *_: None)
    with checked_stores(installed) as stores:
        _, left = erase_and_check(
            gallery, "staff", SubjectKind.FACE, next(iter(installed.stored())), stores
        )
    assert ("the store of faces", "face id") in {(each.place, each.what) for each in left}


def test_a_check_accepts_the_embeddings_of_the_same_photo_under_another_name(
    installed: Installation,
) -> None:
    gallery = installed.gallery()
    (first, *_) = gallery.list_faces("staff").faces
    gallery.index("staff", first.record.source, external_image_id="other")
    migrate(gallery, finish=False)
    name = first.record.external_image_id or ""
    with checked_stores(installed) as stores:
        _, left = erase_and_check(gallery, "staff", SubjectKind.EXTERNAL_ID, name, stores)
    assert "embedding" not in {each.what for each in left}


def test_a_migration_is_not_finished_while_only_a_job_folder_has_a_face(
    installed: Installation,
) -> None:
    before = installed.stored()
    with SqliteStore(installed.folder / "store.sqlite") as store:
        store.delete_faces("staff", [next(iter(before))])
    gallery = installed.gallery()
    migrate(gallery, finish=False)
    with pytest.raises(MigrationError, match="has lost 1 face "):
        gallery.finish_migration("staff")
    gallery.cancel_migration("staff")
    with SqliteStore(installed.folder / "store.sqlite") as store:
        root = f"{installed.folder}/jobs/"
        verify_collection("staff", LocalObjects(), root, store, store, repair=True)
    assert installed.stored() == before
    migrate(gallery)
    assert installed.kept() == installed.stored()
    assert installed.stored().keys() == before.keys()


def test_an_embedding_that_a_later_job_replaced_leaves_the_job_folder(
    installed: Installation,
) -> None:
    installed.job(options={"max_faces": 1}).run()
    assert len(list(installed.folder.glob("jobs/*/embeddings/*/*"))) == 2
    migrate(installed.gallery())
    assert installed.kept() == installed.stored()


def test_an_older_copy_of_the_database_is_migrated_again(installed: Installation) -> None:
    copy = installed.folder.parent / "copy.sqlite"
    (face_id, *_) = installed.stored()
    with SqliteStore(installed.folder / "store.sqlite") as store:
        store.delete_faces("staff", [face_id])
    shutil.copy(installed.folder / "store.sqlite", copy)
    installed.job().run()
    migrate(installed.gallery())
    served = installed.stored()
    assert len(served) == PHOTOS
    shutil.copy(copy, installed.folder / "store.sqlite")

    def repair() -> None:
        with SqliteStore(installed.folder / "store.sqlite") as store:
            verify_collection(
                "staff", LocalObjects(), f"{installed.folder}/jobs/", store, store, repair=True
            )

    with pytest.raises(ConflictError, match="serves model version 'fake-1' now"):
        repair()
    migrate(installed.gallery())
    repair()
    assert installed.stored() == served


def test_a_job_that_is_to_migrate_is_refused_in_one_line() -> None:
    with pytest.raises(InvalidInputError, match="a job cannot migrate a collection") as caught:
        job_input("manifest.jsonl", migrate=True)
    assert "an operation of its own" in (caught.value.hint or "")


class Killed(BaseException):
    """The process ends."""


@contextmanager
def killed_at(number: int, *, after: bool) -> Iterator[list[int]]:
    """Kill the process before or after its write of a number; yield a list with their count."""
    count = [0]

    def reached() -> bool:
        count[0] += 1
        return count[0] == number

    writing, write, delete = Database.writing, LocalObjects.write, LocalObjects.delete
    replace = LocalObjects.replace

    @contextmanager
    def killed_writing(database: Database) -> Iterator[Any]:
        joined = getattr(database._joined, "connection", None) is not None
        now = not joined and reached()
        with writing(database) as connection:
            yield connection
            if now and not after:
                raise Killed
        if now and after:
            raise Killed

    def killed(real: Any) -> Any:  # noqa: ANN401
        def change(objects: LocalObjects, *given: Any, **named: Any) -> Any:  # noqa: ANN401
            now = reached()
            if now and not after:
                raise Killed
            result = real(objects, *given, **named)
            if now:
                raise Killed
            return result

        return change

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "writing", killed_writing)
        patch.setattr(LocalObjects, "write", killed(write))
        patch.setattr(LocalObjects, "replace", killed(replace))
        patch.setattr(LocalObjects, "delete", killed(delete))
        yield count


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_migration_that_is_killed_around_any_write_continues(
    installed: Installation, tmp_path: Path, *, after: bool
) -> None:
    gallery = installed.gallery()
    people = list(installed.stored())[:2]
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", people)
    gallery.close()
    shutil.copytree(installed.folder, tmp_path / "first")
    with killed_at(0, after=after) as writes:
        migrate(installed.gallery())
    expected, total = (installed.stored(), installed.kept()), writes[0]
    assert total > 8
    for number in range(1, total + 1):
        shutil.rmtree(installed.folder)
        shutil.copytree(tmp_path / "first", installed.folder)
        with pytest.raises(Killed), killed_at(number, after=after):
            migrate(installed.gallery())
        versions = {version for version, _ in installed.stored().values()}
        assert len(versions) == 1, number
        gallery = installed.gallery()
        assert gallery.describe_user("staff", "ann").face_ids == tuple(people)
        migrate(gallery)
        assert (installed.stored(), installed.kept()) == expected, number
        assert gallery.migration_status("staff").ready == 0
        for path in installed.folder.glob("jobs/*/plan.json"):
            assert read_plan(LocalObjects(), f"{path.parent}/").model_version == "fake-accurate"


def test_a_face_that_is_erased_while_a_migration_is_finished_is_in_no_job_folder(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = installed.gallery()
    migrate(gallery, finish=False)
    (erased, *others) = sorted(installed.stored())
    written, erasing = job_versions.embeddings_content, []

    def erase_meanwhile(*arguments: Any) -> bytes:  # noqa: ANN401
        # Between the reading and the writing of a file.
        if not erasing:
            erase = partial(installed.gallery().erase, "staff", SubjectKind.FACE, erased)
            erasing.append(Thread(target=erase))
            erasing[0].start()
            time.sleep(0.3)
        return written(*arguments)

    monkeypatch.setattr(job_versions, "embeddings_content", erase_meanwhile)
    gallery.finish_migration("staff")
    erasing[0].join()
    assert sorted(installed.stored()) == others
    assert installed.kept() == installed.stored()


def test_two_faces_that_are_deleted_at_the_same_moment_are_in_no_job_folder(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, second, *others) = sorted(installed.stored())
    content = folder_erasure.embeddings_content
    deleting: list[Thread] = []

    def delete_meanwhile(faces: Sequence[StoredFace]) -> bytes:
        # Between the reading and the writing of a file.
        if not deleting:
            delete = partial(installed.gallery().delete_faces, "staff", [second])
            deleting.append(Thread(target=delete))
            deleting[0].start()
            time.sleep(0.3)
        return content(faces)

    monkeypatch.setattr(folder_erasure, "embeddings_content", delete_meanwhile)
    installed.gallery().delete_faces("staff", [first])
    deleting[0].join()
    assert sorted(installed.kept()) == sorted(installed.stored()) == others


def test_a_photo_of_several_external_ids_is_described_for_each(tmp_path: Path) -> None:
    (photo,) = write_photos(tmp_path / "photos", 1)
    folder = tmp_path / "data"
    folder.mkdir()
    gallery = Installation(folder).gallery()
    gallery.create_collection("staff")
    for name in ("one", "two", "three"):
        gallery.index("staff", photo, external_image_id=name)
    page = gallery.prepare_migration("staff", "accurate")
    assert (page.described, page.missing) == (3, ())
