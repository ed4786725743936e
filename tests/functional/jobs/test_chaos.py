"""A job ends the same whatever fails, is lost or is killed at any of its calls.

A failing case is replayed by ``python -m tests.chaos`` with the seed or the call that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import AtRandom, Fault, InFirst, Seeded, Undisturbed
from tests.chaos.jobs import Ending, Job, assert_the_same
from tests.chaos.runs import SupervisedJob
from tests.chaos.workflow import DisturbedStack, disturbed_stack
from tests.support.long import mostly_long
from tests.support.moments import moments


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return Job(tmp_path_factory.mktemp("chaos"))


@pytest.fixture(scope="module")
def undisturbed(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Ending:
    return job.run(tmp_path_factory.mktemp("undisturbed") / "job", Undisturbed())


@pytest.mark.parametrize("fault", mostly_long(Fault, 2))
def test_a_job_survives_a_fault_at_any_of_its_calls(
    job: Job, undisturbed: Ending, tmp_path: Path, fault: Fault
) -> None:
    assert undisturbed.calls > 50
    for call in moments(undisturbed.calls, sample=10):
        ending = job.run(tmp_path / "job", InFirst(call, fault))
        # Threads that load photos make their calls in any order, so the last may not be reached.
        assert ending.faults.total() <= 1
        assert_the_same(ending, undisturbed)


@pytest.mark.parametrize("seed", mostly_long(range(6), 1))
@pytest.mark.parametrize("clock", [0.0, -3_600.0, 100_000.0])
def test_a_job_survives_faults_at_random(
    job: Job, undisturbed: Ending, tmp_path: Path, seed: int, clock: float
) -> None:
    ending = job.run(tmp_path / "job", Seeded(str(seed), 0.05), clock)
    assert_the_same(ending, undisturbed)


@pytest.fixture(scope="module")
def supervised(job: Job) -> SupervisedJob:
    return SupervisedJob(job.manifest.parent)


@pytest.mark.parametrize("fault", [Fault.KILL_BEFORE, Fault.LOSE_ANSWER])
@pytest.mark.parametrize("call", mostly_long([27, 3, 51], 1))
def test_a_run_survives_a_fault_at_calls_of_its_supervisor(
    supervised: SupervisedJob, undisturbed: Ending, tmp_path: Path, call: int, fault: Fault
) -> None:
    ending = supervised.run(tmp_path / "job", InFirst(call, fault))
    assert_the_same(ending, undisturbed)


@pytest.mark.parametrize("seed", mostly_long(range(4), 1))
def test_a_run_survives_faults_of_its_supervisor_and_its_workers(
    supervised: SupervisedJob, undisturbed: Ending, tmp_path: Path, seed: int
) -> None:
    supervisors, workers = Seeded(f"{seed}/supervisor", 0.02), Seeded(f"{seed}/worker", 0.05)
    clock = (0.0, -3_600.0, 100_000.0)[seed % 3]
    ending = supervised.run_supervised(tmp_path / "job", supervisors, workers, clock)
    assert_the_same(ending, undisturbed)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DisturbedStack]:
    with disturbed_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def undisturbed_execution(stack: DisturbedStack) -> Ending:
    return stack.run(Undisturbed())


@pytest.mark.parametrize("seed", mostly_long(range(3), 1))
def test_an_execution_survives_faults_of_its_functions_its_containers_and_the_platform(
    stack: DisturbedStack, undisturbed_execution: Ending, seed: int
) -> None:
    ending = stack.run(Seeded(f"{seed}/process", 0.04), AtRandom(f"{seed}/platform", 0.1))
    assert_the_same(ending, undisturbed_execution)
