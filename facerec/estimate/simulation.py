"""Simulates a job on AWS: machines, containers, interruptions and limits, child by child.

This is a discrete-event simulation. Slots of one vCPU start, run the children of the arrays in
order, lose them to interruptions and run them again. An interrupted child resumes after its last
committed step, as in ``facerec.jobs.child``. The limit of a service is a queue that all children
share: a child ends at the earliest when the service has accepted all its photos.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass

from facerec.core.limits import MAX_CHILDREN
from facerec.estimate.limits import (
    ATTEMPTS,
    CONCURRENT_ARRAYS,
    CONTAINER_SECONDS,
    IDLE_SECONDS,
    LOOKUPS_PER_SECOND,
    MACHINE_SECONDS,
    MACHINE_SPREAD,
    SUBMISSIONS_PER_SECOND,
    photos_per_second,
)
from facerec.estimate.workload import Store, Workload, require_not_negative, require_positive
from facerec.jobs.arrays import ChildArray, arrays_of
from facerec.jobs.child import attempt

COMPUTATION = "computation"
CONTAINERS = "starts of containers"
MACHINES = "starts of machines"
INTERRUPTIONS = "interruptions"


@dataclass(frozen=True, slots=True)
class Simulation:
    """Result of a simulated job.

    Attributes:
        children: Number of children.
        arrays: Number of array jobs in which the children are submitted.
        vcpus: Maximum number of concurrent vCPUs.
        seconds: Time from the start of the job to the end of its last child.
        vcpu_seconds: Charged time of all vCPUs, each from the start to the end of its machine.
        interruptions: Number of containers lost with their machine.
        repeated_photos: Number of photos processed again because of interruptions.
        lost_children: Number of children interrupted in all attempts; starting the job again
            finishes them.
        bottleneck: Name of the limit that takes most of the time.
        useful_vcpus: Number of vCPUs beyond which further ones only wait for the limit of a
            service.
    """

    children: int
    arrays: int
    vcpus: int
    seconds: float
    vcpu_seconds: float
    interruptions: int
    repeated_photos: int
    lost_children: int
    bottleneck: str
    useful_vcpus: int


def simulate(
    workload: Workload,
    *,
    interruptions_per_hour: float = 0.0,
    lookups_per_second: float = LOOKUPS_PER_SECOND,
    seed: int = 1,
) -> Simulation:
    """Simulate a job; the same arguments give the same result.

    Args:
        workload: The job to simulate.
        interruptions_per_hour: Mean number of interruptions per machine-hour.
        lookups_per_second: Pinecone's rate limit for fetches.
        seed: Seed of the random numbers.

    Raises:
        InvalidInputError: ``interruptions_per_hour`` is negative, or ``lookups_per_second`` is not
            positive.
    """
    require_not_negative("interruptions_per_hour", interruptions_per_hour)
    require_positive("lookups_per_second", lookups_per_second)
    if not workload.photos:
        return Simulation(0, 0, 0, 0.0, 0.0, 0, 0, 0, COMPUTATION, 1)
    return _Job(workload, interruptions_per_hour / 3600, lookups_per_second, seed).run()


class _Job:
    """State of a simulated job; times are seconds since its start."""

    def __init__(
        self, workload: Workload, hazard: float, lookups_per_second: float, seed: int
    ) -> None:
        self._hazard = hazard
        self._random = random.Random(seed)  # noqa: S311 - not for cryptography
        self._limits = photos_per_second(workload, lookups_per_second)
        self._limit = min(self._limits.values())
        self._workload = workload
        self._on_aws = workload.store is not Store.EMBEDDED
        self._children = min(MAX_CHILDREN, -(-workload.photos // workload.images_per_child))
        self._photos = workload.photos / self._children
        self._arrays = arrays_of(self._children)
        self._slots = min(workload.max_vcpus, self._children)
        self._accepted_at = 0.0
        self._interruptions = self._lost = 0
        self._repeated = 0.0

    def run(self) -> Simulation:
        starts = [self._machine_seconds() for _ in range(self._slots)]
        free = list(starts)
        heapq.heapify(free)
        running: list[float] = []
        for index, array in enumerate(self._arrays):
            released = index / SUBMISSIONS_PER_SECOND
            if len(running) == CONCURRENT_ARRAYS:
                released = max(released, heapq.heappop(running))
            heapq.heappush(running, self._run_array(array, released, free))
        end = max(running)
        # A slot is paid for until it is free for the last time.
        paid = sum(free) - sum(starts)
        if self._on_aws:
            paid += self._slots * (MACHINE_SECONDS + IDLE_SECONDS)
        return Simulation(
            children=self._children,
            arrays=len(self._arrays),
            vcpus=self._slots,
            seconds=end,
            vcpu_seconds=paid,
            interruptions=self._interruptions,
            repeated_photos=round(self._repeated),
            lost_children=self._lost,
            bottleneck=self._bottleneck(),
            useful_vcpus=math.ceil(self._limit / self._workload.photos_per_second),
        )

    def _run_array(self, array: ChildArray, released: float, free: list[float]) -> float:
        """Simulate the children of an array on free slots; return when the last one ends."""
        end = released
        waiting = array.size
        # (earliest time of the retry, photos left, attempts made)
        retries: list[tuple[float, float, int]] = []
        while waiting or retries:
            now = max(heapq.heappop(free), released)
            photos, attempts = self._photos, 0
            if retries and (retries[0][0] <= now or not waiting):
                # Batch puts a retried child at the front of the queue.
                ready, photos, attempts = heapq.heappop(retries)
                now = max(now, ready)
            else:
                waiting -= 1
            done, left, at = self._attempt(now, photos)
            end = max(end, at)
            if left and attempts + 1 < ATTEMPTS:
                heapq.heappush(retries, (at, left, attempts + 1))
            elif left:
                self._lost += 1
            heapq.heappush(free, at + (self._machine_seconds() if not done else 0.0))
        return end

    def _attempt(self, now: float, photos: float) -> tuple[bool, float, float]:
        """Return whether an attempt finished, the number of photos left, and when it ended."""
        start = now + (CONTAINER_SECONDS if self._on_aws else 0.0)
        accepted_at = max(self._accepted_at, start) + photos / self._limit
        end = max(start + photos / self._workload.photos_per_second, accepted_at)
        interrupted = self._next_interruption(now)
        if interrupted >= end:
            self._accepted_at = accepted_at
            return True, 0.0, end
        self._interruptions += 1
        worked = photos * max(0.0, interrupted - start) / (end - start)
        committed = worked // attempt.DEPLOYED_STEP.photos * attempt.DEPLOYED_STEP.photos
        self._repeated += worked - committed
        self._accepted_at = max(self._accepted_at, start) + worked / self._limit
        return False, photos - committed, interrupted

    def _next_interruption(self, now: float) -> float:
        return now + self._random.expovariate(self._hazard) if self._hazard else float("inf")

    def _machine_seconds(self) -> float:
        if not self._on_aws:
            return 0.0
        return MACHINE_SECONDS + self._random.uniform(0, MACHINE_SPREAD)

    def _bottleneck(self) -> str:
        """Return the limit that would take longest on its own; slots share the work."""
        photos, rate = self._workload.photos, self._workload.photos_per_second
        causes = {name: photos / limit for name, limit in self._limits.items()}
        causes[COMPUTATION] = photos / rate / self._slots
        if self._on_aws:
            causes[CONTAINERS] = self._children * CONTAINER_SECONDS / self._slots
            causes[MACHINES] = MACHINE_SECONDS + MACHINE_SPREAD
            lost = self._repeated / rate + self._interruptions * MACHINE_SECONDS
            causes[INTERRUPTIONS] = lost / self._slots
        return max(causes, key=lambda name: causes[name])
