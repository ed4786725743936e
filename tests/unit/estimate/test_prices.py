"""The table of prices: what each entry states, and what a caller can change."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from facerec.core.schemas import violation
from facerec.errors import InvalidInputError
from facerec.estimate.prices import load_prices


def _own() -> Any:  # noqa: ANN401 - JSON
    return json.loads((files("facerec.estimate") / "prices.json").read_text())


def test_every_price_has_a_source_and_a_date() -> None:
    assert violation("price-table", _own()) is None


def test_tiers_rise_and_the_last_one_has_no_end() -> None:
    for tiers in _own()["tiers"].values():
        ends = [step["up_to"] for step in tiers["steps"]]
        assert ends[-1] is None
        assert ends[:-1] == sorted(ends[:-1])


@pytest.mark.parametrize(
    ("images", "dollars"),
    [(0, 0), (1_000_000, 1_000), (1_000_001, 1_000.0008), (10_000_000, 1_000 + 3_200 + 3_000)],
)
def test_each_tier_applies_to_its_share_of_the_month(images: int, dollars: float) -> None:
    assert load_prices().tiers["rekognition.image"].dollars(images) == pytest.approx(dollars)


def test_one_price_can_be_changed() -> None:
    prices = load_prices().with_price("ec2.spot_vcpu_hour", 0.01)
    assert prices["ec2.spot_vcpu_hour"].dollars == 0.01
    assert prices["ec2.spot_vcpu_hour"].source == "given by the caller"


def test_an_unknown_price_is_refused_with_a_list_of_names() -> None:
    with pytest.raises(InvalidInputError) as refused:
        load_prices().with_price("ec2.spot", 0.01)
    assert "ec2.spot_vcpu_hour" in (refused.value.hint or "")


@pytest.mark.parametrize("dollars", [float("nan"), float("inf"), -0.01])
def test_a_price_that_is_no_amount_is_refused(dollars: float) -> None:
    with pytest.raises(InvalidInputError, match=r"the price ec2\.spot_vcpu_hour must be a number"):
        load_prices().with_price("ec2.spot_vcpu_hour", dollars)


def test_another_table_is_read(tmp_path: Path) -> None:
    own = _own()
    own["region"] = "eu-west-1"
    own["prices"]["s3.get"]["dollars"] = 0.1
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(own))
    prices = load_prices(path)
    assert (prices.region, prices["s3.get"].dollars) == ("eu-west-1", 0.1)


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"currency": "EUR"}'])
def test_a_file_that_is_not_a_table_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(content)
    with pytest.raises(InvalidInputError):
        load_prices(path)


def test_a_table_that_lacks_a_price_is_refused_with_the_name(tmp_path: Path) -> None:
    own = _own()
    del own["prices"]["pinecone.read_unit"]
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(own))
    with pytest.raises(InvalidInputError, match=r"pinecone\.read_unit"):
        load_prices(path)
