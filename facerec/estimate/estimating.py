"""The estimate of a job: time, cost, and Amazon Rekognition's price for the same photos."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from facerec.estimate.costs import (
    CostLine,
    indexing_costs,
    keeping_costs,
    minimum_of_pinecone,
    searching_costs,
)
from facerec.estimate.limits import LOOKUPS_PER_SECOND
from facerec.estimate.prices import PriceTable, load_prices
from facerec.estimate.simulation import Simulation, simulate
from facerec.estimate.workload import MAX_COUNT, Store, Workload, whole

MAX_PHOTOS = 1_000_000_000
"""Maximum number of photos up to which a break-even is searched for."""

MAX_SEARCHES = MAX_COUNT // MAX_PHOTOS
"""Maximum number of searches; a break-even multiplies it by up to ``MAX_PHOTOS``."""

PHOTOS_PER_SECOND = 20.0
"""Assumed speed of one vCPU: photos of about a megapixel with the default detector
(``docs/benchmarks.md`` has measurements)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time and cost of a job and of the month in which it runs.

    Attributes:
        workload: The job and its month.
        region: AWS region of the prices.
        simulation: How the job runs.
        indexing: Lines of the bill for the job, paid once.
        keeping: Lines for storing its faces for a month.
        searching: Lines for a month's searches.
        minimum: Line that tops up the month's use of Pinecone to the plan's minimum, if any.
        rekognition: Lines of Rekognition's bill for the same month.
        break_even: Smallest number of photos at which facerec costs at most as much as
            Rekognition in that month, with searches in proportion; None if facerec costs more even
            for ``MAX_PHOTOS``, or if the job has no photos.
    """

    workload: Workload
    region: str
    simulation: Simulation
    indexing: tuple[CostLine, ...]
    keeping: tuple[CostLine, ...]
    searching: tuple[CostLine, ...]
    minimum: tuple[CostLine, ...]
    rekognition: tuple[CostLine, ...]
    break_even: int | None

    @property
    def indexing_dollars(self) -> float:
        """Cost of the job itself."""
        return _total(self.indexing)

    @property
    def dollars(self) -> float:
        """Cost of the month in which the job runs: the job, storage and searches."""
        return _total((*self.indexing, *self.keeping, *self.searching, *self.minimum))

    @property
    def rekognition_dollars(self) -> float:
        """Cost of the month in which the job runs, with Rekognition."""
        return _total(self.rekognition)

    def to_json(self) -> dict[str, Any]:
        """Return the estimate in the format of ``schemas/estimate.json``."""
        return {
            "region": self.region,
            "workload": asdict(self.workload),
            "job": asdict(self.simulation),
            "facerec": {
                part: [asdict(line) for line in getattr(self, part)]
                for part in ("indexing", "keeping", "searching", "minimum")
            },
            "rekognition": [asdict(line) for line in self.rekognition],
            "dollars": {
                "indexing": self.indexing_dollars,
                "month": self.dollars,
                "rekognition_month": self.rekognition_dollars,
            },
            "break_even_photos": self.break_even,
        }


def estimate_job(
    photos: int,
    *,
    photos_per_second: float = PHOTOS_PER_SECOND,
    faces_per_photo: float = 1.0,
    searches: int = 0,
    store: Store = Store.S3_VECTORS,
    max_vcpus: int = 256,
    images_per_child: int = 0,
    new_collection: bool = True,
    interruptions_per_hour: float = 0.0,
    lookups_per_second: float = LOOKUPS_PER_SECOND,
    prices: PriceTable | None = None,
) -> Estimate:
    """Estimate the time and cost of a job.

    This takes milliseconds for a million photos and a few seconds for a billion.

    Args:
        photos: Number of photos to index.
        photos_per_second: Speed of one vCPU; ``estimate.measuring`` measures it.
        faces_per_photo: Mean number of faces stored per photo.
        searches: Number of searches per month, each with one face.
        store: Amazon S3 Vectors or Pinecone, filled by the workflow on AWS, or the embedded store
            on one AWS machine.
        max_vcpus: Maximum number of concurrent vCPUs (``MaxvCpus`` of the stack).
        images_per_child: Number of photos per child; 0 chooses it from the number of photos.
        new_collection: Whether the job creates the collection.
        interruptions_per_hour: Mean number of spot interruptions per machine-hour.
        lookups_per_second: Pinecone's rate limit for fetches from an index.
        prices: Table of prices (default: the one shipped with facerec).

    Raises:
        InvalidInputError: A number is too small or too large, or a count is not whole.
    """
    whole("searches", searches, 0, MAX_SEARCHES)
    prices = prices or load_prices()
    workload = Workload(
        photos,
        photos_per_second,
        faces_per_photo,
        searches,
        store,
        max_vcpus,
        images_per_child,
        new_collection,
    )

    def run(workload: Workload) -> Simulation:
        return simulate(
            workload,
            interruptions_per_hour=interruptions_per_hour,
            lookups_per_second=lookups_per_second,
        )

    simulation = run(workload)
    indexing = indexing_costs(workload, simulation, prices)
    keeping = keeping_costs(workload, prices)
    searching = searching_costs(workload, prices)
    return Estimate(
        workload=workload,
        region=prices.region,
        simulation=simulation,
        indexing=tuple(indexing),
        keeping=tuple(keeping),
        searching=tuple(searching),
        minimum=tuple(minimum_of_pinecone([*indexing, *keeping, *searching], prices)),
        rekognition=tuple(rekognition_costs(workload, prices)),
        break_even=_break_even(workload, simulation, prices),
    )


def rekognition_costs(workload: Workload, prices: PriceTable) -> list[CostLine]:
    """Return Rekognition's bill for the month of the job: images, searches, stored faces."""
    images = prices.tiers["rekognition.image"]
    indexed = images.dollars(workload.photos)
    searched = images.dollars(workload.photos + workload.searches) - indexed
    faces = workload.faces
    lines = [
        CostLine("IndexFaces", "rekognition.image", workload.photos, indexed),
        CostLine("SearchFacesByImage", "rekognition.image", workload.searches, searched),
        CostLine(
            "stored faces",
            "rekognition.face_month",
            faces,
            faces * prices["rekognition.face_month"].dollars,
        ),
    ]
    return [line for line in lines if line.quantity]


def _break_even(workload: Workload, simulation: Simulation, prices: PriceTable) -> int | None:
    """Find by bisection the number of photos from which facerec costs no more than Rekognition.

    The vCPU time of other sizes is assumed to be proportional to the simulated job's.
    """

    def costs_more(photos: int) -> bool:
        share = photos / workload.photos
        some = replace(workload, photos=photos, searches=round(workload.searches * share))
        scaled = replace(
            simulation,
            children=max(1, round(simulation.children * share)),
            vcpu_seconds=simulation.vcpu_seconds * share,
        )
        own = [
            *indexing_costs(some, scaled, prices),
            *keeping_costs(some, prices),
            *searching_costs(some, prices),
        ]
        own += minimum_of_pinecone(own, prices)
        return _total(own) > _total(rekognition_costs(some, prices))

    if not workload.photos or costs_more(MAX_PHOTOS):
        return None
    low, high = 0, MAX_PHOTOS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if costs_more(middle) else (low, middle)
    return high


def _total(lines: list[CostLine] | tuple[CostLine, ...]) -> float:
    return sum(line.dollars for line in lines)
