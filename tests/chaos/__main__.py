"""The long form of the faults: ``python -m tests.chaos``.

With ``--form`` it runs jobs of one form only. With ``--seed``, or ``--call`` and ``--fault``, it
replays one case of that form instead.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import KILLS, AtRandom, Fault, InFirst, Seeded, Undisturbed
from tests.chaos.jobs import Ending, Job, assert_the_same
from tests.chaos.runs import SupervisedJob

CLOCKS = (0.0, -3_600.0, 100_000.0)


@dataclass(frozen=True, slots=True)
class Form:
    """A way to run the job under faults.

    Attributes:
        run_undisturbed: Runs it without any.
        run_seed: Runs it with those of a seed.
        run_once: Runs it with one fault at one call.
        share: Share of the kills and faults that this form has to reach.
    """

    run_undisturbed: Callable[[], Ending]
    run_seed: Callable[[int], Ending]
    run_once: Callable[[int, Fault], Ending]
    share: float


@contextmanager
def children(folder: Path) -> Iterator[Form]:
    """Children alone: all in turn, in a process for each attempt."""
    job = Job(folder)

    def run_seed(seed: int) -> Ending:
        return job.run(folder / "job", Seeded(str(seed), 0.08), CLOCKS[seed % len(CLOCKS)])

    yield Form(
        lambda: job.run(folder / "job", Undisturbed()),
        run_seed,
        lambda call, fault: job.run(folder / "job", InFirst(call, fault)),
        share=1.0,
    )


@contextmanager
def supervisor(folder: Path) -> Iterator[Form]:
    """The local runner: a supervisor and two workers."""
    job = SupervisedJob(folder)

    def run_seed(seed: int) -> Ending:
        return job.run_supervised(
            folder / "job",
            Seeded(f"{seed}/supervisor", 0.05),
            Seeded(f"{seed}/worker", 0.08),
            CLOCKS[seed % len(CLOCKS)],
        )

    yield Form(
        lambda: job.run(folder / "job", Undisturbed()),
        run_seed,
        lambda call, fault: job.run(folder / "job", InFirst(call, fault)),
        share=0.1,
    )


@contextmanager
def workflow(folder: Path) -> Iterator[Form]:
    """The state machine with its functions and containers."""
    # Moto takes seconds to load.
    from tests.chaos.workflow import disturbed_stack

    def run_seed(seed: int) -> Ending:
        platform = AtRandom(f"{seed}/platform", 0.1)
        return stack.run(Seeded(f"{seed}/process", 0.08), platform)

    # Functions and containers log to the output.
    with disturbed_stack(folder) as stack, redirect_stdout(io.StringIO()):
        yield Form(
            lambda: stack.run(Undisturbed()),
            run_seed,
            lambda call, fault: stack.run(InFirst(call, fault)),
            share=0.05,
        )


FORMS = {form.__name__: form for form in (children, supervisor, workflow)}


def main() -> None:
    """Run jobs under faults until there were enough of them; fail at the first broken invariant."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000, help="kills to reach")
    parser.add_argument(
        "--faults", type=int, default=10_000, help="faults to reach, kills included"
    )
    parser.add_argument("--form", choices=list(FORMS), help="how the jobs are run")
    parser.add_argument("--seed", type=int, help="replay the run of this seed")
    parser.add_argument("--call", type=int, help="replay a fault at this call")
    parser.add_argument("--fault", type=Fault, choices=list(Fault), default=Fault.FAIL)
    arguments = parser.parse_args()
    for name in [arguments.form] if arguments.form else FORMS:
        with tempfile.TemporaryDirectory() as folder, FORMS[name](Path(folder)) as form:
            run(name, form, arguments)


def run(name: str, form: Form, arguments: argparse.Namespace) -> None:
    """Run what the arguments ask for in one form."""
    undisturbed = form.run_undisturbed()
    if arguments.call is not None:
        ending = form.run_once(arguments.call, arguments.fault)
        assert_the_same(ending, undisturbed)
        message = f"{name}: {arguments.fault} at call {arguments.call}: the same"
        tell(f"{message} after {ending.attempts} attempts")
        return
    started, faults, attempts, runs = time.monotonic(), Counter[str](), 0, 0
    seed = 0 if arguments.seed is None else arguments.seed
    while True:
        try:
            ending = form.run_seed(seed)
            assert_the_same(ending, undisturbed)
        except BaseException:
            replay = f"python -m tests.chaos --form {name} --seed {seed}"
            tell(f"failed: replay with {replay}")
            raise
        faults += ending.faults
        attempts += ending.attempts
        runs += 1
        seed += 1
        kills = sum(faults[kill] for kill in KILLS)
        enough_kills = kills >= form.share * arguments.kills
        enough = enough_kills and faults.total() >= form.share * arguments.faults
        if arguments.seed is not None or enough:
            break
    seconds = time.monotonic() - started
    counted = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items()))
    tell(
        f"{name}: {runs} jobs, {attempts} attempts, {faults.total()} faults, {kills} of them"
        f" kills, in {seconds:.0f} s: every job ended as if undisturbed ({counted})"
    )


def tell(line: str) -> None:
    """Show a line; the output may be redirected."""
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
