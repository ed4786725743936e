"""`facerec estimate` as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.core.schemas import violation
from tests.support.command_line import EXAMPLES, Facerec, document


def test_an_estimate_shows_both_bills_and_where_rekognition_is_cheaper(facerec: Facerec) -> None:
    result = facerec("estimate", "--photos", 100_000, "--photos-per-second", 20)
    assert result.exit_code == 0
    assert "20.0 per second and vCPU (as given)" in result.stdout
    assert "Amazon Rekognition for the same month" in result.stdout
    assert "photos like these, Rekognition is cheaper" in result.stdout


def test_an_estimate_as_json_follows_its_schema(facerec: Facerec) -> None:
    words = ["--photos", 1000, "--photos-per-second", 2, "--searches", 50, "--json"]
    assert violation("estimate", document(facerec("estimate", *words))) is None


def test_without_a_given_speed_it_is_measured_with_the_sample(facerec: Facerec) -> None:
    result = facerec("estimate", "--sample", EXAMPLES / "photos", "--photos", 1000, "--json")
    assert document(result)["workload"]["photos_per_second"] > 0


def test_a_folder_without_photos_cannot_be_measured(facerec: Facerec, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    result = facerec("estimate", "--sample", tmp_path)
    assert result.exit_code == 4
    assert "contains no photos" in result.stderr


def test_a_changed_price_changes_the_estimate(facerec: Facerec) -> None:
    words = ["--photos", 100_000, "--photos-per-second", 20, "--existing-collection", "--json"]
    words += ["--store", "pinecone"]
    dear = ["--price", "pinecone.read_unit=1", "--price", "ec2.spot_vcpu_hour=0"]
    usual, changed = (document(facerec("estimate", *words, *more)) for more in ([], dear))
    assert usual["dollars"]["indexing"] < 10
    assert changed["dollars"]["indexing"] > 700


@pytest.mark.parametrize(
    "words", [["--price", "s3.get"], ["--price", "nothing=1"], ["--require-region", "mars-north-1"]]
)
def test_unknown_prices_and_regions_are_refused(facerec: Facerec, words: list[str]) -> None:
    result = facerec("estimate", "--photos-per-second", 20, *words)
    assert result.exit_code == 4


@pytest.mark.long
def test_simulations_show_the_bottleneck_at_each_size(facerec: Facerec) -> None:
    assert "S3 Vectors" in facerec("estimate", "--simulate", "--photos-per-second", 20).stdout
    words = ["estimate", "--simulate", "--photos-per-second", 20, "--store", "pinecone"]
    assert "Pinecone's upserts" not in facerec(*words).stdout
    result = facerec(*words, "--existing-collection", "--lookups-per-second", 10)
    assert result.exit_code == 0
    assert "1,000,000,000" in result.stdout
    assert "starts of machines" in result.stdout
    assert "Pinecone's look-ups" in result.stdout


def test_simulations_as_json_follow_their_schema(facerec: Facerec) -> None:
    found = document(facerec("estimate", "--simulate", "--photos-per-second", 20, "--json"))
    assert violation("simulation-list", found) is None
    assert len({each["estimate"]["workload"]["photos"] for each in found["simulations"]}) > 1
