"""Every place that names somebody is known to erasing, to the check and to exporting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facerec.cli.exit_codes import ExitCode
from facerec.core.erasures import Selection, SubjectKind
from facerec.factory import jobs_root_of, open_gallery, open_local_erasures, open_local_store
from facerec.jobs.erasing.places import Place, is_photo_list, place_uri
from facerec.jobs.erasure_check.check import find_remainders
from facerec.jobs.erasure_check.traces import CheckedStores, Traces
from facerec.storage.objects import Objects
from facerec.storage.objects.local_writing import TEMPORARY_PREFIX
from tests.functional.test_erasing import Installation
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine

CANARY = "canary-lee-4711"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation whose files name the canary wherever facerec writes names."""
    with pytest.MonkeyPatch.context() as patch:
        use_fake_engine(patch)
        run_jobs_in_this_process(patch)
        here = Installation(tmp_path_factory.mktemp("places"))
        for person in (CANARY, "bob-ray"):
            for number in range(3):
                here.write(person, number)
        # A photo that cannot be read is in the summaries and the report.
        (here.photos / CANARY / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
        patch.setattr("facerec.jobs.remembered.memory.MERGED_FROM", 2)
        for _ in range(3):
            # Earlier runs are merged.
            here.write(CANARY, 0)
            words = ("index", here.photos, "--collection", "staff", "--external-ids", "folder")
            here.run(*words, "--workers", 1, "--retry-failures")
        with open_gallery(here.data) as gallery:
            faces = gallery.select("staff", SubjectKind.EXTERNAL_ID, CANARY).face_ids
            gallery.create_user("staff", CANARY, name=f"Dr. {CANARY}")
            gallery.associate_faces("staff", CANARY, sorted(faces)[:2], min_similarity=0)
            gallery.not_same("staff", sorted(faces)[2], "bob-ray")
            gallery.answer_once("token", {}, lambda: {"UserId": CANARY})
        return here


def files_naming(here: Installation) -> list[Path]:
    found = (path for path in here.data.rglob("*") if path.is_file())
    return [path for path in found if CANARY.encode() in path.read_bytes()]


def test_every_file_that_names_somebody_is_in_a_known_place(full: Installation) -> None:
    jobs, unknown, seen = full.data / "jobs", [], set()
    for path in files_naming(full):
        if path.parent == full.data and path.name.startswith("facerec.db"):
            continue
        if path.relative_to(jobs).parts[0].startswith("remembered@"):
            assert is_photo_list(path.name)
            continue
        folder = f"{jobs / path.relative_to(jobs).parts[0]}/"
        places = {place for place in Place if str(path).startswith(place_uri(place, folder))}
        seen |= places
        if not places:
            unknown.append(path)
    assert unknown == []
    assert seen >= set(Place) - {Place.STALE}


def test_an_export_has_something_of_every_place(full: Installation) -> None:
    with open_gallery(full.data) as gallery:
        exported = gallery.export("staff", SubjectKind.EXTERNAL_ID, CANARY).to_json()
        person = gallery.export("staff", SubjectKind.USER, CANARY).to_json()
    assert exported["faces"]
    assert exported["corrections"]
    assert [each["name"] for each in exported["people"]] == [f"Dr. {CANARY}"]
    assert exported["people"][0]["embedding"]
    assert exported["answers"] == person["answers"] == [{"UserId": CANARY}]
    jobs = {job["job_id"]: job for job in exported["jobs"]}
    memory = jobs.pop("remembered@staff")
    listed = {each["photo"] for each in memory["photos"]}
    assert listed == {str(path) for path in (full.photos / CANARY).iterdir()}
    assert any(job["rows"] for job in jobs.values())
    assert any(job["faces"] for job in jobs.values())
    outcomes = {each["outcome"] for job in jobs.values() for each in job["photos"]}
    assert outcomes >= {None, "INDEXED", "UNREADABLE"}


@pytest.mark.parametrize("place", [*Place, None], ids=str)
def test_the_check_finds_a_name_in_every_place(full: Installation, place: Place | None) -> None:
    jobs = full.data / "jobs"
    if place is None:
        memory = next(path for path in jobs.glob("remembered@*/*") if path.is_dir())
        file = memory / "00000099-merged"
    else:
        job = next(path.parent for path in jobs.glob("*/plan.json"))
        uri = place_uri(place, f"{job}/")
        file = Path(f"{uri}0000099.jsonl" if uri.endswith(("-", "/")) else uri)
    before = file.read_bytes() if file.exists() else None
    other = {"uri": "x", "external_image_id": "planted-lee", "version": ""}
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(other) + "\n")
        with open_local_store(full.data) as store:
            root = f"{full.data.absolute()}/"
            stores = CheckedStores(
                store,
                store,
                Objects(),
                jobs_root_of(full.data),
                open_local_erasures(full.data),
                (root,),
            )
            selection = Selection(external_image_ids=frozenset(("planted-lee",)))
            left = find_remainders("staff", Traces(selection, frozenset(), ()), stores)
            assert {each.place for each in left} == {str(file)}
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


def test_an_erasure_leaves_the_name_in_no_place(full: Installation) -> None:
    assert files_naming(full)
    # The photos of the external image id have the name in their addresses.
    expected = {"--person": ExitCode.REMAINDER, "--external-id": ExitCode.DONE}
    for option, code in expected.items():
        erased = full.run("erase", "--collection", "staff", option, CANARY, "--yes", "--check")
        assert erased.exit_code == code, erased.output
    assert files_naming(full) == []


def test_an_erasure_leaves_no_file_that_was_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    for person in (CANARY, "bob-ray"):
        here.write(person, 1)
    here.index()
    (job,) = (path.parent for path in here.data.glob("jobs/*/plan.json"))
    pending = here.data / "erasures" / "pending"
    pending.mkdir(parents=True)
    # A run that was killed before it had a plan leaves its list of photos.
    unplanned = here.data / "jobs" / "staff-0123456789ab"
    unplanned.mkdir()
    (unplanned / "manifest-01234567.jsonl").write_text(f"{CANARY}\n")
    monkeypatch.setattr("facerec.jobs.erasing.leftovers.ABANDONED_AFTER", 0.0)
    folders = {path.parent for path in here.data.rglob("*") if path.is_file()} | {pending}
    assert len(folders) > 8
    for folder in folders - {here.data}:
        (folder / f"{TEMPORARY_PREFIX}torn").write_text(f"{CANARY}\n")
    here.run("erase", "--collection", "staff", "--external-id", CANARY, "--yes", "--check")
    assert files_naming(here) == []
    assert (job / "plan.json").exists()
