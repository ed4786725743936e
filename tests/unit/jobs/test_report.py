"""The report adds up what children left; the ledger is read in the manifest's order."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facerec.core.schemas import violation
from facerec.jobs.difference import Difference
from facerec.jobs.ledger.failures import iterate_failures
from facerec.jobs.ledger.reading import iterate_rows
from facerec.jobs.ledger.report import read_report, write_report
from facerec.jobs.ledger.tally import Interval, Tally
from facerec.jobs.outcomes import Outcome
from facerec.jobs.status import JobStatus
from facerec.storage.objects.local import LocalObjects
from facerec.testing.engine import fake_face, fake_photo
from tests.support.jobs import LocalJob, write_manifest, write_photos
from tests.support.memory_objects import MemoryObjects


def mixed_photos(folder: Path) -> list[Path]:
    """Write 60 photos, of which 6 are broken and 6 show a face that is rejected."""
    photos = write_photos(folder, 60)
    for number in range(0, 60, 10):
        photos[number].write_bytes(b"broken")
        photos[number + 5].write_bytes(fake_photo(fake_face(f"blur-{number}", sharp=False)))
    return photos


def test_a_report_counts_everything_and_names_failures_by_line(tmp_path: Path) -> None:
    photos = mixed_photos(tmp_path / "photos")
    lines = [json.dumps({"image": str(photo)}) for photo in photos]
    lines[7:7] = ["", "{not json"]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    job = LocalJob(tmp_path, tmp_path / "list.jsonl")
    job.run()
    report = write_report(job.plan, job.objects, tolerated_failure_percentage=12)
    assert report.status is JobStatus.SUCCEEDED
    assert report.children == report.complete_children == job.plan.children > 2
    assert report.tally.photos == 61
    assert report.tally.outcomes == {
        Outcome.INDEXED: 48,
        Outcome.ALL_FACES_REJECTED: 6,
        Outcome.UNREADABLE: 6,
        Outcome.MALFORMED_LINE: 1,
    }
    assert report.tally.reasons == {"UNSUPPORTED_FORMAT": 6}
    assert report.tally.faces_rejected == {"LOW_SHARPNESS": 6}
    assert report.tally.faces_rejected_by_option == {"quality_filter": 6}
    assert report.tally.faces_indexed == 48
    assert report.tally.bytes == sum(photo.stat().st_size for photo in photos)
    assert report.failed_photos == 7
    assert report.failure_percentage == pytest.approx(100 * 7 / 61, abs=0.001)
    assert [row.manifest_line for row in report.tally.failures] == [1, 9, 13, 23, 33, 43, 53]
    assert report.seconds > 0
    # the seconds are rounded to milliseconds, and the job may take as few as 30
    assert report.photos_per_second == pytest.approx(61 / report.seconds, rel=0.03)
    kept = read_report(job.objects, job.plan.job_folder)
    assert kept.to_json() == report.to_json()
    assert [violation("ledger-row", row) for row in kept.to_json()["failures"]] == [None] * 7
    assert violation("report", kept.to_json()) is None


def test_the_ledger_is_read_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    photos = mixed_photos(tmp_path / "photos")
    lines = ["image", *map(str, photos)]
    lines[20:20] = ["", "  "]
    text = "\r\n".join(lines).encode()
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    numbers = [number for number, line in enumerate(lines, 1) if number > 1 and line.strip()]
    for name, each in (("a.csv", 7), ("a.csv.gz", 15)):
        job = LocalJob(tmp_path / name[2:], tmp_path / name, images_per_child=each)
        assert job.plan.children > 3
        job.run()
        rows = list(iterate_rows(job.plan, job.objects))
        assert [row.photo for row in rows] == [str(photo) for photo in photos]
        assert [row.manifest_line for row in rows] == numbers
        failed = [row for row in rows if row.failed]
        assert len(failed) > 3
        assert list(iterate_failures(job.plan, job.objects, None)) == failed


def test_too_many_failures_fail_a_job(tmp_path: Path) -> None:
    photos = mixed_photos(tmp_path / "photos")
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    report = write_report(job.plan, job.objects, tolerated_failure_percentage=5)
    assert (report.failure_percentage, report.tolerated_failure_percentage) == (10, 5)
    assert report.status is JobStatus.FAILED
    lenient = write_report(job.plan, job.objects, tolerated_failure_percentage=10)
    assert lenient.status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("processed", "failed", "of_source", "tolerated", "expected"),
    [
        pytest.param(1, 1, 100, 5, JobStatus.SUCCEEDED, id="one of one new photo"),
        pytest.param(1, 1, 19, 5, JobStatus.FAILED, id="one, of a small folder"),
        pytest.param(1, 1, 10**8, 0, JobStatus.FAILED, id="one, but none is tolerated"),
        pytest.param(20, 20, 400, 5, JobStatus.SUCCEEDED, id="as many as a report names"),
        pytest.param(21, 21, 10**6, 5, JobStatus.FAILED, id="more than a report names"),
        pytest.param(1000, 21, 10**6, 5, JobStatus.SUCCEEDED, id="few of many new photos"),
    ],
)
def test_few_failures_are_a_share_of_all_photos_of_the_source(
    tmp_path: Path, processed: int, failed: int, of_source: int, tolerated: float, expected: str
) -> None:
    photos = [tmp_path / f"{number:04}.jpg" for number in range(processed)]
    for number, path in enumerate(photos):
        path.write_bytes(b"broken" if number < failed else fake_photo(fake_face("somebody")))
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    difference = Difference(of_source, unchanged=of_source - processed, new=processed)
    plan = replace(job.plan, difference=difference)
    report = write_report(plan, job.objects, tolerated_failure_percentage=tolerated)
    assert report.status == expected
    assert report.is_failed == (expected is JobStatus.FAILED)
    assert report.counted_photos == (failed, of_source if failed <= 20 else processed)
    assert read_report(job.objects, plan.job_folder).is_failed == report.is_failed


@pytest.mark.parametrize(
    ("failed", "before", "of_source", "percentage"),
    [
        pytest.param(0, 30, 60, 50, id="only photos of earlier jobs"),
        pytest.param(2, 1, 30, 10, id="photos of both"),
        pytest.param(22, 58, 100, 100 * 22 / 25, id="most photos of this job"),
        pytest.param(22, 58, 80, 100, id="all photos"),
    ],
)
def test_photos_that_failed_in_earlier_jobs_are_failures_of_all_photos_of_the_source(
    tmp_path: Path, failed: int, before: int, of_source: int, percentage: float
) -> None:
    photos = [tmp_path / f"{number:04}.jpg" for number in range(25)]
    for number, path in enumerate(photos):
        path.write_bytes(b"broken" if number < failed else fake_photo(fake_face("somebody")))
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    difference = Difference(of_source, unchanged=of_source - 25, new=25, failed=before)
    plan = replace(job.plan, difference=difference)
    report = write_report(plan, job.objects, tolerated_failure_percentage=5)
    assert (report.failed_photos, report.failed_before) == (failed + before, before)
    assert report.failure_percentage == pytest.approx(percentage)
    assert report.is_failed
    assert len(list(iterate_failures(plan, job.objects, report))) == failed


def test_a_report_names_children_that_are_missing_and_counts_what_they_did(tmp_path: Path) -> None:
    photos = mixed_photos(tmp_path / "photos")
    manifest = write_manifest(tmp_path / "list.jsonl", photos)
    job = LocalJob(tmp_path, manifest, images_per_child=20)
    asked = iter(range(1000))
    job.run(stop=lambda: next(asked) > 30)
    report = write_report(job.plan, job.objects, tolerated_failure_percentage=5)
    assert report.status is JobStatus.INCOMPLETE
    assert report.complete_children == 1
    assert report.incomplete == (1, 2)
    assert 20 <= report.tally.photos < 60
    rows = list(iterate_rows(job.plan, job.objects))
    assert [row.manifest_line for row in rows] == list(range(1, report.tally.photos + 1))
    failed = [row for row in rows if row.failed]
    assert failed == list(iterate_failures(job.plan, job.objects, report))


class NoLedgers(LocalObjects):
    """Refuses to read ledgers."""

    def read(self, uri: str, **options: Any) -> bytes:  # noqa: ANN401 - those of the protocol
        assert "/ledger/" not in uri
        return super().read(uri, **options)


def test_ledgers_without_failures_are_not_read_for_the_failures(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 30)
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos), images_per_child=10)
    job.run()
    report = write_report(job.plan, job.objects, tolerated_failure_percentage=5)
    assert list(iterate_failures(job.plan, NoLedgers(), None)) == []
    assert list(iterate_failures(job.plan, MemoryObjects(), report)) == []


def test_files_of_children_follow_their_schemas(tmp_path: Path) -> None:
    photos = mixed_photos(tmp_path / "photos")
    job = LocalJob(tmp_path, write_manifest(tmp_path / "list.jsonl", photos))
    job.run()
    parts = list(Path(job.plan.job_folder).glob("ledger/*/*.jsonl"))
    assert parts
    for part in parts:
        header, *rows = map(json.loads, part.read_text().splitlines())
        assert violation("ledger-segment", header) is None
        assert len(rows) == header["segment"]["rows"]
        assert [violation("ledger-row", row) for row in rows] == [None] * len(rows)
        assert "embedding" not in "".join(str(row) for row in rows)


def summed(*intervals: Interval) -> list[Interval]:
    total = Tally()
    for interval in intervals:
        total.add(Tally.of([], interval))
    return total.busy_intervals


def test_overlapping_working_periods_count_once() -> None:
    assert summed((5, 9), (1, 3), (2, 4), (20, 21), (9.5, 12)) == [(1, 12), (20, 21)]
    assert summed((1, 10), (2, 3)) == [(1, 10)]


def test_adding_a_child_does_not_go_through_the_periods_of_all_others() -> None:
    looked_at = 0

    class Counted(list[Interval]):
        def __getitem__(self, place: Any) -> Any:  # noqa: ANN401 - as in list
            nonlocal looked_at
            looked_at += 1
            return super().__getitem__(place)

        def __iter__(self) -> Iterator[Interval]:
            nonlocal looked_at
            looked_at += len(self)
            return super().__iter__()

    total = Tally(busy_intervals=Counted())
    for child in range(4000):
        # A third of the machines run half a day later.
        start = 10.0 * child + 50_000 * (child % 3 == 0)
        total.add(Tally.of([], (start, start + 5)))
    assert isinstance(total.busy_intervals, Counted)
    assert 4000 < looked_at < 40 * 4000
    assert len(total.busy_intervals) == 4000
    assert total.busy_intervals == sorted(total.busy_intervals)
    assert total.seconds == 5 * 4000
