"""The record of a run in a job folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.jobs.local.run_record import RunRecord, read_record, write_record


def test_two_processes_write_the_record_of_a_job_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = RunRecord(1.0, 5.0), RunRecord(2.0, 5.0)
    replace, written = Path.replace, list[RunRecord]()

    def replace_late(self: Path, target: Path) -> Path:
        if not written:
            written.append(second)
            write_record(str(tmp_path), second)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_late)
    write_record(str(tmp_path), first)
    assert read_record(str(tmp_path)) == first
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
