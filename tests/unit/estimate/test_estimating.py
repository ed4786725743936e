"""Estimates: totals, who is cheaper, and the contract of the result."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from facerec.core.schemas import violation
from facerec.errors import InvalidInputError
from facerec.estimate.estimating import Estimate
from facerec.estimate.estimating import estimate_job as estimate_any_job
from facerec.estimate.prices import load_prices
from facerec.estimate.workload import Store
from facerec.jobs.child.attempt import DEPLOYED_STEP
from tests.support.stack_template import template

estimate_job = partial(estimate_any_job, store=Store.PINECONE)


def _dollars(result: Estimate, price: str) -> float:
    return sum(line.dollars for line in result.indexing if line.price == price)


@pytest.mark.parametrize(
    "given",
    [
        {"photos_per_second": 0},
        {"photos_per_second": float("nan")},
        {"photos_per_second": 1e-320},
        {"photos_per_second": 10**400},
        {"max_vcpus": 0},
        {"max_vcpus": 0.5},
        {"images_per_child": 1.5},
        {"searches": 1e308},
        {"searches": 10**400},
        {"faces_per_photo": 1e308},
        {"faces_per_photo": -1},
        {"searches": -1},
        {"images_per_child": -1},
        {"interruptions_per_hour": -1},
        {"lookups_per_second": 0},
    ],
    ids=str,
)
def test_a_number_with_which_no_job_can_be_estimated_is_refused(given: dict[str, Any]) -> None:
    (name,) = given
    with pytest.raises(InvalidInputError, match=rf"^{name} must be a (whole )?number"):
        estimate_job(1_000, **given)


def test_a_number_of_photos_is_whole() -> None:
    with pytest.raises(InvalidInputError, match=r"^photos must be a whole number"):
        estimate_job(1.5)
    assert estimate_job(1000.0) == estimate_job(1000)


def test_a_million_photos_at_50_milliseconds_are_31_cents_of_vcpus() -> None:
    result = estimate_any_job(1_000_000, photos_per_second=20, store=Store.EMBEDDED, max_vcpus=1)
    assert _dollars(result, "ec2.spot_vcpu_hour") == pytest.approx(0.3125, rel=1e-3)


def test_rekognition_charges_1010_dollars_for_a_million_photos_and_faces() -> None:
    result = estimate_job(1_000_000, photos_per_second=20)
    assert [line.dollars for line in result.rekognition] == pytest.approx([1_000, 10])


def test_an_estimate_follows_its_schema() -> None:
    for store in Store:
        result = estimate_any_job(12_345, searches=100, store=store, interruptions_per_hour=1)
        assert violation("estimate", result.to_json()) is None


def test_a_job_without_photos_costs_only_storage() -> None:
    result = estimate_job(0)
    assert result.indexing_dollars == pytest.approx(0, abs=0.01)
    assert result.break_even is None
    assert violation("estimate", result.to_json()) is None


def test_rekognition_is_cheaper_for_few_photos_since_pinecone_has_a_minimum() -> None:
    few, many = estimate_job(1_000), estimate_job(1_000_000)
    assert few.dollars > few.rekognition_dollars
    assert many.dollars < many.rekognition_dollars
    assert few.minimum and few.minimum[0].price == "pinecone.minimum_month"


def test_at_the_break_even_both_cost_the_same() -> None:
    at = estimate_job(1_000_000, max_vcpus=10).break_even
    assert at is not None
    assert estimate_job(at + 1_000, max_vcpus=10).dollars < 1.02 * (at + 1_000) / 1_000
    below, above = (estimate_job(at + step, max_vcpus=10) for step in (-2_000, 2_000))
    assert below.dollars > below.rekognition_dollars
    assert above.dollars < above.rekognition_dollars


def test_without_the_minimum_the_break_even_is_low() -> None:
    prices = load_prices().with_price("pinecone.minimum_month", 0)
    result = estimate_job(100_000, prices=prices)
    assert not result.minimum
    assert result.break_even is not None and result.break_even < 1_000


def test_slow_and_expensive_vcpus_make_rekognition_cheaper_at_any_size() -> None:
    prices = load_prices().with_price("ec2.spot_vcpu_hour", 10)
    assert estimate_job(10_000, photos_per_second=0.5, prices=prices).break_even is None


def test_searches_in_a_very_large_collection_cost_more_than_rekognitions() -> None:
    result = estimate_job(100_000_000, searches=1_000)
    own = sum(line.dollars for line in result.searching)
    rekognition = result.rekognition[1]
    assert rekognition.name == "SearchFacesByImage"
    assert own > rekognition.dollars


def test_every_line_is_a_quantity_times_a_price_of_the_table() -> None:
    prices = load_prices()
    result = estimate_job(50_000, searches=500)
    for line in (*result.indexing, *result.keeping, *result.searching):
        assert line.dollars == pytest.approx(line.quantity * prices[line.price].dollars)


def test_more_faces_cost_more_units_and_bytes() -> None:
    one, four = (estimate_job(100_000, faces_per_photo=faces) for faces in (1, 4))
    for price in ("pinecone.write_unit", "ec2.same_region_gb"):
        assert _dollars(four, price) > 3 * _dollars(one, price)
    assert replace(one.workload, faces_per_photo=4) == four.workload


def test_s3_vectors_costs_a_tenth_of_pinecone_a_month_and_has_no_minimum() -> None:
    own, pinecone = (
        estimate_any_job(1_000_000, searches=1_000, store=store)
        for store in (Store.S3_VECTORS, Store.PINECONE)
    )
    assert not own.minimum
    assert own.dollars < pinecone.dollars / 10
    (stored,) = (line for line in own.keeping if line.price.startswith("s3vectors."))
    assert stored.dollars == pytest.approx(0.04, abs=0.005)
    assert not [line for line in own.indexing if line.price.startswith("pinecone.")]


def test_small_writes_to_s3_vectors_are_charged_as_large_ones() -> None:
    few, many = (
        estimate_any_job(32_000, faces_per_photo=faces, store=Store.S3_VECTORS)
        for faces in (0.25, 1)
    )
    steps = 32_000 / DEPLOYED_STEP.photos
    assert _dollars(few, "s3vectors.put_gb") == _dollars(many, "s3vectors.put_gb")
    assert _dollars(few, "s3vectors.put_gb") == pytest.approx(2 * steps * 128_000 / 1e9 * 0.2)


def test_the_stack_stores_vectors_where_an_estimate_assumes_it() -> None:
    parameter = template()["Parameters"]["VectorStore"]
    assert parameter["Default"] == estimate_any_job(10).workload.store
    assert set(parameter["AllowedValues"]) < set(Store)
