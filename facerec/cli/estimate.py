"""`facerec estimate`: time and cost of a job, compared with Amazon Rekognition."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from facerec.cli.deferred import estimating, price_tables
from facerec.cli.estimate_tables import print_estimate, print_simulations
from facerec.cli.numbers import MAX_WHOLE, FiniteRange, WholeRange
from facerec.cli.options import (
    detector_option,
    json_option,
    photos_per_child_option,
    photos_per_second_option,
)
from facerec.cli.output import print_json, say
from facerec.core.counts import count
from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError
from facerec.estimate.workload import Store

SIMULATED_SIZES = tuple(10**power for power in range(4, 10))
SIMULATED_INTERRUPTIONS = (0.0, 0.05, 0.2)
"""Spot interruptions per machine-hour that ``--simulate`` shows."""


@click.command()
@click.option(
    "--photos",
    type=WholeRange(1, MAX_WHOLE),
    default=1_000_000,
    show_default=True,
    help="Number of photos to index.",
)
@photos_per_second_option(" (default: measured on this machine)")
@click.option(
    "--megapixels",
    type=FiniteRange(0.01, 100),
    default=1.0,
    show_default=True,
    help="Size of the generated photos to measure with.",
)
@click.option(
    "--sample",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="Measure with these photos: a file, or a folder from which a sample is read.",
)
@click.option(
    "--faces-per-photo",
    type=FiniteRange(0, 100),
    default=1.0,
    show_default=True,
    help="Faces stored per photo, on average.",
)
@click.option(
    "--searches",
    type=WholeRange(0, MAX_WHOLE),
    default=0,
    show_default=True,
    help="Searches per month.",
)
@detector_option
@click.option(
    "--store",
    type=click.Choice([store.value for store in Store]),
    default=Store.S3_VECTORS.value,
    show_default=True,
    help="Where faces are stored: in Amazon S3 Vectors or Pinecone (VectorStore of the stack), or "
    "in the embedded store of a single spot machine.",
)
@click.option(
    "--max-vcpus",
    type=WholeRange(1, MAX_WHOLE),
    default=256,
    show_default=True,
    help="Maximum concurrent vCPUs, as configured in the stack.",
)
@photos_per_child_option
@click.option(
    "--existing-collection",
    is_flag=True,
    help="Index into an existing collection, where photos must be looked up in Pinecone. "
    "Requests to S3 Vectors are not priced.",
)
@click.option(
    "--interruptions",
    type=FiniteRange(0, 60),
    default=0.05,
    show_default=True,
    help="Spot interruptions per machine-hour.",
)
@click.option(
    "--lookups-per-second",
    type=FiniteRange(min=1),
    default=100.0,
    show_default=True,
    help="Rate limit of Pinecone for fetches; it can be raised on request.",
)
@click.option(
    "--require-region",
    "region",
    default=None,
    metavar="REGION",
    help="Fail unless the prices are for this region.",
)
@click.option(
    "--prices",
    "price_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Use another table of prices, in the format of facerec/estimate/prices.json.",
)
@click.option(
    "--price",
    "changed_prices",
    multiple=True,
    metavar="NAME=DOLLARS",
    help="Change one price, such as ec2.spot_vcpu_hour=0.018; can be repeated.",
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
    lookups_per_second: float,
    region: str | None,
    price_file: Path | None,
    changed_prices: tuple[str, ...],
    simulated: bool,
    as_json: bool,
) -> None:
    """Estimate the time and cost of a job.

    Amazon Rekognition's price for the same photos is shown for comparison. All prices are list
    prices of one region, each with its date and source in facerec/estimate/prices.json. Check them
    before you rely on the result.

    \b
    Examples:
      facerec estimate --photos 1000000 --sample photos/
      facerec estimate --photos 50000 --photos-per-second 20 --searches 10000
      facerec estimate --simulate --photos-per-second 20
    """
    prices = _load_prices(price_file, changed_prices, region)
    measured = photos_per_second is None
    rate = photos_per_second or _measure(detector, sample, megapixels, faces_per_photo)
    estimate_with = partial(
        estimating.estimate_job,
        photos_per_second=rate,
        faces_per_photo=faces_per_photo,
        searches=searches,
        store=Store(store),
        max_vcpus=max_vcpus,
        images_per_child=images_per_child or 0,
        new_collection=not existing_collection,
        lookups_per_second=lookups_per_second,
        prices=prices,
    )
    if simulated:
        rows = [
            (hazard, estimate_with(size, interruptions_per_hour=hazard))
            for size in SIMULATED_SIZES
            for hazard in SIMULATED_INTERRUPTIONS
        ]
        if as_json:
            print_json(
                {
                    "simulations": [
                        {"interruptions_per_hour": hazard, "estimate": result.to_json()}
                        for hazard, result in rows
                    ]
                }
            )
        else:
            print_simulations(rows)
        return
    result = estimate_with(photos, interruptions_per_hour=interruptions)
    if as_json:
        print_json(result.to_json())
    else:
        print_estimate(result, prices, measured=measured)


def _load_prices(
    file: Path | None, changed_prices: tuple[str, ...], region: str | None
) -> price_tables.PriceTable:
    prices = price_tables.load_prices(file)
    if region not in (None, prices.region):
        raise InvalidInputError(
            f"the prices are for {prices.region}, not for {region}",
            "name a table of prices for that region with --prices",
        )
    for change in changed_prices:
        name, _, dollars = change.partition("=")
        try:
            prices = prices.with_price(name, float(dollars))
        except ValueError:
            raise InvalidInputError(
                f"{change!r} is not NAME=DOLLARS",
                "name a price of the table and its dollars, such as ec2.spot_vcpu_hour=0.018",
            ) from None
    return prices


def _measure(detector: str, sample: Path | None, megapixels: float, faces: float) -> float:
    from facerec.engine.engine import open_engine
    from facerec.estimate.measuring import (
        generated_photos,
        measure_photos_per_second,
        sample_photos,
    )

    photos = sample_photos(sample) if sample else generated_photos(megapixels, faces)
    say(f"measuring with {count(len(photos), 'photo')} ...", err=True)
    options = FaceOptions(detector=detector)
    return measure_photos_per_second(open_engine(threads=1), photos, options)
