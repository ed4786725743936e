"""What `facerec index` prints when the same photos are indexed again, and before they are."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.cli.main import main
from facerec.core.derived_names import derived_external_image_id
from facerec.core.schemas import violation
from facerec.factory import open_gallery, open_local_jobs
from facerec.jobs.run_summary import RunSummary
from facerec.storage.sqlite import SqliteStore
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine
from tests.support.jobs import write_photos
from tests.support.settled import let_files_settle


class Machine:
    """A data folder and a folder of photos."""

    def __init__(self, folder: Path, photos: int) -> None:
        self.data, self.photos = folder / "data", folder / "photos"
        write_photos(self.photos, photos)

    def command(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--data", str(self.data)])

    def index(self, *options: str) -> Result:
        words = ["index", str(self.photos), "--collection", "staff", "--workers", "1"]
        return self.command(*words, *options)

    def start(self, *options: str) -> Result:
        return self.command("jobs", "start", str(self.photos), "--collection", "staff", *options)

    def faces(self) -> int:
        with SqliteStore(self.data / "facerec.db") as store:
            return store.count_faces("staff")

    def lose(self, number: int) -> None:
        """Remove faces from the collection, but not from the folders of its jobs."""
        with SqliteStore(self.data / "facerec.db") as store:
            ids = [face.face_id for face in store.list_faces("staff", limit=number)]
            store.delete_faces("staff", ids)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    return Machine(tmp_path, 3)


def test_a_second_run_prints_that_nothing_is_new_and_no_old_figures(machine: Machine) -> None:
    assert "3 photos, 3 faces indexed" in machine.index().stdout
    again = machine.index()
    assert again.exit_code == 0, again.output
    first, last = again.stdout.splitlines()
    assert first == "Nothing new: 3 photos are already indexed."
    assert last.startswith("the report of the job: `facerec jobs report staff-")
    assert "photos/s" not in again.output


def test_the_command_that_a_second_run_prints_shows_the_report(machine: Machine) -> None:
    machine.index()
    last = machine.index().stdout.splitlines()[-1]
    shown = CliRunner().invoke(main, shlex.split(last.partition("`facerec ")[2].rstrip("`")))
    assert shown.exit_code == 0, shown.output
    assert "3 photos, 3 faces indexed" in shown.stdout


def test_a_second_run_prints_no_differences_that_the_first_found(machine: Machine) -> None:
    machine.index()
    photos = sorted(machine.photos.rglob("*.jpg"))
    photos[0].rename(photos[0].with_name("moved.jpg"))
    assert "3 photos: 2 unchanged, 1 new, 1 gone" in machine.index("--prune").stdout
    again = machine.index("--prune").stdout.splitlines()
    assert again[0] == "Nothing new: 3 photos are unchanged."
    assert again[1].startswith("the report of the job")


def test_a_second_run_prints_how_many_faces_it_restored(machine: Machine) -> None:
    machine.index()
    machine.lose(2)
    again = machine.index().stdout.splitlines()
    assert again[0] == "2 faces restored: the collection had lost them"
    assert again[1] == "Nothing new: 3 photos are already indexed."


def test_the_json_of_a_run_says_what_the_run_did(machine: Machine) -> None:
    nothing = RunSummary(0).to_json()
    first = json.loads(machine.index("--json").stdout)
    assert violation("report", first) is None
    assert first.pop("run") == {**nothing, "new_photos": 3}
    machine.lose(2)
    second = json.loads(machine.index("--json").stdout)
    assert second.pop("run") == {**nothing, "faces_restored": 2}
    stored = json.loads(machine.command("jobs", "report", "--json").stdout)
    assert second == stored
    assert "run" not in stored


def test_every_door_says_what_the_last_run_did(machine: Machine) -> None:
    machine.index()
    with SqliteStore(machine.data / "facerec.db") as store:
        (face,) = store.list_faces("staff", limit=1)
    machine.command("faces", "delete", "--collection", "staff", face.face_id)
    machine.lose(1)
    printed = json.loads(machine.index("--json").stdout)
    run = printed["run"]
    assert (run["faces_restored"], run["faces_deleted"]) == (1, 1)
    shown = json.loads(machine.command("jobs", "status", "--json").stdout)
    assert violation("job", shown) is None
    assert shown["run"] == run
    jobs = open_local_jobs(machine.data)
    with TestClient(
        create_app(open_gallery(machine.data), AppSettings(OpenGuard(), jobs=jobs))
    ) as api:
        assert api.get(f"/api/v1/jobs/{printed['job_id']}").json()["run"] == run
        (listed,) = api.get("/api/v1/jobs").json()["jobs"]
        assert listed["run"] is None
    assert "1 face deleted on purpose since then" in machine.command("jobs", "status").stdout


def test_a_comparison_with_the_jobs_follows_its_schema(machine: Machine) -> None:
    machine.index()
    machine.lose(1)
    compared = json.loads(machine.command("verify", "staff", "--json").stdout)
    assert violation("verification", compared) is None
    assert compared["missing"] == 1


def test_a_second_run_names_the_photos_that_failed(machine: Machine) -> None:
    (machine.photos / "broken.jpg").write_bytes(b"not a photo")
    machine.index()
    again = machine.index().stdout
    assert "Nothing new: 4 photos are unchanged." in again
    assert "broken.jpg: UNREADABLE" in again


def test_a_photo_that_still_fails_fails_a_later_run_of_the_folder(machine: Machine) -> None:
    (machine.photos / "broken.jpg").write_bytes(b"not a photo")
    let_files_settle()
    assert machine.index().exit_code == 7
    write_photos(machine.photos / "more", 1)
    again = machine.index()
    assert again.exit_code == 7
    printed = " ".join(again.stdout.split())
    assert "1 failure (20 %, tolerated: 5 %)" in printed
    assert "1 failure of earlier jobs: these photos have not changed and were not read" in printed
    assert "1 failure of earlier jobs" in machine.command("jobs", "failures").stdout
    progress = json.loads(machine.command("jobs", "status", "--json").stdout)["progress"]
    assert progress["failures"] == 1
    nothing_new = machine.index()
    assert (nothing_new.exit_code, "already indexed" in nothing_new.stdout) == (7, False)
    retried = machine.index("--retry-failures")
    assert retried.exit_code == 7
    assert "broken.jpg: UNREADABLE" in retried.stdout
    (machine.photos / "broken.jpg").unlink()
    assert machine.index().exit_code == 0


@pytest.mark.parametrize("subject", ["--external-id", "--photo"])
def test_a_second_run_does_not_say_that_erased_photos_are_indexed(
    machine: Machine, subject: str
) -> None:
    machine.index()
    with SqliteStore(machine.data / "facerec.db") as store:
        (face,) = store.list_faces("staff", limit=1)
    name = face.source if subject == "--photo" else str(face.external_image_id)
    erased = machine.command("erase", "--collection", "staff", subject, name, "--yes")
    assert erased.exit_code == 0, erased.output
    assert "1 face deleted on purpose since then" in machine.index().stdout
    for _ in range(3):
        again = machine.index().stdout
        assert "Nothing new." in again
        assert "1 photo was erased or replaced since then, or removed" in again
        assert "already indexed" not in again


def test_a_second_run_does_not_say_that_faces_are_deleted_that_were_stored_again(
    machine: Machine,
) -> None:
    machine.index()
    with SqliteStore(machine.data / "facerec.db") as store:
        one, two = (face.source for face in store.list_faces("staff", limit=2))
    for photo in (one, two):
        machine.command("erase", "--collection", "staff", "--photo", photo, "--yes")
    assert "2 faces deleted on purpose since then" in machine.index().stdout
    name = Path(one).relative_to(machine.photos).as_posix()
    with open_gallery(machine.data) as gallery:
        gallery.index("staff", one, external_image_id=derived_external_image_id(name))
    machine.lose(1)
    assert "1 face deleted on purpose since then" in machine.index().stdout
    machine.index("--restore-deleted")
    machine.lose(1)
    again = machine.index().stdout
    assert machine.faces() == 3
    assert "1 face restored" in again
    assert "deleted on purpose" not in again


def test_the_latest_job_is_the_one_that_ran_last(machine: Machine) -> None:
    first = json.loads(machine.index("--json").stdout)["job_id"]
    write_photos(machine.photos.parent / "others", 1)
    machine.command("index", str(machine.photos.parent / "others"), "--collection", "others")
    machine.index()
    assert json.loads(machine.command("jobs", "status", "latest", "--json").stdout)["job_id"] == (
        first
    )


def test_one_photo_on_many_lines_is_indexed_once(machine: Machine) -> None:
    manifest = machine.photos.parent / "one.txt"
    manifest.write_text(f"{machine.photos}/0000.jpg\n" * 64)
    words = ("index", str(manifest), "--collection", "staff", "--json", "--workers")
    report = json.loads(machine.command(*words, "1").stdout)
    assert report["outcomes"] == {"INDEXED": 1, "ALREADY_INDEXED": 63}
    assert report["faces_indexed"] == machine.faces() == 1


def test_one_photo_in_two_children_is_stored_once(machine: Machine) -> None:
    manifest = machine.photos.parent / "one.txt"
    manifest.write_text(f"{machine.photos}/0000.jpg\n" * 64)
    words = ("index", str(manifest), "--collection", "staff", "--json", "--workers")
    report = json.loads(machine.command(*words, "2").stdout)
    assert set(report["outcomes"]) == {"INDEXED", "ALREADY_INDEXED"}
    # Each child may process it before the other has stored its faces.
    assert report["outcomes"]["INDEXED"] in (1, 2)
    assert (sum(report["outcomes"].values()), machine.faces()) == (64, 1)


def test_failures_have_the_number_of_a_malformed_line(machine: Machine) -> None:
    manifest = machine.photos.parent / "some.jsonl"
    manifest.write_text('{"image": "missing.jpg"}\nno JSON\n')
    machine.command("index", str(manifest), "--collection", "staff", "--workers", "1")
    printed = machine.command("jobs", "failures", "--json").stdout
    missing, malformed = map(json.loads, printed.splitlines())
    assert missing["photo"].endswith("missing.jpg")
    assert (malformed["outcome"], malformed["manifest_line"]) == ("MALFORMED_LINE", 2)


def test_half_of_a_character_in_a_manifest_is_a_malformed_line(machine: Machine) -> None:
    (photo, *_) = machine.photos.iterdir()
    manifest = machine.photos / "some.jsonl"
    manifest.write_text(json.dumps({"image": photo.name}) + '\n{"image": "a\\ud800.jpg"}\n')
    for _ in range(2):
        machine.command("index", str(manifest), "--collection", "staff", "--workers", "1")
        assert machine.faces() == 1
        printed = machine.command("jobs", "failures", "--json").stdout
        (malformed,) = map(json.loads, printed.splitlines())
        assert malformed["manifest_line"] == 2
        assert malformed["detail"] == "image must be valid Unicode, without halves of characters"


def test_a_dry_run_counts_the_photos_and_starts_nothing(machine: Machine) -> None:
    shown = machine.start("--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "3 photos in 1 child" in shown.stdout
    assert "an assumed 20 photos/s" in shown.stdout
    assert "$" not in shown.stdout
    document = json.loads(machine.start("--dry-run", "--json").stdout)
    assert (document["photos"], document["dollars"]) == (3, None)
    assert not (machine.data / "jobs").exists()


def test_a_job_that_is_started_here_is_watched_to_its_end(machine: Machine) -> None:
    started = machine.start("--wait", "--interval", "0.2")
    assert started.exit_code == 0, started.output
    assert "3 photos, 3 faces indexed" in started.stdout
