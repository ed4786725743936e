"""A job as it would run on AWS: machines, containers, interruptions and limits, child by child.

A discrete-event simulation. Places (a vCPU each) come up, take the children of the arrays in order,
lose them to interruptions and take them again. An interrupted child goes on behind its last
committed step, as ``facerec.jobs.child.attempt`` does. An outer limit is a queue that all children
pass:
a child is done no sooner than the service has let its photos through.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass

from facerec.core.limits import MOST_CHILDREN
from facerec.estimate.limits import (
    ARRAYS_AT_ONCE,
    ATTEMPTS,
    CONTAINER_SECONDS,
    IDLE_SECONDS,
    LISTINGS_PER_SECOND,
    MACHINE_SECONDS,
    MACHINE_SPREAD,
    SUBMISSIONS_PER_SECOND,
    photos_per_second,
)
from facerec.estimate.workload import Store, Workload
from facerec.jobs.arrays import ChildArray, arrays_of
from facerec.jobs.child.attempt import PHOTOS_OF_STEP

COMPUTATION = "computation"
CONTAINERS = "starts of containers"
MACHINES = "starts of machines"
INTERRUPTIONS = "interruptions"


@dataclass(frozen=True, slots=True)
class Simulation:
    """How a simulated job went.

    Attributes:
        children: of the job.
        arrays: that they were submitted in.
        vcpus: that were at work at once at most.
        seconds: from the start to the end of the last child.
        vcpu_seconds: that are paid for, from the start of machines to their end.
        interruptions: containers that were lost with their machine.
        repeated_photos: that were looked at more than once for that.
        lost_children: interrupted more often than AWS Batch tries them; a redrive finishes them.
        bottleneck: what most of the time goes into.
        useful_vcpus: beyond so many, further ones only wait for an outer limit.
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
    listings_per_second: float = LISTINGS_PER_SECOND,
    seed: int = 1,
) -> Simulation:
    """Run a job in thought; the same arguments give the same result.

    Args:
        workload: the job.
        interruptions_per_hour: how often each machine is reclaimed, on average.
        listings_per_second: what Pinecone allows.
        seed: of the random numbers.
    """
    if not workload.photos:
        return Simulation(0, 0, 0, 0.0, 0.0, 0, 0, 0, COMPUTATION, 1)
    return _Job(workload, interruptions_per_hour / 3600, listings_per_second, seed).run()


class _Job:
    """The state of a simulated job; times are seconds since its start."""

    def __init__(
        self, workload: Workload, hazard: float, listings_per_second: float, seed: int
    ) -> None:
        self._hazard = hazard
        self._random = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
        self._limits = photos_per_second(workload, listings_per_second)
        self._limit = min(self._limits.values())
        self._workload = workload
        self._on_aws = workload.store is Store.PINECONE
        self._children = min(MOST_CHILDREN, -(-workload.photos // workload.images_per_child))
        self._photos = workload.photos / self._children
        self._arrays = arrays_of(self._children)
        self._places = min(workload.max_vcpus, self._children)
        self._let_through = 0.0
        self._interruptions = self._lost = 0
        self._repeated = 0.0

    def run(self) -> Simulation:
        starts = [self._machine_seconds() for _ in range(self._places)]
        free = list(starts)
        heapq.heapify(free)
        running: list[float] = []
        for index, array in enumerate(self._arrays):
            released = index / SUBMISSIONS_PER_SECOND
            if len(running) == ARRAYS_AT_ONCE:
                released = max(released, heapq.heappop(running))
            heapq.heappush(running, self._run_array(array, released, free))
        end = max(running)
        # Each place is paid for until it is free for the last time.
        paid = sum(free) - sum(starts)
        if self._on_aws:
            paid += self._places * (MACHINE_SECONDS + IDLE_SECONDS)
        return Simulation(
            children=self._children,
            arrays=len(self._arrays),
            vcpus=self._places,
            seconds=end,
            vcpu_seconds=paid,
            interruptions=self._interruptions,
            repeated_photos=round(self._repeated),
            lost_children=self._lost,
            bottleneck=self._bottleneck(),
            useful_vcpus=math.ceil(self._limit / self._workload.photos_per_second),
        )

    def _run_array(self, array: ChildArray, released: float, free: list[float]) -> float:
        """Run an array's children on places as they become free; return when the last one ends."""
        end = released
        waiting = array.size
        # (from when on it may be tried again, photos left, attempts made)
        again: list[tuple[float, float, int]] = []
        while waiting or again:
            now = max(heapq.heappop(free), released)
            photos, attempts = self._photos, 0
            if again and (again[0][0] <= now or not waiting):
                # Batch puts a child that is tried again at the front of the queue.
                ready, photos, attempts = heapq.heappop(again)
                now = max(now, ready)
            else:
                waiting -= 1
            done, left, at = self._attempt(now, photos)
            end = max(end, at)
            if left and attempts + 1 < ATTEMPTS:
                heapq.heappush(again, (at, left, attempts + 1))
            elif left:
                self._lost += 1
            heapq.heappush(free, at + (self._machine_seconds() if not done else 0.0))
        return end

    def _attempt(self, now: float, photos: float) -> tuple[bool, float, float]:
        """Return whether an attempt came to its end, the photos left to do, and when it ended."""
        began = now + (CONTAINER_SECONDS if self._on_aws else 0.0)
        passed = max(self._let_through, began) + photos / self._limit
        end = max(began + photos / self._workload.photos_per_second, passed)
        interrupted = self._next_interruption(now)
        if interrupted >= end:
            self._let_through = passed
            return True, 0.0, end
        self._interruptions += 1
        worked = photos * max(0.0, interrupted - began) / (end - began)
        committed = worked // PHOTOS_OF_STEP * PHOTOS_OF_STEP
        self._repeated += worked - committed
        self._let_through = max(self._let_through, began) + worked / self._limit
        return False, photos - committed, interrupted

    def _next_interruption(self, now: float) -> float:
        return now + self._random.expovariate(self._hazard) if self._hazard else float("inf")

    def _machine_seconds(self) -> float:
        if not self._on_aws:
            return 0.0
        return MACHINE_SECONDS + self._random.uniform(0, MACHINE_SPREAD)

    def _bottleneck(self) -> str:
        """Name what takes longest, were it alone; what is shared is divided among the places."""
        photos, rate = self._workload.photos, self._workload.photos_per_second
        causes = {name: photos / limit for name, limit in self._limits.items()}
        causes[COMPUTATION] = photos / rate / self._places
        if self._on_aws:
            causes[CONTAINERS] = self._children * CONTAINER_SECONDS / self._places
            causes[MACHINES] = MACHINE_SECONDS + MACHINE_SPREAD
            lost = self._repeated / rate + self._interruptions * MACHINE_SECONDS
            causes[INTERRUPTIONS] = lost / self._places
        return max(causes, key=lambda name: causes[name])
