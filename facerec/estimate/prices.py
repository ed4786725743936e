"""The table of prices: one data file, each price with its date and source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from facerec.core.schemas import check
from facerec.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a service costs.

    Attributes:
        dollars: US dollars for one unit.
        per: the unit.
        known: the day (ISO 8601) on which the price was known to hold.
        source: the address of the page that states it.
    """

    dollars: float
    per: str
    known: str
    source: str


@dataclass(frozen=True, slots=True)
class TieredPrice:
    """A price that falls with the quantity of a month.

    Attributes:
        steps: (up to which quantity, dollars for one unit), rising; the last one is infinite.
        per: the unit.
        known: the day (ISO 8601) on which the price was known to hold.
        source: the address of the page that states it.
    """

    steps: tuple[tuple[float, float], ...]
    per: str
    known: str
    source: str

    def dollars(self, quantity: float) -> float:
        """Return what a month's quantity costs, each part of it at its own step's price."""
        total, below = 0.0, 0.0
        for up_to, each in self.steps:
            total += each * max(0.0, min(quantity, up_to) - below)
            below = up_to
        return total


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices of one region.

    Attributes:
        region: of AWS.
        prices: by name, such as ``s3.get``.
        tiers: those that fall with the quantity, by name.
    """

    region: str
    prices: Mapping[str, Price]
    tiers: Mapping[str, TieredPrice]

    def __getitem__(self, name: str) -> Price:
        return self.prices[name]

    def with_price(self, name: str, dollars: float) -> PriceTable:
        """Return a table in which one price is another.

        Raises:
            InvalidInputError: there is no price of that name.
        """
        if name not in self.prices:
            raise InvalidInputError(
                f"there is no price {name!r}", f"choose one of {', '.join(sorted(self.prices))}"
            )
        changed = replace(self.prices[name], dollars=dollars, source="given by the caller")
        return replace(self, prices={**self.prices, name: changed})


def load_prices(path: Path | None = None) -> PriceTable:
    """Read a table of prices.

    Args:
        path: of a JSON file as ``schemas/price-table.json`` describes it; None for the table that
            facerec comes with.

    Raises:
        InvalidInputError: the file is no such table, or lacks a price.
    """
    own = json.loads((files("facerec.estimate") / "prices.json").read_text("utf-8"))
    if path is None:
        return _table(own)
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InvalidInputError(f"{path} is no JSON") from error
    check("price-table", document, str(path))
    for kind in ("prices", "tiers"):
        if missing := sorted(own[kind].keys() - document[kind].keys()):
            raise InvalidInputError(f"{path} lacks {kind}: {', '.join(missing)}")
    return _table(document)


def _table(document: dict[str, Any]) -> PriceTable:
    prices = {
        name: Price(entry["dollars"], entry["per"], entry["known"], entry["source"])
        for name, entry in document["prices"].items()
    }
    tiers = {
        name: TieredPrice(
            tuple((step["up_to"] or float("inf"), step["dollars"]) for step in entry["steps"]),
            entry["per"],
            entry["known"],
            entry["source"],
        )
        for name, entry in document["tiers"].items()
    }
    return PriceTable(document["region"], prices, tiers)
