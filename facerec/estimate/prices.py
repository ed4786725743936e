"""The table of prices: a data file in which each price has its date and source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from facerec.core.input_files import read_input
from facerec.core.limits import MAX_PRICES_BYTES
from facerec.core.schemas import check
from facerec.errors import InvalidInputError
from facerec.estimate.workload import require_not_negative


@dataclass(frozen=True, slots=True)
class Price:
    """Price of one unit of a service.

    Attributes:
        dollars: US dollars per unit.
        per: The unit.
        known: Date (ISO 8601) on which the price was valid.
        source: Address of the page that states it.
    """

    dollars: float
    per: str
    known: str
    source: str


@dataclass(frozen=True, slots=True)
class TieredPrice:
    """A price that falls with the monthly quantity.

    Attributes:
        steps: (quantity up to which the price applies, dollars per unit), ascending; the last
            quantity is infinite.
        per: The unit.
        known: Date (ISO 8601) on which the price was valid.
        source: Address of the page that states it.
    """

    steps: tuple[tuple[float, float], ...]
    per: str
    known: str
    source: str

    def dollars(self, quantity: float) -> float:
        """Return the cost of a month's quantity; each step's price applies to its share only."""
        total, start = 0.0, 0.0
        for up_to, price in self.steps:
            total += price * max(0.0, min(quantity, up_to) - start)
            start = up_to
        return total


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices of one region.

    Attributes:
        region: AWS region.
        prices: Flat prices by name, such as ``s3.get``.
        tiers: Tiered prices by name.
    """

    region: str
    prices: Mapping[str, Price]
    tiers: Mapping[str, TieredPrice]

    def __getitem__(self, name: str) -> Price:
        return self.prices[name]

    def with_price(self, name: str, dollars: float) -> PriceTable:
        """Return a copy of the table with one price changed.

        Raises:
            InvalidInputError: The table has no flat price of that name, or ``dollars`` is not a
                number of at least 0.
        """
        if name not in self.prices:
            raise InvalidInputError(
                f"there is no price {name!r}", f"choose one of {', '.join(sorted(self.prices))}"
            )
        require_not_negative(f"the price {name}", dollars)
        changed = replace(self.prices[name], dollars=dollars, source="given by the caller")
        return replace(self, prices={**self.prices, name: changed})


def load_prices(path: Path | None = None) -> PriceTable:
    """Read a table of prices.

    Args:
        path: JSON file in the format of ``schemas/price-table.json``; None for the table that
            facerec ships.

    Raises:
        InvalidInputError: The file cannot be read, is not such a table, or lacks a price.
        ReadTimedOutError: The file system does not answer.
    """
    own = json.loads((files("facerec.estimate") / "prices.json").read_text("utf-8"))
    if path is None:
        return _table(own)
    try:
        document = json.loads(read_input(path, MAX_PRICES_BYTES))
    except ValueError as error:
        raise InvalidInputError(
            f"{path} is not JSON", "start from a copy of facerec/estimate/prices.json"
        ) from error
    check("price-table", document, str(path))
    for kind in ("prices", "tiers"):
        if missing := sorted(own[kind].keys() - document[kind].keys()):
            raise InvalidInputError(
                f"{path} lacks {kind}: {', '.join(missing)}",
                "add them as in facerec/estimate/prices.json",
            )
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
