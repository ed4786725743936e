"""A run over a manifest reads only the photos of new lines, and photos that have changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import facerec.jobs.planning.changes
import facerec.jobs.planning.named_photos
from facerec.errors import InvalidInputError
from facerec.jobs.difference import Difference
from facerec.jobs.manifest.entries import ManifestEntry
from facerec.jobs.manifest.source import SourceKind
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import JobRequest
from tests.support.indexed_folder import Collection, deny


class Listed(Collection):
    """A collection that is indexed from a manifest."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.manifest = self.folder / "list.jsonl"
        self.names: list[str | dict[str, str]] = []

    def name(self, *names: str | dict[str, str]) -> None:
        """Append lines to the manifest: names of photos, or objects."""
        self.names += names
        lines = ({"image": each} if isinstance(each, str) else each for each in self.names)
        located = ({**each, "image": f"{self.photos}/{each['image']}"} for each in lines)
        self.manifest.write_text("".join(f"{json.dumps(each)}\n" for each in located))

    def again(self, **settings: object) -> Plan:
        return self.run(self.manifest, **settings)


def numbers(plan: Plan) -> Difference:
    assert plan.difference is not None
    return plan.difference


@pytest.fixture
def staff(tmp_path: Path) -> Listed:
    collection = Listed(tmp_path)
    collection.photo("a.jpg", "ann")
    collection.photo("b.jpg", "bob", "eve")
    collection.photo("nobody.jpg")
    (collection.photos / "broken.jpg").write_bytes(b"no photo")
    (collection.photos / "film.mp4").write_bytes(b"film")
    collection.name("b.jpg", "a.jpg", "nobody.jpg", "broken.jpg", "film.mp4", "missing.jpg")
    return collection


def test_an_unchanged_manifest_is_the_same_job_whatever_the_outcomes_were(staff: Listed) -> None:
    first = staff.again()
    assert len(staff.rows(first)) == 6
    assert staff.again() == first
    assert staff.read() == []


def test_only_the_photo_of_a_new_line_is_read(staff: Listed) -> None:
    staff.again()
    staff.photo("c.jpg", "cid")
    staff.name("c.jpg")
    second = staff.again()
    assert staff.read() == ["c.jpg"]
    assert numbers(second) == Difference(photos=7, unchanged=6, new=1, failed=2)
    assert staff.again() == second
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2, "c.jpg": 1}


def test_a_photo_that_was_replaced_replaces_its_faces(staff: Listed) -> None:
    staff.again()
    staff.photo("b.jpg", "zoe")
    second = staff.again()
    assert staff.read() == ["b.jpg"]
    assert numbers(second) == Difference(photos=6, unchanged=5, changed=1, failed=2)
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}
    assert staff.again() == second


def test_a_photo_that_was_replaced_many_times_is_read_each_time(staff: Listed) -> None:
    staff.again()
    for number in range(9):
        staff.photo("a.jpg", f"person {number}", *["friend"] * (number % 2))
        staff.again()
        assert staff.read() == ["a.jpg"]
        assert staff.sources() == {"a.jpg": 1 + number % 2, "b.jpg": 2}
    staff.again()
    assert staff.read() == []


def test_a_missing_photo_is_read_once_it_exists_and_not_before(staff: Listed) -> None:
    staff.again()
    staff.photo("missing.jpg", "mia")
    staff.again()
    assert staff.read() == ["missing.jpg"]


def test_photos_that_are_gone_keep_their_faces(staff: Listed) -> None:
    first = staff.again()
    for path in staff.photos.iterdir():
        path.unlink()
    assert staff.again(force=True).difference == Difference(photos=2, changed=2, gone=4)
    assert staff.again() != first
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 2}


def test_other_options_and_other_names_are_new_photos(staff: Listed) -> None:
    staff.again()
    assert numbers(staff.again(options={"max_faces": 1})).changed == 5
    staff.name({"image": "a.jpg", "external_image_id": "ann"})
    named = staff.again(options={"max_faces": 1})
    # The photo is processed under all of its names.
    assert numbers(named) == Difference(photos=7, unchanged=5, changed=2, failed=2)
    assert staff.read() == ["a.jpg", "a.jpg"]


@pytest.mark.parametrize("setting", ["force", "restore_deleted"])
def test_all_photos_are_read_if_that_is_asked_for(staff: Listed, setting: str) -> None:
    staff.again()
    staff.again(**{setting: True})
    assert staff.read() == ["a.jpg", "b.jpg", "broken.jpg", "missing.jpg", "nobody.jpg"]


def test_failed_photos_are_tried_again_if_that_is_asked_for(staff: Listed) -> None:
    staff.again()
    staff.again(retry_failures=True)
    assert staff.read() == ["broken.jpg", "missing.jpg"]


def test_a_missing_photo_that_exists_now_lets_no_other_failed_photo_be_read(staff: Listed) -> None:
    with pytest.MonkeyPatch.context() as patch:
        deny(staff, "a.jpg", patch)
        staff.again()
        staff.photo("missing.jpg", "mia")
        second = staff.again()
    assert staff.read() == ["missing.jpg"]
    assert numbers(second) == Difference(photos=6, unchanged=5, retried=1, failed=2)


def test_a_failure_that_another_job_has_corrected_is_not_counted_any_more(staff: Listed) -> None:
    first = staff.again()
    staff.name("nobody.jpg")
    assert numbers(staff.again()).failed == 2
    staff.photo("missing.jpg", "mia")
    other = staff.folder / "other.jsonl"
    other.write_text(f'{{"image": "{staff.photos}/missing.jpg"}}\n')
    staff.run(other)
    again = staff.again()
    assert staff.read() == []
    assert again != first
    assert numbers(again).failed == 1
    assert staff.again() == again


def test_a_malformed_line_is_reported_once(staff: Listed) -> None:
    staff.again()
    with staff.manifest.open("a") as file:
        file.write('{"photo": "a.jpg"}\nno JSON\n{"image": "x.jpg", "external_image_id": "a b"}\n')
        file.write("x" * 70_000 + "\n")
    second = staff.again()
    assert [row.outcome for row in staff.rows(second)] == [Outcome.MALFORMED_LINE] * 4
    assert numbers(second).failed == 2
    staff.photo("c.jpg", "cid")
    with staff.manifest.open("a") as file:
        file.write(f'{{"image": "{staff.photos}/c.jpg"}}\n')
    third = staff.again()
    assert [row.outcome for row in staff.rows(third)] == [Outcome.INDEXED]
    assert numbers(third).failed == 6


@pytest.mark.parametrize(
    ("suffix", "head", "malformed"), [("csv", "image\n", "a,b\n"), ("txt", "", "ftp://x/a.jpg\n")]
)
def test_a_malformed_line_is_reported_once_in_other_formats(
    staff: Listed, suffix: str, head: str, malformed: str
) -> None:
    manifest = staff.folder / f"list.{suffix}"
    manifest.write_text(f"{head}{staff.photos}/a.jpg\n{malformed}")
    first = staff.run(manifest)
    assert len(staff.rows(first)) == 2
    assert staff.run(manifest) == first
    manifest.write_text(f"{head}{staff.photos}/a.jpg\n{malformed}{malformed}photos/b.jpg\n")
    assert [row.outcome for row in staff.rows(staff.run(manifest))] == [Outcome.INDEXED]


def test_a_manifest_and_its_folder_know_the_same_photos(staff: Listed) -> None:
    staff.again()
    staff.run(external_ids="none")
    assert staff.read() == []


def test_photos_named_in_the_request_are_compared_too(staff: Listed) -> None:
    def run() -> Plan:
        images = tuple(ManifestEntry(f"{staff.photos}/{name}") for name in ("b.jpg", "a.jpg"))
        request = JobRequest("staff", None, images)
        return staff.complete(
            plan_job(
                request,
                staff.objects,
                staff.store,
                jobs_root=staff.jobs_root,
                model_version=staff.engine.model_version,
            )
        )

    first = run()
    assert staff.read() == ["a.jpg", "b.jpg"]
    assert run() == first
    staff.photo("a.jpg", "zoe")
    run()
    assert staff.read() == ["a.jpg"]


def test_an_interrupted_first_run_is_resumed(staff: Listed) -> None:
    plan = staff.plan(staff.manifest)
    staff.interrupt(plan, 2)
    assert staff.again() == plan
    assert len(staff.rows(plan)) == 6


def test_an_interrupted_first_run_reads_photos_that_were_replaced_since(staff: Listed) -> None:
    staff.interrupt(staff.plan(staff.manifest), 2)
    staff.photo("b.jpg", "zoe")
    staff.again()
    assert staff.sources() == {"a.jpg": 1, "b.jpg": 1}


def test_a_gzip_manifest_is_compared_like_any_other(staff: Listed) -> None:
    packed = staff.folder / "list.jsonl.gz"
    packed.write_bytes(gzip.compress(staff.manifest.read_bytes()))
    first = staff.run(packed)
    assert first.source.kind is SourceKind.STRIPES
    staff.photo("b.jpg", "zoe")
    second = staff.run(packed)
    assert staff.read() == ["b.jpg"]
    assert second.source.kind is SourceKind.RANGES


def test_a_gzip_manifest_of_many_children_is_decompressed_once(staff: Listed) -> None:
    packed = staff.folder / "long.txt.gz"
    packed.write_bytes(gzip.compress(f"{staff.photos}/a.jpg\n".encode() * 400))
    plan = staff.plan(packed, images_per_child=20)
    assert (plan.source.kind, plan.children) == (SourceKind.RANGES, 20)


def test_a_gzip_manifest_of_few_children_stays_as_it_is(staff: Listed) -> None:
    packed = staff.folder / "long.txt.gz"
    packed.write_bytes(gzip.compress(f"{staff.photos}/a.jpg\n".encode() * 400))
    plan = staff.plan(packed, images_per_child=40)
    assert (plan.source.kind, plan.children) == (SourceKind.STRIPES, 10)


def test_a_gzip_manifest_that_is_too_large_to_decompress_is_refused(
    staff: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = staff.folder / "long.txt.gz"
    packed.write_bytes(gzip.compress(f"{staff.photos}/a.jpg\n".encode() * 400))
    monkeypatch.setattr(facerec.jobs.planning.changes, "MAX_LINES", 399)
    with pytest.raises(InvalidInputError, match="more than the 399 that can be read"):
        staff.plan(packed)
    # Its size is estimated from the first lines, so they are counted too.
    monkeypatch.undo()
    monkeypatch.setattr(facerec.jobs.planning.named_photos, "MAX_LINES", 399)
    with pytest.raises(InvalidInputError, match="more than 399 lines"):
        staff.plan(packed, images_per_child=20)
