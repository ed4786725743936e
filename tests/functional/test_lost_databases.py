"""A lost database, while job folders are kept: what they hold can be erased and exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facerec.cli.exit_codes import ExitCode
from facerec.factory import open_gallery
from facerec.gallery.erasing.eraser import Eraser
from facerec.jobs.verifying import rebuild
from tests.functional.test_erasing import ANN, Installation, erase
from tests.functional.test_erasing import here as here
from tests.functional.test_older_copies import KilledError, kill_at, lose_database

RESTORED = "the database had lost collection staff: 9 faces restored first"


def traces_of(here: Installation, *people: str) -> list[bytes]:
    """Return the names, ids and embeddings of people."""
    return [
        trace
        for face_id, (name, vector) in here.faces().items()
        if name in people
        for trace in (name.encode(), face_id.encode(), vector)
    ]


def test_somebody_is_erased_without_the_database(here: Installation) -> None:
    here.index()
    here.index("--max-faces", 1, "--job-folder", here.data.parent / "own")
    traces, expected = traces_of(here, ANN), here.faces()
    lose_database(here)
    erased = erase(here, "--external-id", ANN, "--check", "--json")
    assert erased.exit_code == ExitCode.DONE, erased.output
    assert RESTORED in " ".join(erased.stderr.split())
    receipt = json.loads(erased.stdout)
    assert (receipt["status"], receipt["faces"], receipt["left"]) == ("DONE", 3, [])
    assert [job["rows"] for job in receipt["jobs"]] == [3, 3]
    assert here.holders(traces) == here.holders(traces, here.data.parent / "own") == set()
    expected = {face: each for face, each in expected.items() if each[0] != ANN}
    assert here.faces() == expected
    # Lost again, nobody who was erased comes back.
    lose_database(here)
    here.index()
    assert here.faces() == expected
    assert not here.holders(traces)


def test_a_collection_is_deleted_without_the_database(here: Installation) -> None:
    here.index()
    traces = traces_of(here, ANN, "bob-ray", "cid-fox")
    lose_database(here)
    deleted = here.run("collections", "delete", "staff", "--yes")
    assert deleted.exit_code == ExitCode.DONE, deleted.output
    assert not here.holders(traces)
    # What was deleted on purpose does not come back.
    lose_database(here)
    for words in (
        ("collections", "delete", "staff", "--yes"),
        ("erase", "--collection", "staff", "--external-id", ANN, "--yes"),
        ("export", "--collection", "staff", "--external-id", ANN, "--output", here.data / "own"),
    ):
        assert here.run(*words).exit_code == ExitCode.NOT_FOUND
    assert not here.holders(traces)


def test_data_about_somebody_is_exported_without_the_database(
    here: Installation, tmp_path: Path
) -> None:
    here.index()
    words = ("export", "--collection", "staff", "--external-id", ANN, "--output")
    assert here.run(*words, tmp_path / "before").exit_code == ExitCode.DONE
    lose_database(here)
    exported = here.run(*words, tmp_path / "after")
    assert exported.exit_code == ExitCode.DONE, exported.output
    assert RESTORED in " ".join(exported.stderr.split())
    before, after = (
        json.loads((tmp_path / name / "export.json").read_text()) for name in ("before", "after")
    )
    assert [each["face"] for each in after["faces"]] == [each["face"] for each in before["faces"]]
    assert after["jobs"] == before["jobs"]


def test_an_interrupted_restoration_is_continued(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    traces = traces_of(here, ANN)
    lose_database(here)
    with monkeypatch.context() as patch:
        kill_at(patch, rebuild, "note_doubt")
        assert isinstance(erase(here, "--external-id", ANN).exception, KilledError)
    assert erase(here, "--external-id", ANN, "--check").exit_code == ExitCode.DONE
    assert not here.holders(traces)


def test_the_gallery_of_a_program_deletes_what_a_lost_database_had(here: Installation) -> None:
    here.index()
    traces = traces_of(here, ANN)
    lose_database(here)
    with open_gallery(here.data) as gallery:
        receipt = gallery.delete_collection("staff")
    assert (receipt.faces, len(receipt.jobs)) == (0, 1)
    assert not here.holders(traces)


KILLS = {
    "before anything is deleted": (Eraser, "_perform"),
    "after the job folders": (Eraser, "_erase_from_stores"),
    "before its receipt": (Eraser, "_finish"),
}


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("when", KILLS)
def test_the_next_deletion_completes_one_that_was_killed(
    here: Installation, when: str, is_lost: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here.index()
    traces = traces_of(here, ANN, "bob-ray", "cid-fox")
    delete = ("collections", "delete", "staff", "--yes")
    with monkeypatch.context() as patch:
        kill_at(patch, *KILLS[when])
        assert isinstance(here.run(*delete).exception, KilledError)
    (erasure_id,) = [path.stem for path in (here.data / "erasures/pending").iterdir()]
    if is_lost:
        lose_database(here)
    if is_lost or when == "before its receipt":
        for words in (
            ("erase", "--collection", "staff", "--external-id", ANN, "--yes"),
            ("export", "--collection", "staff", "--external-id", ANN, "--output", tmp_path / "out"),
        ):
            refused = here.run(*words)
            assert refused.exit_code == ExitCode.ERROR
            shown = " ".join(refused.output.split())
            assert "collection 'staff' is being deleted" in shown
            assert f"the erasure {erasure_id} will be completed" in shown
    asked = here.run(*delete[:3])
    assert "delete collection staff" in asked.output
    deleted = here.run(*delete)
    assert deleted.exit_code == ExitCode.DONE, deleted.output
    assert not here.holders(traces)
    assert not list((here.data / "erasures/pending").iterdir())
    receipts = here.json("erasures", "list", "--collection", "staff")["erasures"]
    assert {each["status"] for each in receipts} == {"DONE"}
    assert here.run(*delete).exit_code == ExitCode.NOT_FOUND


def test_a_deletion_without_the_database_restores_no_face(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.index()
    lose_database(here)
    kill_at(monkeypatch, rebuild, "rebuild_collection")
    deleted = here.run("collections", "delete", "staff", "--yes", "--json")
    assert deleted.exit_code == ExitCode.DONE, deleted.output
    receipt = json.loads(deleted.stdout)
    assert receipt["faces"] == 0
    assert [job["files"] > 0 for job in receipt["jobs"]] == [True]
