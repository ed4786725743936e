"""`facerec estimate`: what a job would take and cost, beside Amazon Rekognition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import json_option
from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError

if TYPE_CHECKING:
    from facerec.estimate.costs import CostLine
    from facerec.estimate.estimating import Estimate
    from facerec.estimate.prices import PriceTable

SIZES = tuple(10**power for power in range(4, 10))
INTERRUPTIONS_PER_HOUR = (0.0, 0.05, 0.2)
"""Of each machine, for ``--simulate``."""


@click.command()
@click.option("--photos", type=click.IntRange(min=1), default=1_000_000, show_default=True)
@click.option(
    "--photos-per-second",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="R",
    help="That one vCPU indexes; measured on this machine if not given.",
)
@click.option(
    "--megapixels",
    type=click.FloatRange(0.01, 100),
    default=1.0,
    show_default=True,
    help="Of the photos that are generated to measure with.",
)
@click.option(
    "--sample",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="Measure with photos of your own: a file or a folder, of which some are read.",
)
@click.option("--faces-per-photo", type=click.FloatRange(0, 100), default=1.0, show_default=True)
@click.option(
    "--searches", type=click.IntRange(min=0), default=0, show_default=True, help="In the month."
)
@click.option("--detector", default=FaceOptions().detector, show_default=True)
@click.option(
    "--store",
    type=click.Choice(["pinecone", "embedded"]),
    default="pinecone",
    show_default=True,
    help="Where faces live; the embedded store means one spot machine without the workflow.",
)
@click.option(
    "--max-vcpus",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="At work at once, as in the stack.",
)
@click.option(
    "--images-per-child", type=click.IntRange(min=1), default=None, help="As in the job's input."
)
@click.option(
    "--existing-collection",
    is_flag=True,
    help="Into a collection that exists: Pinecone is asked for the faces of each photo.",
)
@click.option(
    "--interruptions",
    type=click.FloatRange(0, 60),
    default=0.05,
    show_default=True,
    help="Of each spot machine in an hour.",
)
@click.option(
    "--listings-per-second",
    type=click.FloatRange(min=1),
    default=200.0,
    show_default=True,
    help="That Pinecone allows for an index; can be raised on request.",
)
@click.option("--region", default=None, help="That the table of prices must be of.")
@click.option(
    "--prices",
    "price_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A table of prices of your own, shaped like facerec/estimate/prices.json.",
)
@click.option(
    "--price",
    "changed",
    multiple=True,
    metavar="NAME=DOLLARS",
    help="One price that differs, such as ec2.spot_vcpu_hour=0.018; can be repeated.",
)
@click.option("--simulate", "simulated", is_flag=True, help="Show jobs of 10^4 to 10^9 photos.")
@json_option
def estimate(
    photos: int,
    photos_per_second: float | None,
    megapixels: float,
    sample: Path | None,
    faces_per_photo: float,
    searches: int,
    detector: str,
    store: str,
    max_vcpus: int,
    images_per_child: int | None,
    existing_collection: bool,
    interruptions: float,
    listings_per_second: float,
    region: str | None,
    price_file: Path | None,
    changed: tuple[str, ...],
    simulated: bool,
    as_json: bool,
) -> None:
    """Estimate time and cost of indexing PHOTOS, beside Amazon Rekognition.

    The prices are list prices of one region, each with the day it was known and its source
    (facerec/estimate/prices.json): check them before you rely on the result.

    \b
    Examples:
      facerec estimate --photos 1000000 --sample photos/
      facerec estimate --photos 50000 --photos-per-second 20 --searches 10000
      facerec estimate --simulate --photos-per-second 20
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from functools import partial

    from facerec.cli.output import print_json
    from facerec.estimate.estimating import estimate_job
    from facerec.estimate.workload import Store

    prices = _prices(price_file, changed, region)
    measured = photos_per_second is None
    rate = photos_per_second or _measure(detector, sample, megapixels, faces_per_photo)
    job = partial(
        estimate_job,
        photos_per_second=rate,
        faces_per_photo=faces_per_photo,
        searches=searches,
        store=Store(store),
        max_vcpus=max_vcpus,
        images_per_child=images_per_child or 0,
        new_collection=not existing_collection,
        listings_per_second=listings_per_second,
        prices=prices,
    )
    if simulated:
        rows = [
            (each, job(size, interruptions_per_hour=each))
            for size in SIZES
            for each in INTERRUPTIONS_PER_HOUR
        ]
        if as_json:
            print_json([{"interruptions_per_hour": n, **found.to_json()} for n, found in rows])
        else:
            _print_simulations(rows)
        return
    result = job(photos, interruptions_per_hour=interruptions)
    if as_json:
        print_json(result.to_json())
    else:
        _print(result, prices, measured)


def _prices(file: Path | None, changed: tuple[str, ...], region: str | None) -> PriceTable:
    from facerec.estimate.prices import load_prices

    prices = load_prices(file)
    if region not in (None, prices.region):
        raise InvalidInputError(
            f"the prices are those of {prices.region}, not of {region}",
            "give a table of that region with --prices",
        )
    for word in changed:
        name, _, dollars = word.partition("=")
        try:
            prices = prices.with_price(name, float(dollars))
        except ValueError:
            raise InvalidInputError(f"{word!r} is not NAME=DOLLARS") from None
    return prices


def _measure(detector: str, sample: Path | None, megapixels: float, faces: float) -> float:
    from facerec.engine.engine import open_engine
    from facerec.estimate.measuring import (
        generated_photos,
        measure_photos_per_second,
        sample_photos,
    )

    photos = sample_photos(sample) if sample else generated_photos(megapixels, faces)
    click.echo(f"measuring with {len(photos)} photos ...", err=True)
    options = FaceOptions(detector=detector)
    return measure_photos_per_second(open_engine(threads=1), photos, options)


def _print(result: Estimate, prices: PriceTable, measured: bool) -> None:
    from facerec.cli.output import console, table

    out, job, workload = console(), result.simulation, result.workload
    how = "measured on this machine" if measured else "as given"
    out.print(
        f"{workload.photos:,} photos, {workload.photos_per_second:.1f} a second and vCPU ({how}), "
        f"prices of {result.region}"
    )
    out.print(
        f"{job.children:,} children in {job.arrays:,} arrays on {job.vcpus:,} vCPUs: "
        f"{_duration(job.seconds)}, {job.vcpu_seconds / 3600:,.1f} vCPU-hours; "
        f"bottleneck: {job.bottleneck}"
    )
    if job.vcpus > job.useful_vcpus:
        out.print(
            f"Beyond {job.useful_vcpus:,} vCPUs further ones are paid for waiting: "
            f"see --max-vcpus {job.useful_vcpus}."
        )
    shown = table("", "price", "quantity", "dollars", right=("quantity", "dollars"))
    parts = [
        ("the job, once", result.indexing),
        ("keeping the faces for a month", result.keeping),
        ("a month's searches", result.searching),
        ("", result.minimum),
        ("Amazon Rekognition for the same month", result.rekognition),
    ]
    for title, lines in parts:
        if title and lines:
            shown.add_row(title, "", "", f"{sum(line.dollars for line in lines):,.2f}")
        for line in lines:
            shown.add_row(f"  {line.name}", _price(line, prices), *_amounts(line))
    out.print(shown)
    out.print(f"the month with facerec: ${result.dollars:,.2f}, ", end="")
    out.print(f"with Rekognition: ${result.rekognition_dollars:,.2f}")
    if result.break_even is None:
        out.print("Rekognition is cheaper at any number of photos like these.")
    elif result.break_even > 1:
        out.print(f"Below {result.break_even:,} photos like these Rekognition is cheaper.")
    out.print("List prices known on the days that facerec/estimate/prices.json states: check them.")


def _price(line: CostLine, prices: PriceTable) -> str:
    if line.price in prices.tiers:
        return f"falling, per {prices.tiers[line.price].per}"
    price = prices[line.price]
    return f"{price.dollars:.10f}".rstrip("0").rstrip(".") + f" per {price.per}"


def _amounts(line: CostLine) -> tuple[str, str]:
    return f"{line.quantity:,.2f}".removesuffix(".00"), f"{line.dollars:,.2f}"


def _print_simulations(rows: list[tuple[float, Estimate]]) -> None:
    from facerec.cli.output import console, table

    numbers = (
        "photos",
        "interruptions an hour",
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
            _duration(job.seconds),
            f"{job.vcpu_seconds / 3600:,.1f}",
            f"{result.indexing_dollars:,.2f}",
            f"{result.dollars:,.2f}",
            f"{result.rekognition_dollars:,.2f}",
            job.bottleneck,
        )
    console().print(shown)


def _duration(seconds: float) -> str:
    if seconds < 5400:
        return f"{seconds / 60:.1f} minutes"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 86400:.1f} days"
