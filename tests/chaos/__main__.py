"""The long form of the faults: ``python -m tests.chaos``.

With ``--seed`` or ``--call`` and ``--fault`` it replays one case instead.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.faults import KILLS, AtRandom, Fault, Once, Schedule
from tests.chaos.jobs import Job, assert_the_same

RATE = 0.08
CLOCKS = (0.0, -3_600.0, 100_000.0)


def main() -> None:
    """Run jobs under faults until there were enough of them; fail at the first broken invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000, help="kills to reach")
    parser.add_argument(
        "--faults", type=int, default=10_000, help="faults to reach, kills included"
    )
    parser.add_argument("--seed", type=int, help="replay the run of this seed")
    parser.add_argument("--call", type=int, help="replay a fault at this call")
    parser.add_argument("--fault", type=Fault, choices=list(Fault), default=Fault.FAIL)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), arguments)


def run(folder: Path, arguments: argparse.Namespace) -> None:
    """Run what the arguments ask for in a folder."""
    job = Job(folder)
    undisturbed = job.run(folder / "undisturbed", lambda _: None)
    if arguments.call is not None:
        once = Once(arguments.call, arguments.fault)
        ending = job.run(folder / "job", lambda attempt: once if attempt == 0 else None)
        assert_the_same(ending, undisturbed)
        message = f"{arguments.fault} at call {arguments.call}: the same"
        print(message, f"after {ending.attempts} attempts")  # noqa: T201
        return
    started, faults, attempts, runs = time.monotonic(), Counter[str](), 0, 0
    seed = 0 if arguments.seed is None else arguments.seed
    while True:

        def schedule(attempt: int, seed: int = seed) -> Schedule:
            return AtRandom(f"{seed}/{attempt}", RATE / (1 + attempt / 20))

        try:
            ending = job.run(folder / "job", schedule, CLOCKS[seed % len(CLOCKS)])
            assert_the_same(ending, undisturbed)
        except BaseException:
            print(f"failed: replay with python -m tests.chaos --seed {seed}")  # noqa: T201
            raise
        faults += ending.faults
        attempts += ending.attempts
        runs += 1
        seed += 1
        kills = sum(faults[kill] for kill in KILLS)
        enough = kills >= arguments.kills and faults.total() >= arguments.faults
        if arguments.seed is not None or enough:
            break
    seconds = time.monotonic() - started
    print(  # noqa: T201
        f"{runs} jobs, {attempts} attempts, {faults.total()} faults, {kills} of them kills, "
        f"in {seconds:.0f} s: every job ended as if undisturbed"
    )
    print(", ".join(f"{count} {fault}" for fault, count in sorted(faults.items())))  # noqa: T201


if __name__ == "__main__":
    main()
