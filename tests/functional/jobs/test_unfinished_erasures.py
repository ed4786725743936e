"""An erasure that cannot be completed does not keep others, nor commands on other collections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from facerec.core.erasures import SubjectKind, Swept
from facerec.errors import FacerecError, JobFolderError
from facerec.factory.local import open_gallery
from facerec.gallery.base import GalleryBase
from facerec.gallery.receipts import Erasure
from facerec.storage.faces import FaceStore
from lambdas.erasure.scheduled import run_scheduled
from tests.support.job_doors import use_fake_engine
from tests.support.jobs import write_photos


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with an erasure of ``club`` that cannot be completed, and one of ``staff``."""
    use_fake_engine(monkeypatch)
    write_photos(tmp_path / "photos", 3)
    source = str(tmp_path / "photos")
    disk = tmp_path / "disk"
    data = tmp_path / "data"
    run(data, "index", source, "--collection", "club", "--workers", "1", "--job-folder", str(disk))
    run(data, "index", source, "--collection", "staff", "--workers", "1")
    disk.rename(tmp_path / "unplugged")
    assert run(data, "collections", "delete", "club", "--yes").exit_code == 4

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with open_gallery(data) as gallery, monkeypatch.context() as patch:
        (face, *_) = gallery.list_faces("staff").faces
        patch.setattr(FaceStore, "delete_faces", killed)
        with pytest.raises(KeyboardInterrupt):
            gallery.erase("staff", SubjectKind.FACE, face.record.face_id)
    assert len(pending(data)) == 2
    return data


def run(data: Path, *words: str) -> Result:
    return CliRunner(env={"FACEREC_DATA": str(data)}).invoke(main, words)


def pending(data: Path) -> list[str]:
    """Return the collections with unfinished erasures."""
    notes = (data / "erasures" / "pending").iterdir()
    return [json.loads(note.read_bytes())["receipt"]["collection_id"] for note in notes]


def set_clock_forward(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Set the clock of the galleries that are opened from now on."""
    later = time.time() + seconds
    monkeypatch.setitem(GalleryBase.__init__.__kwdefaults__, "clock", lambda: later)


def faces_of(data: Path, collection_id: str) -> int:
    with open_gallery(data) as gallery:
        return len(gallery.list_faces(collection_id).faces)


def test_the_other_erasures_are_completed_and_the_failure_is_reported(data: Path) -> None:
    resumed = run(data, "erasures", "resume")
    assert resumed.exit_code == 4
    assert "disk/ is missing" in resumed.stderr
    assert "`facerec erasures resume` completes it once the cause is gone" in resumed.stderr
    assert "all erasures are complete" not in resumed.stdout
    assert pending(data) == ["club"]
    assert faces_of(data, "staff") == 2


def test_a_damaged_record_is_reported_beside_the_other_failure(data: Path) -> None:
    (data / "erasures" / "pending" / "20200101T000000Z-00000000.json").write_bytes(b"{")
    resumed = run(data, "erasures", "resume")
    assert resumed.exit_code == 4
    assert resumed.stderr.count("error: ") == 2
    assert "disk/ is missing" in resumed.stderr
    assert "'20200101T000000Z-00000000'" in resumed.stderr
    assert faces_of(data, "staff") == 2


def test_another_collection_can_be_rebuilt(data: Path) -> None:
    rebuilt = run(data, "rebuild", "staff")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert "collection staff: an erasure" in rebuilt.stderr
    assert pending(data) == ["club"]
    assert faces_of(data, "staff") == 2
    assert run(data, "rebuild", "club").exit_code == 4


@pytest.mark.parametrize("name", [(), ("staff",)])
def test_faces_of_other_collections_expire(
    data: Path, name: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_gallery(data) as gallery:
        gallery.set_retention("staff", 1)
    set_clock_forward(monkeypatch, 3 * 86_400)
    expired = run(data, "collections", "expire", *name)
    assert expired.exit_code == (0 if name else 4), expired.output
    assert faces_of(data, "staff") == 0
    assert pending(data) == ["club"]


def test_the_schedule_completes_the_others(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock_forward(monkeypatch, 3600)
    with open_gallery(data) as gallery, pytest.raises(JobFolderError, match="is missing"):
        run_scheduled(gallery, clock=time.monotonic)
    assert pending(data) == ["club"]
    assert faces_of(data, "staff") == 2


def test_a_long_sweep_keeps_no_face_longer(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.0]

    def sweep(*, stop: Callable[[], bool]) -> dict[str, Swept]:
        while not stop():
            seconds[0] += 100
        return {}

    with open_gallery(data) as gallery:
        gallery.set_retention("staff", 1)
    set_clock_forward(monkeypatch, 3 * 86_400)
    with open_gallery(data) as gallery, pytest.raises(JobFolderError, match="is missing"):
        monkeypatch.setattr(gallery, "sweep", sweep)
        run_scheduled(gallery, clock=lambda: seconds[0])
    assert seconds[0] < 900
    assert faces_of(data, "staff") == 0


def test_a_program_gets_the_first_error_at_the_end(data: Path) -> None:
    with open_gallery(data) as gallery, pytest.raises(FacerecError, match="is missing"):
        gallery.resume_erasures(older_than=0)
    assert pending(data) == ["club"]


class FunctionEndedError(BaseException):
    """Lambda ends the function, since it exceeds its time or memory."""


def test_an_erasure_that_ends_the_function_blocks_nothing_else(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock_forward(monkeypatch, 3600)
    with open_gallery(data) as gallery:
        perform, swept = gallery._perform, list[None]()

        def performed(erasure: Erasure) -> object:
            if erasure.receipt.collection_id == "club":
                raise FunctionEndedError
            return perform(erasure)

        def sweep(**_: object) -> dict[str, Swept]:
            swept.append(None)
            return {}

        monkeypatch.setattr(gallery, "_perform", performed)
        monkeypatch.setattr(gallery, "sweep", sweep)
        with pytest.raises(FunctionEndedError):
            run_scheduled(gallery, clock=time.monotonic)
        run_scheduled(gallery, clock=time.monotonic)
        assert pending(data) == ["club"]
        assert swept
        # It is attempted again once the others are completed.
        with pytest.raises(FunctionEndedError):
            run_scheduled(gallery, clock=time.monotonic)


def test_the_next_run_continues_after_the_last_erasure_attempted(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock_forward(monkeypatch, 3600)
    with open_gallery(data) as gallery:
        attempts = list[str]()

        def performed(erasure: Erasure) -> object:
            attempts.append(erasure.receipt.erasure_id)
            raise JobFolderError("disk/", "is missing", "mount it")

        monkeypatch.setattr(gallery, "_perform", performed)
        for _ in range(5):
            answers = iter([False])
            gallery.resume_erasures(
                on_error=lambda _: None,
                stop=lambda answers=answers: next(answers, True),  # type: ignore[misc]
            )
    first, second = sorted(set(attempts))
    assert attempts[:3] == [first, second, first]
