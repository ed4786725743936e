"""Time the report of a job with very many children, as the Lambda function writes it.

    python -m benchmarks.report [--children 10000] [--delay-ms 0]

The children's summaries are real ones in an object store in memory. Listing, concurrent reading and
adding up are timed. ``--delay-ms`` delays each request, as S3 would. ``memory`` is the peak of
Python's allocations, without the summaries themselves.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections import Counter

from benchmarks.support.jobs import one_collection
from benchmarks.support.results import arguments, finish, show
from facerec.jobs.ledger.rows import LedgerRow
from facerec.jobs.ledger.tally import ChildSummary, Tally, write_summary
from facerec.jobs.outcomes import Outcome
from facerec.jobs.planning.planner import plan_job
from facerec.jobs.planning.request import read_job_request
from lambdas.report.handler import summarise_execution
from tests.support.memory_objects import MemoryObjects

PHOTOS = 500
FAILING = 10


def main() -> None:
    """Run the benchmark and print its results."""
    parser = arguments(__doc__)
    parser.add_argument("--children", type=int, default=10_000)
    parser.add_argument("--delay-ms", type=float, default=0)
    options = parser.parse_args()
    results = measure(options.children, options.delay_ms / 1000)
    show("report", [{"figure": name, "value": value} for name, value in results.items()])
    finish("report", results, options.json)


def measure(children: int, delay: float) -> dict[str, int | float]:
    """Report a job of ``children`` complete children."""
    objects = MemoryObjects()
    folder = job_of(children, objects)
    objects.delay = delay
    began = time.perf_counter()
    answer = summarise_execution(objects, folder, 5, written=False)
    seconds = time.perf_counter() - began
    assert answer["photos"] == children * PHOTOS
    objects.delay = 0
    tracemalloc.start()
    summarise_execution(objects, folder, 5, written=False)
    memory = tracemalloc.get_traced_memory()[1]
    return {
        "children": children,
        "photos": answer["photos"],
        "seconds": round(seconds, 2),
        "children_per_second": round(children / seconds),
        "memory_megabytes": round(memory / 1e6, 1),
        "report_bytes": len(objects.content[answer["report"]]),
        "answer_bytes": len(json.dumps(answer)),
    }


def job_of(children: int, objects: MemoryObjects) -> str:
    """Plan a job, write the summaries of its children, and return its folder."""
    # The planner's sample holds a whole number of these lines, so its estimate is exact.
    line = b"s3://photos/0123456789/any.jpg".ljust(31) + b"\n"
    objects.write("s3://photos/all.txt", line * children)
    job = read_job_request(
        {"collection_id": "all", "manifest": "s3://photos/all.txt", "images_per_child": 1}
    )
    plan = plan_job(
        job,
        objects,
        one_collection("any"),
        jobs_root="s3://work/jobs/",
        model_version="any",
    )
    assert plan.children == children
    for child in range(children):
        write_summary(objects, plan.job_folder, _summary(child))
    return plan.job_folder


def _summary(child: int) -> ChildSummary:
    failures = [
        LedgerRow(child, line, f"s3://photos/{child}/{line}.jpg", None, Outcome.NOT_FOUND)
        for line in range(1, FAILING + 1)
    ]
    tally = Tally(
        photos=PHOTOS,
        outcomes=Counter(INDEXED=PHOTOS - FAILING, NOT_FOUND=FAILING),
        faces_indexed=PHOTOS,
        bytes=PHOTOS * 100_000,
        busy_intervals=[(1e9 + child, 1e9 + child + 240)],
        failures=failures,
    )
    return ChildSummary(child, True, PHOTOS, tally)


if __name__ == "__main__":
    main()
