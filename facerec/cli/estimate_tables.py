"""Prints estimates of jobs as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli.output import console, duration, table
from facerec.core.counts import count

if TYPE_CHECKING:
    from facerec.estimate.costs import CostLine
    from facerec.estimate.estimating import Estimate
    from facerec.estimate.prices import PriceTable


def print_estimate(result: Estimate, prices: PriceTable, *, measured: bool) -> None:
    """Print the duration of a job and the bill of its month, beside Rekognition's.

    Args:
        result: The estimate.
        prices: The prices that it used.
        measured: Whether the rate was measured on this machine.
    """
    out, job, workload = console(), result.simulation, result.workload
    how = "measured on this machine" if measured else "as given"
    out.print(
        f"{count(workload.photos, 'photo')}, {workload.photos_per_second:.1f} per second and vCPU "
        f"({how}), prices of {result.region}"
    )
    out.print(
        f"{count(job.children, 'child', 'children')} in {count(job.arrays, 'array')} on "
        f"{count(job.vcpus, 'vCPU')}: "
        f"{duration(job.seconds)}, {job.vcpu_seconds / 3600:,.1f} vCPU-hours; "
        f"bottleneck: {job.bottleneck}"
    )
    if job.vcpus > job.useful_vcpus:
        out.print(
            f"More than {count(job.useful_vcpus, 'vCPU')} would not make the job faster: "
            f"use --max-vcpus {job.useful_vcpus}."
        )
    shown = table("", "price", "quantity", "dollars", right=("quantity", "dollars"))
    bill = [
        ("the job, once", result.indexing),
        ("storing the faces for a month", result.keeping),
        ("a month's searches", result.searching),
        ("", result.minimum),
        ("Amazon Rekognition for the same month", result.rekognition),
    ]
    for title, lines in bill:
        if title and lines:
            shown.add_row(title, "", "", f"{sum(line.dollars for line in lines):,.2f}")
        for line in lines:
            shown.add_row(f"  {line.name}", _price(line, prices), *_amounts(line))
    out.print(shown)
    out.print(f"the month with facerec: ${result.dollars:,.2f}, ", end="")
    out.print(f"with Rekognition: ${result.rekognition_dollars:,.2f}")
    if result.break_even is None:
        out.print("For photos like these, Rekognition is cheaper at any number.")
    elif result.break_even > 1:
        out.print(f"Below {result.break_even:,} photos like these, Rekognition is cheaper.")
    out.print("These are list prices; facerec/estimate/prices.json has their dates and sources.")


def _price(line: CostLine, prices: PriceTable) -> str:
    if line.price in prices.tiers:
        return f"tiered, per {prices.tiers[line.price].per}"
    price = prices[line.price]
    return f"{price.dollars:.10f}".rstrip("0").rstrip(".") + f" per {price.per}"


def _amounts(line: CostLine) -> tuple[str, str]:
    return f"{line.quantity:,.2f}".removesuffix(".00"), f"{line.dollars:,.2f}"


def print_simulations(rows: list[tuple[float, Estimate]]) -> None:
    """Print estimates of jobs of several sizes, each with its interruptions per machine-hour."""
    numbers = (
        "photos",
        "interruptions per hour",
        "children",
        "arrays",
        "interrupted",
        "vCPU-hours",
        "job $",
        "month $",
        "Rekognition $",
    )
    shown = table(*numbers[:5], "time", *numbers[5:], "bottleneck", right=(*numbers, "time"))
    for interruptions, result in rows:
        job = result.simulation
        shown.add_row(
            f"{result.workload.photos:,}",
            f"{interruptions:g}",
            f"{job.children:,}",
            f"{job.arrays:,}",
            f"{job.interruptions:,}",
            duration(job.seconds),
            f"{job.vcpu_seconds / 3600:,.1f}",
            f"{result.indexing_dollars:,.2f}",
            f"{result.dollars:,.2f}",
            f"{result.rekognition_dollars:,.2f}",
            job.bottleneck,
        )
    console().print(shown)
