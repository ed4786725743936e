"""Measure what it costs to erase a face from the folder of a job, by the number of its photos.

    python -m benchmarks.erasing [--photos 10000 1000000] [--json FILE]

The job folder is generated, with the real files of a complete job: 32 photos with one face in each
segment, 500 photos in each child. ``ms`` is the median of single deletions by the clock, with the
waits for the disk; ``processor`` excludes these. ``first`` is the first deletion from a job of an
earlier release, or on AWS, which reads all segments once and writes the face index of the job.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from typing import Any
from unittest.mock import patch

from benchmarks.support.jobs import planned
from benchmarks.support.results import arguments, finish, show
from facerec.core.erasures import Selection
from facerec.core.faces import BoundingBox
from facerec.core.ids import group_of
from facerec.core.records import StoredFace
from facerec.jobs.erasing.collection_erasure import erase_faces
from facerec.jobs.ledger.embeddings import write_embeddings
from facerec.jobs.ledger.face_index import SegmentFaces, id_prefixes, write_face_index
from facerec.jobs.ledger.layout import embeddings_name
from facerec.jobs.ledger.rows import IndexedFace, LedgerRow
from facerec.jobs.ledger.segments import Segment, write_segment
from facerec.jobs.ledger.tally import ChildSummary, Tally, write_summary
from facerec.jobs.manifest.cursor import Cursor
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan
from facerec.storage.objects.local import LocalObjects
from facerec.testing.engine import FakeEngine
from facerec.testing.faces import stored_face

PER_STEP = 32
PER_CHILD = 500
DELETIONS = 25

MAX_MS = 20.0
"""Target: maximum processor time of a deletion at any size; the clock says little on a busy
machine."""

MAX_GROWTH = 2.0
"""Target: maximum processor time at the largest size, divided by that at the smallest. The folder
has more files, but no operation reads or lists all of them."""


def main() -> int:
    """Run the benchmark, print its results and check them."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    rows = [measure(photos) for photos in options.photos]
    show("erasing a face from a job folder", rows)
    growth = rows[-1]["processor"] / rows[0]["processor"]
    reached = growth <= MAX_GROWTH and all(row["processor"] < MAX_MS for row in rows)
    print(f"growth of the processor time: {growth:.2f} (target: {MAX_GROWTH:g})")
    finish("erasing", {"sizes": rows, "growth": growth, "reached": reached}, options.json)
    return int(not reached)


def measure(photos: int) -> dict[str, Any]:
    """Return the costs with ``photos`` photos indexed before, in ms."""
    objects = LocalObjects()
    with tempfile.TemporaryDirectory() as folder:
        _, ids = complete_job(objects, folder, photos)
        step = len(ids) // (DELETIONS + 1)

        def erase(number: int) -> tuple[float, float]:
            selection = Selection(frozenset([ids[number * step]]))
            clock, processor = time.perf_counter(), time.process_time()
            (erased,) = erase_faces(objects, f"{folder}/jobs/", "measured", selection)
            assert (erased.embeddings, erased.rows) == (1, 1)
            return time.perf_counter() - clock, time.process_time() - processor

        first, _ = erase(0)
        costs = [erase(number) for number in range(1, DELETIONS + 1)]
    return {
        "photos": photos,
        "ms": 1000 * statistics.median(clock for clock, _ in costs),
        "processor": 1000 * statistics.median(processor for _, processor in costs),
        "first": 1000 * first,
    }


def complete_job(objects: LocalObjects, folder: str, photos: int) -> tuple[Plan, list[str]]:
    """Write the files of a complete job, and return its plan and the ids of its faces."""
    with patch("os.fsync"):
        plan = planned(
            [f"{number:08}.jpg" for number in range(photos)],
            folder,
            objects,
            FakeEngine(),
            images_per_child=PER_CHILD,
        )
        ids = [
            face for child in range(plan.children) for face in complete_child(objects, plan, child)
        ]
    return plan, ids


def complete_child(objects: LocalObjects, plan: Plan, child: int) -> list[str]:
    """Write the files of a complete child, and return the ids of its faces."""
    photos = min(PER_CHILD, plan.estimated_photos - child * PER_CHILD)
    tally, segments, ids = Tally(), [], []
    for start in range(0, photos, PER_STEP):
        end = min(start + PER_STEP, photos)
        # Lines of 13 bytes; only the order of the offsets matters.
        first, last = (13 * (child * PER_CHILD + line) for line in (start, end))
        faces = [stored_face(f"{child}-{number}") for number in range(start, end)]
        name = embeddings_name(child, first, last)
        write_embeddings(objects, plan.job_folder + name, faces)
        rows = tuple(_row(child, start + place, face) for place, face in enumerate(faces, 1))
        write_segment(
            objects,
            plan.job_folder,
            Segment(child, Cursor(first, start), Cursor(last, end), rows, name, 1.0, 2.0),
        )
        tally.add(Tally.of(rows, (1.0, 2.0)))
        own = [face.record.face_id for face in faces]
        segments.append(SegmentFaces(first, name, b"".join(id_prefixes(own))))
        ids += own
    write_face_index(objects, plan.job_folder, child, segments)
    write_summary(objects, plan.job_folder, ChildSummary(child, True, photos, tally))
    return ids


def _row(child: int, line: int, face: StoredFace) -> LedgerRow:
    face_id = face.record.face_id
    return LedgerRow(
        child,
        line,
        f"/photos/{child:05}/{line:06}.jpg",
        f"{child}/{line}",
        Outcome.INDEXED,
        image_id=group_of(face_id),
        faces=(IndexedFace(face_id, BoundingBox(0.1, 0.1, 0.2, 0.2), 99.0),),
        bytes=100_000,
        milliseconds=10.0,
    )


if __name__ == "__main__":
    sys.exit(main())
