"""Compare runs over a folder that was indexed before with a bare walk over it.

    python -m benchmarks.rerun [--photos 100000] [--json FILE]

It compares a run over an unchanged folder, one with a single new photo, and one over an unchanged
manifest of the same photos, with one bare walk over the folder (``os.scandir`` and ``os.stat``) in
the same process, and counts the photos that are read. ``--photos`` sets the size; the files are
hard links to a few photos, so that a million of them are created in seconds.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.support.results import arguments, finish, show
from facerec.core.ids import image_key
from facerec.core.options import FaceOptions
from facerec.core.records import Collection
from facerec.jobs.ledger.layout import memory_folder
from facerec.jobs.manifest.listing import list_photos
from facerec.jobs.outcomes import Outcome
from facerec.jobs.planning.changes import find_changes
from facerec.jobs.planning.request import JobRequest
from facerec.jobs.planning.source import find_source
from facerec.jobs.remembered.child_files import write_photos
from facerec.jobs.remembered.memory import Memory
from facerec.jobs.remembered.photos import RememberedPhoto
from facerec.storage.objects import Objects
from facerec.storage.objects.protocol import ObjectInfo

PER_FOLDER = 1_000
PER_CHILD = 500

MAX_RATIO = 8.0
"""Target: maximum processor time of a run over an unchanged folder, in bare walks."""

MAX_RATIO_OF_MANIFEST = 40.0
"""Target: the same for an unchanged manifest, whose lines are also parsed, checked and sorted."""

MAX_SECONDS_PER_PHOTO = 10e-6
"""Target: 10 s of processor time for a million photos."""


class CountingObjects(Objects):
    """Counts the photos that are read."""

    photos_read = 0

    def read(self, uri: str, **options: Any) -> bytes:  # noqa: ANN401
        """Read an object."""
        self.photos_read += uri.endswith(".jpg")
        return super().read(uri, **options)

    def fetch(self, uri: str, **options: Any) -> tuple[bytes, ObjectInfo]:  # noqa: ANN401
        """Read a photo."""
        self.photos_read += 1
        return super().fetch(uri, **options)


def make_folder(folder: Path, photos: int) -> None:
    """Create a folder of links to one file per subfolder."""
    for first in range(0, photos, PER_FOLDER):
        part = folder / f"{first // PER_FOLDER:06d}"
        part.mkdir(parents=True)
        original = part / "000000.jpg"
        original.write_bytes(b"photo")
        for number in range(1, min(PER_FOLDER, photos - first)):
            os.link(original, part / f"{number:06d}.jpg")


def remember(objects: Objects, folder: Path, jobs_root: str, collection: Collection) -> None:
    """Write what a job over the folder would remember."""
    options = FaceOptions().digest()
    job_folder = f"{jobs_root}staff-000000000000/"
    lines: list[str] = []
    child = 0
    for photo in list_photos(objects, f"{folder}/", None, JobRequest("staff", None).listing):
        key = image_key("staff", photo.uri, photo.external_image_id, "benchmark")
        lines.append(
            RememberedPhoto(
                photo.uri,
                photo.external_image_id,
                photo.version,
                options,
                Outcome.NO_FACE if len(lines) % 10 == 0 else Outcome.INDEXED,
                key,
                1,
            ).to_line()
        )
        if len(lines) == PER_CHILD:
            write_photos(objects, job_folder, child, lines)
            lines, child = [], child + 1
    write_photos(objects, job_folder, child, lines)
    note = f"{memory_folder(jobs_root, 'staff')}{collection.created_at!r}/00000001-sorted-{options}"
    objects.write(f"{note}-staff-000000000000", b"staff-000000000000/")


def walk(folder: Path) -> int:
    """Return the number of files of a folder, after reading the status of each."""
    found = 0
    for part in sorted(os.scandir(folder), key=lambda entry: entry.name):
        for name in sorted(entry.name for entry in os.scandir(part.path)):
            os.stat(f"{part.path}/{name}")  # noqa: PTH116 - what is measured
            found += 1
    return found


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor time and the time on the clock of some work, in seconds."""
    cpu, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - clock


def main() -> int:
    """Run the benchmark, print its results and check them."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    options = parser.parse_args()
    photos = options.photos
    objects, collection = CountingObjects(), Collection("staff", "benchmark", 1.0)
    with tempfile.TemporaryDirectory() as temporary:
        folder, jobs_root = Path(temporary, "photos"), f"{temporary}/jobs/"
        make_folder(folder, photos)
        remember(objects, folder, jobs_root, collection)
        manifest = Path(temporary, "photos.jsonl")
        with manifest.open("w") as file:
            for photo in list_photos(objects, f"{folder}/", None, JobRequest("", None).listing):
                named = {"image": photo.uri, "external_image_id": photo.external_image_id}
                file.write(f"{json.dumps(named)}\n")

        def plan(expected: int, source: Path = folder) -> None:
            request = JobRequest("staff", str(source))
            found = find_source(request, objects, jobs_root)
            memory = Memory(objects, jobs_root, collection)
            with find_changes(request, found, objects, memory) as changes:
                difference = changes.difference
            assert difference is not None
            if difference.to_process != expected or difference.gone:
                raise SystemExit(f"wrong difference: {difference}")

        walked = timed(lambda: walk(folder))
        unchanged = timed(lambda: plan(0))
        named = timed(lambda: plan(0, manifest))
        (folder / "000000" / "zzz.jpg").write_bytes(b"new")
        one_new = timed(lambda: plan(1))
    rows = [
        {
            "run": name,
            "s of processor time": cpu,
            "s by the clock": clock,
            "us of processor time per photo": 1e6 * cpu / photos,
            "in bare walks": cpu / walked[0],
        }
        for name, (cpu, clock) in (
            ("bare walk", walked),
            ("unchanged", unchanged),
            ("one new photo", one_new),
            ("unchanged manifest", named),
        )
    ]
    show(f"runs over {photos:,} photos in folders of {PER_FOLDER:,}", rows)
    print(f"photos that were read: {objects.photos_read}")
    finish("rerun", {"photos": photos, "read": objects.photos_read, "runs": rows}, options.json)
    too_slow = (
        unchanged[0] > MAX_SECONDS_PER_PHOTO * photos
        or unchanged[0] > MAX_RATIO * walked[0]
        or named[0] > MAX_RATIO_OF_MANIFEST * walked[0]
    )
    return int(too_slow or objects.photos_read > 0)


if __name__ == "__main__":
    sys.exit(main())
