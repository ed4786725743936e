"""Measure how long the failures of a job without failures take to list, by the number of its rows.

    python -m benchmarks.failures [--photos 10000 1000000] [--json FILE]

The job folder is generated as for ``benchmarks.erasing``. Times are processor times in ms, with the
reading of the plan and the report; those of reading all rows are for comparison.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from benchmarks.erasing import complete_job
from benchmarks.support.results import arguments, finish, show
from facerec.jobs.folders import read_folder
from facerec.jobs.ledger.failures import iterate_failures
from facerec.jobs.ledger.reading import iterate_rows
from facerec.jobs.ledger.report import write_report
from facerec.storage.objects.local import LocalObjects

MAX_MS = 100.0
"""Target: maximum processor time of listing the failures at any size."""


def main() -> int:
    """Run the benchmark, print its results and check them."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    rows = [measure(photos) for photos in options.photos]
    show("listing the failures of a job without failures, ms", rows)
    reached = all(row["its failures"] <= MAX_MS for row in rows)
    print(f"target: {MAX_MS:g} ms at any size")
    finish("failures", {"sizes": rows, "reached": reached}, options.json)
    return int(not reached)


def measure(photos: int) -> dict[str, Any]:
    """Return the costs for a job of ``photos`` rows, in ms."""
    objects = LocalObjects()
    with tempfile.TemporaryDirectory() as folder:
        plan, _ = complete_job(objects, folder, photos)
        with patch("os.fsync"):
            report = write_report(plan, objects, tolerated_failure_percentage=9)

        def failures() -> int:
            job = read_folder(objects, plan.job_folder)
            return sum(1 for _ in iterate_failures(job.plan, objects, job.report))

        def everything() -> int:
            return sum(1 for _ in iterate_rows(plan, objects))

        return {
            "rows": report.tally.photos,
            "its failures": _ms(failures, 0),
            "all rows": _ms(everything, report.tally.photos),
        }


def _ms(action: Callable[[], int], expected: int) -> float:
    started = time.process_time()
    assert action() == expected
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    sys.exit(main())
