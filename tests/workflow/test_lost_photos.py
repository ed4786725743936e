"""Faces that no job folder contains, in a store that was lost: their photos are read again.

A job finds a photo already indexed if its faces were imported, or if the job that indexed it was
deleted. Its folder does not contain the embeddings of such faces.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import facerec.jobs.local.supervisor
from facerec.cli.main import main
from facerec.factory import open_local_jobs
from facerec.jobs.local.run import RunResult, Stop
from facerec.jobs.local.runs import LocalRuns
from facerec.jobs.verifying.collection_check import CollectionCheck
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import (
    CommandLineJobs,
    DeployedJobs,
    JobDoor,
    photo_of,
    run_jobs_in_this_process,
    use_fake_engine,
)
from tests.support.long import mostly_long, rarely_short
from tests.support.settled import let_files_settle
from tests.workflow.test_lost_stores import contents, copy, database_of, empty, older_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.workflow.stack import Stack

PEOPLE = ("ann", "bob+cid", "dan")

EVERYBODY = (*PEOPLE, "eve+fay+gus", "hal")

SEQUENCES = int(os.environ.get("SEQUENCES", "3"))
STEPS = 7


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLineJobs:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    return CommandLineJobs(tmp_path / "local")


def index_without_embeddings(door: JobDoor) -> dict[str, tuple[str | None, str, bytes]]:
    """Index two photos, delete the folder of their job, and index them with a third one."""
    door.index("ann", "bob+cid")
    door.delete_last_job()
    report = door.index(*PEOPLE)
    assert report["outcomes"] == {"ALREADY_INDEXED": 2, "INDEXED": 1}
    return contents(door)


@pytest.mark.parametrize("damage", rarely_short(["restored from an older copy", "lost"], "lost"))
def test_the_same_command_reads_photos_whose_faces_no_job_has(
    local: CommandLineJobs, damage: str, tmp_path: Path
) -> None:
    local.index("eve")
    older = older_copy(local, tmp_path)
    expected = index_without_embeddings(local)
    copy(empty(tmp_path) if damage == "lost" else older, database_of(local))
    found = local.verify(repair=False) if damage != "lost" else {"missing": 1, "lost": 3}
    assert (found["missing"], found["lost"]) == (1, 3)
    report = local.index_again(PEOPLE)
    assert contents(local).items() >= expected.items()
    assert report["outcomes"] == {"INDEXED": 2}
    run = report["run"]
    assert (run["faces_restored"], run["faces_lost"], run["new_photos"]) == (
        1 + (damage == "lost"),
        0,
        2,
    )
    again = local.index_again(PEOPLE)
    assert again["run"]["new_photos"] == 0
    assert local.verify(repair=False)["lost"] == 0
    assert contents(local).items() >= expected.items()


def test_a_run_says_what_is_lost_and_that_it_is_read_again(
    local: CommandLineJobs, tmp_path: Path
) -> None:
    index_without_embeddings(local)
    copy(empty(tmp_path), database_of(local))
    printed = " ".join(local.print_run("people.txt").split())
    assert "1 face restored: the collection had lost them" in printed
    assert "3 faces lost: neither the collection nor a job folder contains them" in printed
    assert "2 photos read again for these faces: job staff-" in printed
    assert "2 photos, 3 faces indexed" in printed
    assert "already indexed" not in printed


@pytest.mark.parametrize("damage", ["emptied", "restored from an older copy"])
def test_a_dry_run_after_a_loss_shows_what_the_run_then_does(
    local: CommandLineJobs, damage: str, tmp_path: Path
) -> None:
    local.index("eve")
    older = older_copy(local, tmp_path)
    index_without_embeddings(local)
    words = ("index", local.address("people.txt"), "--collection", "staff", "--dry-run")
    assert json.loads(local.command(*words, "--json"))["faces_lost"] == 0
    copy(empty(tmp_path) if damage == "emptied" else older, database_of(local))
    before = contents_of_database(local)
    shown = json.loads(local.command(*words, "--json"))
    printed = " ".join(local.command(*words).split())
    assert contents_of_database(local) == before
    report = local.run("people.txt")
    assert shown["photos"] == report["run"]["new_photos"] == 2
    assert shown["faces_restored"] == report["run"]["faces_restored"]
    assert (shown["faces_lost"], shown["photos_lost"]) == (3, 2)
    assert "3 faces lost: neither the collection nor a job folder contains them" in printed
    assert "2 photos in 1 child" in printed


def contents_of_database(door: CommandLineJobs) -> list[str]:
    with door.store as store:
        return [each.collection_id for each in store.list_collections()]


@pytest.mark.parametrize("as_json", rarely_short([False, True], True))
def test_photos_that_failed_before_the_lost_ones_are_read_again_count_in_the_end(
    local: CommandLineJobs, tmp_path: Path, as_json: bool
) -> None:
    index_without_embeddings(local)
    copy(empty(tmp_path), database_of(local))
    local.write("bad.jpg", b"nothing")
    lines = "".join(f"{local.address(f'{person}.jpg')}\n" for person in (*PEOPLE, "bad"))
    local.write("people.txt", lines.encode())
    let_files_settle()
    words = ["index", local.address("people.txt"), "--collection", "staff", "--workers", "1"]
    words += ["--data", str(local.data), *(["--json"] if as_json else [])]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 7, result.output
    if as_json:
        report = json.loads(result.stdout)
        assert report["outcomes"] == {"INDEXED": 2}
        assert report["earlier"]["status"] == "FAILED"
        (failure,) = report["earlier"]["failures"]
        assert failure["photo"].endswith("bad.jpg")
    else:
        assert "bad.jpg: UNREADABLE" in result.stdout.replace("\n", " ")


def request_of(door: CommandLineJobs) -> dict[str, object]:
    """Return the request of the last manifest, as the command makes it."""
    manifest = door.address("people.txt")
    return {"collection_id": "staff", "manifest": manifest, "create_collection": True}


@pytest.mark.parametrize("canceller", ["this process", "another process"])
def test_a_run_that_is_cancelled_while_it_compares_does_not_start_another(
    local: CommandLineJobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, canceller: str
) -> None:
    expected = index_without_embeddings(local)
    copy(empty(tmp_path), database_of(local))
    jobs, finish = open_local_jobs(local.data, workers=1), CollectionCheck.finish
    other = jobs if canceller == "this process" else open_local_jobs(local.data)

    def finish_late(*args: Any, **options: Any) -> bool:  # noqa: ANN401
        other.cancel(other.get("latest"))
        return finish(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(CollectionCheck, "finish", finish_late)
        job = jobs.submit(request_of(local))
        result = jobs.result(job)
    jobs.close()
    assert (result.stopped, result.followed_by) == (True, None)
    run = jobs.get(job.id).run
    assert run is not None
    assert run.stopped
    assert local.run("people.txt")["outcomes"] == {"INDEXED": 2}
    assert contents(local) == expected


def test_a_cancellation_after_the_next_run_was_started_ends_that_run(
    local: CommandLineJobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    index_without_embeddings(local)
    copy(empty(tmp_path), database_of(local))
    jobs, start_again = open_local_jobs(local.data, workers=1), LocalRuns._start_again
    run_children, stops = facerec.jobs.local.supervisor.run_children, []

    def start_and_cancel(*args: Any) -> str | None:  # noqa: ANN401
        following = start_again(*args)
        jobs.cancel(jobs.get(job.id))
        return following

    def run_and_note(*args: Any, stop: Callable[[], Stop], **options: Any) -> RunResult:  # noqa: ANN401
        stops.append(stop())
        return run_children(*args, stop=stop, **options)

    monkeypatch.setattr(LocalRuns, "_start_again", start_and_cancel)
    monkeypatch.setattr(facerec.jobs.local.supervisor, "run_children", run_and_note)
    job = jobs.submit(request_of(local))
    following = jobs.result(job).followed_by
    assert following is not None
    jobs.result(jobs.get(following))
    jobs.close()
    assert stops == [Stop.NO, Stop.COMMIT]


def test_faces_whose_photos_are_gone_are_reported_by_each_run_and_comparison(
    local: CommandLineJobs, tmp_path: Path
) -> None:
    expected = index_without_embeddings(local)
    local.delete_photo("ann.jpg")
    copy(empty(tmp_path), database_of(local))
    assert local.rebuild()["lost"] == 3
    for _ in range(2):
        report = local.index_again(PEOPLE)
        assert (report["run"]["faces_lost"], report["run"]["photos_lost"]) == (1, 1)
        assert report["run"]["followed_by"] is None
        assert len(contents(local)) == 3
    printed = " ".join(local.print_run("people.txt").split())
    assert "1 face lost" in printed
    assert "already indexed" not in printed
    found = local.verify(repair=True)
    assert (found["lost"], found["lost_photos"], found["missing"]) == (1, 1, 0)
    local.write("ann.jpg", photo_of("ann"))
    local.index_again(PEOPLE)
    assert contents(local) == expected


@pytest.mark.parametrize("change", ["gone", "renamed"])
def test_lost_faces_of_a_photo_that_is_gone_or_renamed_are_settled(
    local: CommandLineJobs, change: str, tmp_path: Path
) -> None:
    for person in PEOPLE[:2]:
        local.write(f"{person}.jpg", photo_of(person))
    local.run("")
    local.delete_last_job()
    local.write("dan.jpg", photo_of("dan"))
    local.run("")
    copy(empty(tmp_path), database_of(local))
    if change == "gone":
        local.delete_photo("ann.jpg")
        assert local.run("")["run"]["faces_lost"] == 1
        local.run("", prune=True)
    else:
        Path(local.address("ann.jpg")).rename(local.address("zoe.jpg"))
        local.run("")
    assert len(contents(local)) == (3 if change == "gone" else 4)
    assert local.verify(repair=False)["lost"] == 0
    assert local.run("")["run"]["faces_lost"] == 0


def test_a_stack_settles_lost_faces_of_photos_that_are_gone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    door = DeployedJobs(stack)
    for person in PEOPLE[:2]:
        door.write(f"photos/{person}.jpg", photo_of(person))
    door.run("photos/")
    door.delete_last_job()
    door.write("photos/dan.jpg", photo_of("dan"))
    door.run("photos/")
    ann = door.address("photos/ann.jpg")
    lost = [face for face, (_, source, _) in contents(door).items() if source == ann]
    with door.store as store:
        assert store.delete_faces("staff", lost) == lost
    door.delete_photo("photos/ann.jpg")
    assert door.rebuild()["lost"] == 1
    door.run("photos/", prune=True)
    assert door.rebuild()["lost"] == 0
    assert len(contents(door)) == 3


def test_what_was_deleted_stays_deleted_when_its_photo_is_read_again(
    local: CommandLineJobs, tmp_path: Path
) -> None:
    index_without_embeddings(local)
    found = contents(local)
    two = [each for each, (_, source, _) in found.items() if source.endswith("bob+cid.jpg")]
    local.delete_face(two[0])
    ann = next(each for each, (_, source, _) in found.items() if source.endswith("ann.jpg"))
    local.delete_face(ann)
    expected = contents(local)
    assert len(expected) == 2
    copy(empty(tmp_path), database_of(local))
    report = local.index_again(PEOPLE)
    assert contents(local) == expected
    assert report["outcomes"] == {"INDEXED": 1}
    assert local.verify(repair=False)["lost"] == 0


@pytest.mark.parametrize("damage", ["damaged", "deleted"])
def test_photos_whose_embeddings_cannot_be_read_are_read_again(
    local: CommandLineJobs, damage: str, tmp_path: Path
) -> None:
    local.index(*PEOPLE)
    expected = contents(local)
    (path,) = local.data.glob("jobs/*/embeddings/*/*.npz")
    if damage == "damaged":
        path.write_bytes(b"no archive")
    else:
        path.unlink()
    copy(empty(tmp_path), database_of(local))
    report = local.index_again(PEOPLE)
    assert contents(local) == expected
    assert report["outcomes"] == {"INDEXED": 3}
    # Now a job folder has them.
    copy(empty(tmp_path), database_of(local))
    assert local.rebuild()["missing"] == 4
    assert contents(local) == expected


def test_a_run_over_other_photos_says_where_to_look_for_the_lost_ones(
    local: CommandLineJobs, tmp_path: Path
) -> None:
    expected = index_without_embeddings(local)
    copy(empty(tmp_path), database_of(local))
    local.write("eve.jpg", photo_of("eve"))
    local.write("other.txt", f"{local.address('eve.jpg')}\n".encode())
    report = local.run("other.txt")
    assert (report["run"]["faces_lost"], report["run"]["followed_by"]) == (3, None)
    # The next job of these photos reads them.
    assert local.index_again(PEOPLE)["outcomes"] == {"INDEXED": 2}
    assert contents(local).items() >= expected.items()


@pytest.mark.long
def test_an_execution_reads_photos_whose_faces_no_job_has(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_fake_engine(monkeypatch)
    deployed = DeployedJobs(stack)
    expected = index_without_embeddings(deployed)
    copy(empty(tmp_path), database_of(deployed))
    report = deployed.index_again(PEOPLE)
    assert contents(deployed) == expected
    assert report["outcomes"] == {"INDEXED": 2}
    run = report["run"]
    assert (run["faces_restored"], run["faces_lost"], run["new_photos"]) == (1, 0, 2)
    assert run["collection_restored"]


def photo_apart(people: str) -> bytes:
    """Return a photo of people whose faces do not overlap."""
    names = enumerate(people.split("+"))
    return fake_photo(*(fake_face(name, left=0.32 * at, width=0.25) for at, name in names))


class Sequence:
    """Random operations on a folder of photos, and the faces that its next run must end with.

    Attributes:
        photos: Names of the photos in the folder.
        deleted: Ids of the faces that must not come back.
        copies: Copies of the database.
        all: All faces of all photos (``contents``).
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, random.Random(seed)
        self.door = CommandLineJobs(folder / "data")
        self.photos, self.deleted, self.steps = list[str](), set[str](), list[str]()
        self.copies = list[Path]()
        self.all = self._faces_of_all()

    def _faces_of_all(self) -> dict[str, tuple[str | None, str, bytes]]:
        """Return all faces that an undisturbed run finds, and empty the folder again."""
        for people in EVERYBODY:
            self.door.write(f"{people}.jpg", photo_apart(people))
        self.door.run("")
        found = contents(self.door)
        self.door.delete_collection()
        for people in EVERYBODY:
            self.door.delete_photo(f"{people}.jpg")
        return found

    def run(self) -> None:
        self.add_photo()
        self.index()
        changes = self.add_photo, self.delete_face, self.erase_photo, self.move_collection
        losses = self.lose, self.keep_copy, self.restore_copy, self.lose_embeddings
        for _ in range(STEPS):
            step = self.random.choice([*changes, *losses, self.delete_job, self.delete_job])
            self.steps.append(step.__name__)
            step()
            if self.random.random() < 0.6:
                self.index()
        self.index()

    def index(self) -> None:
        self.steps.append("index")
        report = self.door.run("")
        expected = {
            face: stored
            for face, stored in self.all.items()
            if face not in self.deleted and Path(stored[1]).name in self.photos
        }
        assert contents(self.door) == expected, " ".join(self.steps)
        assert report["run"]["faces_lost"] == 0, self.steps
        found = self.door.verify(repair=False)
        assert (found["missing"], found["lost"], found["returned"]) == (0, 0, 0), self.steps

    def add_photo(self) -> None:
        names = [f"{people}.jpg" for people in EVERYBODY]
        if left := [name for name in names if name not in self.photos]:
            self.photos.append(name := self.random.choice(left))
            self.door.write(name, photo_apart(name.removesuffix(".jpg")))

    def delete_face(self) -> None:
        if faces := sorted(contents(self.door)):
            face = self.random.choice(faces)
            self.deleted.add(face)
            self.door.delete_face(face)

    def erase_photo(self) -> None:
        name = self.random.choice(self.photos)
        address = self.door.address(name)
        faces = {face for face, stored in self.all.items() if stored[1] == address}
        if faces & contents(self.door).keys():
            self.door.command("erase", "--collection", "staff", "--photo", address, "--yes")
            self.deleted |= faces

    def move_collection(self) -> None:
        """Export the collection, delete it with its jobs, and import it."""
        if not self.deleted and contents(self.door):
            target = str(self.folder / f"export-{len(self.steps)}")
            self.door.command("collections", "export", "staff", "--output", target)
            self.door.delete_collection()
            self.door.command("collections", "import", target)
            self.copies.clear()

    def delete_job(self) -> None:
        """Delete the folder of a job, but not of the last one."""
        jobs = open_local_jobs(self.door.data)
        if len(found := jobs.list(100)) > 1:
            jobs.delete(jobs.get(self.random.choice(found).id))

    def lose(self) -> None:
        if open_local_jobs(self.door.data).list(1):
            copy(empty(self.folder), database_of(self.door))

    def lose_embeddings(self) -> None:
        for path in sorted(self.door.data.glob("jobs/*/embeddings/*/*.npz"))[:1]:
            path.unlink()

    def keep_copy(self) -> None:
        self.copies.append(self.folder / f"copy-{len(self.steps)}.db")
        copy(database_of(self.door), self.copies[-1])

    def restore_copy(self) -> None:
        if self.copies:
            copy(self.random.choice(self.copies), database_of(self.door))


@pytest.mark.parametrize("seed", mostly_long(range(SEQUENCES), 1))
def test_any_sequence_of_imports_deletions_and_losses_ends_in_the_right_faces(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    Sequence(tmp_path, seed).run()
