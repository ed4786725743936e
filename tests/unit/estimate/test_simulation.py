"""Simulated jobs: laws that hold for any numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.estimate.limits import (
    CONTAINER_SECONDS,
    IDLE_SECONDS,
    MACHINE_SECONDS,
    photos_per_second,
)
from facerec.estimate.simulation import simulate
from facerec.estimate.workload import Store, Workload
from facerec.jobs.child.attempt import DEPLOYED_STEP

UNLIMITED = 1e9
workloads = st.builds(
    Workload,
    photos=st.integers(1, 300_000),
    photos_per_second=st.floats(0.1, 100),
    faces_per_photo=st.floats(0, 10),
    max_vcpus=st.integers(1, 500),
    images_per_child=st.integers(1, 5_000).filter(lambda photos: photos >= 50),
    new_collection=st.booleans(),
)


@settings(max_examples=50, deadline=None)
@given(workload=workloads, interruptions=st.floats(0, 10))
def test_no_job_is_faster_than_its_machines_or_any_limit(
    workload: Workload, interruptions: float
) -> None:
    run = simulate(workload, interruptions_per_hour=interruptions)
    if not run.lost_children:
        fastest = min(photos_per_second(workload).values())
        assert run.seconds >= workload.photos / fastest - 1e-6
        min_seconds = workload.photos / workload.photos_per_second
        assert run.vcpu_seconds >= min_seconds * (1 - 1e-9)
        assert run.seconds >= min_seconds / run.vcpus * (1 - 1e-9)


@settings(max_examples=25, deadline=None)
@given(workload=workloads, seed=st.integers(0, 100))
def test_the_same_seed_gives_the_same_run(workload: Workload, seed: int) -> None:
    runs = [simulate(workload, interruptions_per_hour=2, seed=seed) for _ in range(2)]
    assert runs[0] == runs[1]


def test_without_limits_time_follows_from_speed_and_vcpus() -> None:
    workload = Workload(
        1_000_000, 10.0, 0, store=Store.PINECONE, max_vcpus=100, images_per_child=1_000
    )
    run = simulate(workload, lookups_per_second=UNLIMITED)
    # 10 rounds of children, 100 seconds each, and the starts of machines and containers
    assert 1_000 < run.seconds < 1_300
    assert run.bottleneck == "computation"
    assert run.children == 1_000


@pytest.mark.parametrize("store", [Store.S3_VECTORS, Store.PINECONE])
def test_a_job_on_aws_waits_for_its_machines(store: Store) -> None:
    run = simulate(Workload(1_000, 20.0, store=store))
    assert run.seconds > MACHINE_SECONDS + CONTAINER_SECONDS + 1_000 / 20.0 / run.vcpus
    assert run.vcpu_seconds > run.vcpus * (MACHINE_SECONDS + IDLE_SECONDS)


def test_a_job_into_an_existing_collection_is_as_fast_as_its_vcpus() -> None:
    workload = Workload(1_000_000, 20.0, store=Store.PINECONE, max_vcpus=256, new_collection=False)
    run = simulate(workload)
    assert run == simulate(replace(workload, new_collection=True))
    assert "Pinecone" not in run.bottleneck


def test_vcpus_beyond_a_limit_of_pinecone_only_wait() -> None:
    workload = Workload(1_000_000, 20.0, store=Store.PINECONE, max_vcpus=256, new_collection=False)
    runs = [
        simulate(replace(workload, max_vcpus=vcpus), lookups_per_second=2) for vcpus in (64, 256)
    ]
    for run in runs:
        assert run.bottleneck == "Pinecone's look-ups"
        assert run.seconds == pytest.approx(1_000_000 / (2 * DEPLOYED_STEP.photos), rel=0.1)
        assert run.useful_vcpus == 13
    assert runs[1].vcpu_seconds > 3 * runs[0].vcpu_seconds


def test_an_interrupted_child_repeats_less_than_a_step() -> None:
    workload = Workload(100_000, 1.0, images_per_child=500, max_vcpus=50)
    run = simulate(workload, interruptions_per_hour=2)
    assert run.interruptions > 50
    assert 0 < run.repeated_photos < DEPLOYED_STEP.photos * run.interruptions
    assert run.lost_children == 0


def test_interruptions_cost_time_and_money() -> None:
    workload = Workload(200_000, 1.0, max_vcpus=50)
    calm, interrupted = (simulate(workload, interruptions_per_hour=rate) for rate in (0, 4))
    assert interrupted.seconds > calm.seconds
    assert interrupted.vcpu_seconds > calm.vcpu_seconds
    assert calm.interruptions == calm.repeated_photos == 0


def test_a_child_that_never_commits_is_lost_after_eight_attempts() -> None:
    workload = Workload(1_000, 0.01, images_per_child=500, max_vcpus=2)
    run = simulate(workload, interruptions_per_hour=60)
    assert run.lost_children == 2
    assert run.interruptions == 16


def test_a_billion_photos_are_half_a_million_children_in_fifty_arrays() -> None:
    run = simulate(
        Workload(10**9, 20.0, store=Store.PINECONE, max_vcpus=1_000, new_collection=False)
    )
    assert (run.children, run.arrays) == (500_000, 50)
    assert run.seconds == pytest.approx(10**9 / 5_500, rel=0.01)
    assert run.bottleneck == "S3 reads of one prefix"


def test_one_machine_pays_for_neither_containers_nor_waiting() -> None:
    run = simulate(Workload(10_000, 10.0, store=Store.EMBEDDED, max_vcpus=2))
    assert run.seconds == pytest.approx(500)
    assert run.vcpu_seconds == pytest.approx(1_000)


def test_no_photos_take_no_time() -> None:
    assert simulate(Workload(0, 1.0)).seconds == 0
