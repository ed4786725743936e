"""Collections that are deleted while their jobs run: the deletion succeeds, and nothing is left.

``DELETION_ROUNDS=40`` runs the commands more often, each at another moment.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.core.erasures import ErasureStatus
from facerec.errors import (
    CollectionNotFoundError,
    JobDeletedError,
    JobFolderError,
    StoreUnavailableError,
)
from facerec.factory import open_gallery, open_local_erasures
from facerec.jobs.erasing.collection_erasure import erase_collection
from facerec.jobs.erasing.folder_deletion import delete_folder
from facerec.jobs.folders import Entry, list_folders, note_folder_elsewhere
from facerec.storage.objects.local import LocalObjects
from facerec.storage.sqlite import SqliteStore
from tests.support.job_doors import use_fake_engine
from tests.support.jobs import LocalJob, write_manifest, write_photos

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = int(os.environ.get("DELETION_ROUNDS", "2"))


class Hooked(LocalObjects):
    """Calls a function once, before or after its n-th read or change below a folder."""

    def __init__(self, folder: str, moment: int, call: Callable[[], None], *, after: bool) -> None:
        super().__init__()
        self.folder, self.left, self.call, self.after = folder, moment, call, after
        self.called = False

    def _step(self, uri: str) -> bool:
        if not uri.startswith(self.folder):
            return False
        self.left -= 1
        return self.left == -1

    def _call(self) -> None:
        self.called = True
        self.call()

    def read(self, uri: str, **options: object) -> bytes:  # type: ignore[override]
        if self._step(uri):
            self._call()
        return super().read(uri, **options)  # type: ignore[arg-type]

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        with self._around(uri):
            return super().write(uri, content, if_absent=if_absent)

    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        with self._around(uri):
            return super().replace(uri, content, version=version)

    @contextmanager
    def _around(self, uri: str) -> Iterator[None]:
        due = self._step(uri)
        if due and not self.after:
            self._call()
        yield
        if due and self.after:
            self._call()


def delete_collection(job: LocalJob, root: str) -> None:
    """Delete the collection of a job as a gallery does."""
    erase_collection(LocalObjects(), root, "staff")
    job.faces.delete_namespace("staff")
    job.records.delete_collection("staff")
    erase_collection(LocalObjects(), root, "staff")


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_collection_can_be_deleted_at_each_access_of_a_job_to_its_folder(
    tmp_path: Path, *, elsewhere: bool, after: bool
) -> None:
    photos = write_photos(tmp_path / "photos", 40)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        job = LocalJob(folder, manifest, images_per_child=99)
        root = f"{folder}/roots/" if elsewhere else f"{folder}/jobs/"
        mine = Path(job.plan.job_folder, "mine.txt")
        if elsewhere:
            note_folder_elsewhere(job.objects, root, job.plan)
            mine.write_text("a file of the user")

        def delete(job: LocalJob = job, root: str = root) -> None:
            delete_collection(job, root)

        objects = Hooked(job.plan.job_folder, moment, delete, after=after)
        job.parts = replace(job.parts, objects=objects)
        try:
            job.run()
        except JobDeletedError:
            assert objects.called
        else:
            assert not objects.called
            break
        left = [path for path in Path(job.plan.job_folder).rglob("*") if path != mine]
        assert left == [], f"left after moment {moment}"
        assert mine.exists() is elsewhere
        assert not list(Path(root).iterdir())
        with pytest.raises(CollectionNotFoundError):
            job.records.get_collection("staff")
        assert job.face_ids() == []
    assert moment >= 10


def test_a_job_whose_deletion_was_killed_is_no_job_and_the_next_one_completes_it(
    tmp_path: Path,
) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    root, folder = f"{tmp_path}/jobs/", job.plan.job_folder

    class Killed(LocalObjects):
        def delete_folder(self, prefix: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        delete_folder(Killed(), Entry(folder, folder))
    assert job.kept_embeddings()
    assert list(list_folders(job.objects, root)) == []
    with pytest.raises(JobDeletedError):
        job.run()
    erase_collection(job.objects, root, "another")
    assert not Path(folder).exists()


def test_a_job_that_is_planned_again_completes_its_killed_deletion_first(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest)
    job.run()
    folder = Path(job.plan.job_folder)
    (folder / "plan.json").rename(folder / "deleted.json")
    # What is left of it remembers no photo: the new job has to process them.
    again = LocalJob(tmp_path, manifest)
    assert again.plan.job_folder == job.plan.job_folder
    names = {path.name for path in folder.iterdir() if not path.name.startswith("manifest-")}
    assert names == {"plan.json", "started.json"}
    assert [summary.complete for summary in again.run()] == [True]


def test_a_job_does_not_write_into_a_folder_that_another_job_has_taken(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest)
    other = LocalJob(tmp_path, manifest, collection_id="guests")
    plan = Path(job.plan.job_folder, "plan.json")
    plan.write_bytes(Path(other.plan.job_folder, "plan.json").read_bytes())
    with pytest.raises(JobDeletedError):
        job.run()
    assert sorted(path.name for path in plan.parent.iterdir()) == ["plan.json", "started.json"]


def test_a_damaged_plan_is_not_taken_for_a_deletion(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    Path(job.plan.job_folder, "plan.json").write_bytes(b"{")
    with pytest.raises(JobFolderError):
        job.run()
    assert Path(job.plan.job_folder).exists()


def test_a_folder_is_deleted_while_others_write_into_it(tmp_path: Path) -> None:
    objects, folder = LocalObjects(), f"{tmp_path}/folder/"
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            Path(folder, str(number % 7)).mkdir(parents=True, exist_ok=True)
            try:
                Path(folder, str(number % 7), str(number)).write_bytes(b"late")
            except FileNotFoundError:
                continue
        done.set()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    while not done.is_set():
        objects.delete_folder(folder)
    for writer in writers:
        writer.join()
    objects.delete_folder(folder)
    assert not Path(folder).exists()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_collection_is_deleted_at_a_random_moment_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    use_fake_engine(monkeypatch)
    write_photos(tmp_path / "photos", 160)
    data, errors = tmp_path / "data", list[BaseException]()
    segments = random.Random(seed).randrange(20)
    ended = threading.Event()

    def delete() -> None:
        try:
            while len(list(data.glob("jobs/*/ledger/*/*.jsonl"))) < segments:
                if ended.wait(0.002):
                    break
            while not list(data.glob("jobs/*/plan.json")) and not ended.wait(0.002):
                pass
            with open_gallery(data) as gallery:
                gallery.delete_collection("staff")
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=delete)
    thread.start()
    words = ["index", str(tmp_path / "photos"), "--collection", "staff", "--workers", "2"]
    indexed = CliRunner().invoke(main, [*words, "--data", str(data)])
    ended.set()
    thread.join()
    assert errors == []
    if indexed.exit_code:
        assert (indexed.exit_code, indexed.exception.__class__) == (3, SystemExit), indexed.output
        assert "the job was deleted, alone or with its collection 'staff'" in indexed.output
    assert list((data / "jobs").iterdir()) == []
    (receipt,) = open_local_erasures(data).list("staff", 10)
    assert receipt.status is ErasureStatus.DONE
    with SqliteStore(data / "facerec.db") as store:
        assert store.list_faces("staff", limit=10) == []
        with pytest.raises(CollectionNotFoundError):
            store.get_collection("staff")


def test_a_deletion_that_fails_says_so_and_a_rebuild_names_what_it_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    write_photos(tmp_path / "photos", 3)
    place = ["--data", str(tmp_path / "data")]

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, *place])

    assert run("index", str(tmp_path / "photos"), "--collection", "staff").exit_code == 0

    def fail(objects: LocalObjects, prefix: str) -> None:
        raise StoreUnavailableError(f"{prefix}: Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(LocalObjects, "delete_folder", fail)
        failed = run("collections", "delete", "staff", "--yes")
    assert failed.exit_code == 1
    (receipt,) = open_local_erasures(tmp_path / "data").list("staff", 10)
    assert f"the erasure {receipt.erasure_id} will be completed" in failed.stderr
    assert "`facerec erasures resume --data " in failed.stderr
    rebuilt = run("rebuild", "staff", "--into", str(tmp_path / "new"))
    assert rebuilt.exit_code == 3
    assert receipt.erasure_id in rebuilt.stderr
    assert "collection staff: its deletion" in rebuilt.stderr
