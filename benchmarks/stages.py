"""Where the time of a job goes: processor time of each stage, by kind of photo.

    python -m benchmarks.stages [--json FILE] [--repeats 5]

The photos are those of ``benchmarks.pipeline``. The functions that do the work of a stage are
replaced by ones that also measure it; a stage that runs inside another one is not counted twice.
What a job takes beside its stages is reading, the ledger and the store. The least of the turns
counts, for each stage alone, since other work on the machine only adds to it.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

from benchmarks.support.jobs import planned, run
from benchmarks.support.machine import use_one_core
from benchmarks.support.photos import (
    enlarged,
    example_photos,
    group_photos,
    press_photos,
    scenery_photos,
    studio_photos,
)
from benchmarks.support.results import arguments, finish, show
from facerec.core.protocols.engine import FaceEngine
from facerec.engine.engine import open_engine
from facerec.storage.objects.local import LocalObjects

P = ParamSpec("P")
R = TypeVar("R")

STAGES = {
    "decoding": ["engine.decode"],
    "resizing for proposals": ["detect.proposals.first_level"],
    "proposals": ["detect.proposals.ProposalNetwork.propose"],
    "verification": ["detect.verifier.Verifier.score"],
    "second look at doubtful places": ["detect.cascade.score_again"],
    "cnn-exact": ["detect.exact.ExactDetector.detect"],
    "other orientations": ["detect.orientation.OrientationFinder.find"],
    "landmarks": ["describe.alignment.Aligner.shape", "describe.alignment.Aligner.landmarks"],
    "chips": ["describe.alignment.Aligner.chip"],
    "pose and quality": ["describe.pose.PoseEstimator.estimate", "engine.assess"],
    "descriptors": ["describe.embedder.Embedder.embed", "describe.cohort.Cohort.stats"],
    "rest of the engine": ["engine.Engine.analyse"],
}
"""The functions of each stage, below ``facerec.engine``."""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    use_one_core()
    engine = open_engine(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        sets = _photos(Path(folder))
        columns = {name: measure(photos, engine, options.repeats) for name, photos in sets.items()}
    rows = [
        {"stage": stage} | {name: column[stage] for name, column in columns.items()}
        for stage in next(iter(columns.values()))
    ]
    show("a job, ms of processor time for a photo, by stage", rows)
    finish("stages", {"rows": rows}, options.json)


def _photos(folder: Path) -> dict[str, list[Path]]:
    """Return photos of each kind; those that are made are written to a folder."""
    large = []
    for number, path in enumerate(studio_photos(3)[:3]):
        large.append(folder / f"large-{number}.jpg")
        large[-1].write_bytes(enlarged(path))
    sets = {
        "no face": scenery_photos(folder, has_orientation=True),
        "no face, orientation unknown": scenery_photos(folder, has_orientation=False),
        "lfw": press_photos(80),
        "london": studio_photos(24),
        "groups": group_photos(5, 30),
        "12 megapixels": large,
    }
    return sets if all(sets.values()) else {"examples": example_photos()}


@dataclass
class _Clock:
    """Processor time of the stages of one thread, in seconds, and how often each ran."""

    seconds: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    running: list[str] = field(default_factory=list)
    since: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time until the end for a stage, and not for the one that it is part of."""
        self._switch()
        self.running.append(name)
        self.runs[name] += 1
        try:
            yield
        finally:
            self._switch()
            self.running.pop()

    def _switch(self) -> None:
        now = time.thread_time()
        if self.running:
            self.seconds[self.running[-1]] += now - self.since
        self.since = now


def measure(photos: list[Path], engine: FaceEngine, repeats: int) -> dict[str, float]:
    """Return milliseconds for a photo by stage, and verifications for a photo."""
    lowest: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(repeats + 1):
            clock = _Clock()
            place = f"{folder}/{turn}"
            plan = planned([str(path) for path in photos], place, LocalObjects(), engine)
            with _measured(clock):
                start = time.process_time()
                run(plan, engine, Path(place) / "faces.db")
                total = time.process_time() - start
            seconds = {stage: clock.seconds[stage] for stage in STAGES}
            seconds["the job"] = total - sum(seconds.values())
            seconds["total"] = total
            # The first turn loads the networks.
            if turn:
                lowest = {name: min(took, lowest.get(name, took)) for name, took in seconds.items()}
    found = {name: 1000 * took / len(photos) for name, took in lowest.items()}
    return found | {"verifications": clock.runs["verification"] / len(photos)}


@contextmanager
def _measured(clock: _Clock) -> Iterator[None]:
    """Replace the functions of all stages by measured ones."""
    with ExitStack() as stack:
        for stage, places in STAGES.items():
            for place in places:
                owner, name = _owner(f"facerec.engine.{place}")
                replacement = _timed(getattr(owner, name), stage, clock)
                if isinstance(vars(owner)[name], staticmethod):
                    replacement = staticmethod(replacement)
                stack.enter_context(patch.object(owner, name, replacement))
        yield


def _timed(function: Callable[P, R], stage: str, clock: _Clock) -> Callable[P, R]:
    @wraps(function)
    def timed(*arguments: P.args, **named: P.kwargs) -> R:
        with clock.stage(stage):
            return function(*arguments, **named)

    return timed


def _owner(place: str) -> tuple[Any, str]:
    """Return the module or class that has a function, and the function's name."""
    path, _, name = place.rpartition(".")
    try:
        return import_module(path), name
    except ModuleNotFoundError:
        module, _, owner = path.rpartition(".")
        return getattr(import_module(module), owner), name


if __name__ == "__main__":
    main()
