"""Golden folders of this and earlier releases are opened, resumed, restored and erased."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from facerec.factory import open_gallery
from tests.support.golden.local import (
    ANN,
    ANN_NAME,
    BOB,
    BOB_NAME,
    CID,
    DAN,
    EVE,
    NEWCOMER_PHOTOS,
    NEWCOMERS,
    SHOTS,
    STAFF,
    DataFolder,
    photo_of,
    restore_photos,
)
from tests.support.golden.packing import golden_folders, unpack
from tests.support.workflow.emulation import emulated_aws

NAMED = {ANN: SHOTS + 1, BOB: SHOTS, CID: SHOTS, EVE: 1}


@pytest.fixture(params=golden_folders(), ids=lambda path: path.name.removesuffix(".tar.xz"))
def here(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DataFolder]:
    """The data folder of each golden folder in turn."""
    unpack(request.param, tmp_path / "golden")
    with emulated_aws(monkeypatch):
        restore_photos(tmp_path / "golden" / "photos")
        yield DataFolder(tmp_path / "golden" / "data", monkeypatch)


def names(here: DataFolder) -> Counter[str]:
    """Return how many faces each external image id has, without those of newcomers."""
    return Counter(own for own in here.faces().values() if own in (*NAMED, DAN))


def holders(folder: Path, traces: Iterable[bytes]) -> set[str]:
    """Return the files whose content or name contains one of the traces."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path)
        for path in files
        for trace in traces
        if trace in path.read_bytes() or trace in str(path.relative_to(folder)).encode()
    }


def traces_of(here: DataFolder, *people: str) -> list[bytes]:
    """Return the ids and vectors of all faces of these people, and what names them."""
    with open_gallery(here.data) as gallery:
        ids = [face for person in people for face in here.of(person)]
        stored = gallery._faces.get_faces("staff", ids)
        vectors = [face.embedding.astype("<f4").tobytes() for face in stored]
    assert len(vectors) == len(ids) > 0
    return [*vectors, *(face.encode() for face in ids), *(person.encode() for person in people)]


def test_a_golden_folder_is_opened_and_searched(here: DataFolder, tmp_path: Path) -> None:
    assert names(here) == NAMED
    described = here.json("collections", "describe", "staff")
    assert (described["retention_days"], described["threshold"]) == (36500, 0.9)
    people = here.json("people", "list", "--collection", "staff")["people"]
    assert [(each["user_id"], each["name"]) for each in people] == [
        (ANN, ANN_NAME),
        (BOB, BOB_NAME),
    ]
    (tmp_path / "probe.jpg").write_bytes(photo_of(ANN, 9))
    assert ANN_NAME in here.run("match", tmp_path / "probe.jpg", "--collection", "staff")
    history = here.json("people", "history", "--collection", "staff")["entries"]
    assert {each["by"] for each in history} == {"golden"}
    assert len(history) >= 8
    (event,) = here.json("people", "events", "--collection", "staff")["events"]
    assert event["person_name"] == ANN_NAME
    assert here.json("people", "suggest", "--collection", "staff")["clusters"]
    (receipt,) = here.json("erasures", "list", "--collection", "staff")["erasures"]
    assert receipt["faces"] == SHOTS
    with open_gallery(here.data) as gallery:
        assert len(gallery.list_corrections("staff").corrections) == 1
        assert gallery.thumbnail("staff", here.of(EVE)[0])
    assert len(here.json("jobs", "list")["jobs"]) == 3


def test_an_interrupted_job_of_a_golden_folder_is_resumed(here: DataFolder) -> None:
    segments = set(here.data.glob("jobs/*/ledger/*/*"))
    report = here.index(NEWCOMERS)
    # The same job is resumed, after what it has committed.
    assert len(here.json("jobs", "list")["jobs"]) == 3
    assert segments < set(here.data.glob("jobs/*/ledger/*/*"))
    assert report["outcomes"] == {"INDEXED": NEWCOMER_PHOTOS}
    assert len(here.faces()) == sum(NAMED.values()) + NEWCOMER_PHOTOS
    here.index(STAFF)
    # Whoever was erased stays erased.
    assert names(here) == NAMED
    here.run("verify", "staff")


def test_a_golden_folder_is_rebuilt_into_another_store_and_after_a_loss(
    here: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.run("rebuild", "staff", "--into", tmp_path / "other")
    other = DataFolder(tmp_path / "other", monkeypatch)
    # No job has indexed Eve.
    indexed = {name: number for name, number in NAMED.items() if name != EVE}
    assert names(other) == indexed
    assert BOB_NAME in other.run("people", "list", "--collection", "staff")
    (here.data / "facerec.db").unlink()
    here.run("rebuild", "staff")
    assert names(here) == indexed


def test_the_export_of_a_golden_folder_is_imported(
    here: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DataFolder(tmp_path / "other", monkeypatch)
    other.run("collections", "import", here.data.parent / "export")
    assert names(other) == NAMED
    people = other.json("people", "list", "--collection", "staff")["people"]
    assert [each["name"] for each in people] == [ANN_NAME, BOB_NAME]
    assert other.json("people", "history", "--collection", "staff")["entries"]


def test_a_person_and_the_collection_of_a_golden_folder_are_erased(here: DataFolder) -> None:
    traces = [*traces_of(here, ANN), ANN_NAME.encode()]
    others = traces_of(here, BOB, CID, EVE)
    assert holders(here.data, traces)
    words = ("erase", "--collection", "staff", "--external-id", ANN, "--check", "--yes")
    erased = here.json(*words)
    assert (erased["status"], erased["faces"], erased["left"]) == ("DONE", SHOTS + 1, [])
    own = (ANN.encode(), ANN_NAME.encode())
    assert holders(here.data, [trace for trace in traces if trace not in own]) == set()
    assert names(here) == {name: number for name, number in NAMED.items() if name != ANN}
    here.run("collections", "delete", "staff", "--yes")
    left = holders(here.data, [*traces, *others])
    assert left == set()
    assert holders(here.data, [b"new-0", BOB_NAME.encode()]) == set()


def test_what_was_erased_before_is_nowhere_in_a_golden_folder(
    here: DataFolder, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "golden" / "photos")
    shutil.rmtree(tmp_path / "golden" / "aws")
    assert holders(tmp_path / "golden", [DAN.encode(), b"guest-"]) == set()
