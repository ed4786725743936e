"""A job ends the same whatever fails, is lost or is killed at any of its calls.

A failing case is replayed by ``python -m tests.chaos`` with the seed or the call that it names.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.faults import AtRandom, Fault, Once, Schedule
from tests.chaos.jobs import Ending, Job, assert_the_same


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return Job(tmp_path_factory.mktemp("chaos"))


@pytest.fixture(scope="module")
def undisturbed(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Ending:
    return job.run(tmp_path_factory.mktemp("undisturbed") / "job", lambda _: None)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("share", range(4))
def test_a_job_survives_a_fault_at_any_of_its_calls(
    job: Job, undisturbed: Ending, tmp_path: Path, fault: Fault, share: int
) -> None:
    assert undisturbed.calls > 50
    for call in range(share, undisturbed.calls, 4 * 3):
        ending = job.run(tmp_path / "job", lambda n, at=call: Once(at, fault) if n == 0 else None)  # type: ignore[misc]
        # Threads that load photos make their calls in any order, so the last may not be reached.
        assert ending.faults.total() <= 1
        assert_the_same(ending, undisturbed)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("clock", [0.0, -3_600.0, 100_000.0])
def test_a_job_survives_faults_at_random(
    job: Job, undisturbed: Ending, tmp_path: Path, seed: int, clock: float
) -> None:
    def schedule(attempt: int) -> Schedule:
        return AtRandom(f"{seed}/{attempt}", rate=0.05 / (1 + attempt / 20))

    ending = job.run(tmp_path / "job", schedule, clock)
    assert_the_same(ending, undisturbed)
