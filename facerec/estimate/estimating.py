"""The estimate of a job: time, cost, and what Amazon Rekognition would charge for the same."""

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
from facerec.estimate.limits import LISTINGS_PER_SECOND
from facerec.estimate.prices import PriceTable, load_prices
from facerec.estimate.simulation import Simulation, simulate
from facerec.estimate.workload import Store, Workload

MOST_PHOTOS = 1_000_000_000
"""Up to which a break-even is looked for."""

PHOTOS_PER_SECOND = 20.0
"""Of one vCPU, where nothing is measured or given: photos of about a megapixel with the default
detector (``docs/benchmarks.md`` has what was measured)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job and the month after it take and cost.

    Attributes:
        workload: what was estimated.
        region: whose prices.
        simulation: how the job would go.
        indexing: the lines of the job, paid once.
        keeping: the lines of keeping its faces for a month.
        searching: the lines of a month's searches.
        minimum: what Pinecone's plan charges in that month beyond its use.
        rekognition: Rekognition's lines for the same month.
        break_even: from how many photos on facerec is no dearer in that month, all else in
            proportion; None where it never is.
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
        """What the job itself costs."""
        return _total(self.indexing)

    @property
    def dollars(self) -> float:
        """What the month in which the job runs costs: the job, the faces, the searches."""
        return _total((*self.indexing, *self.keeping, *self.searching, *self.minimum))

    @property
    def rekognition_dollars(self) -> float:
        """What that month costs with Rekognition."""
        return _total(self.rekognition)

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as ``schemas/estimate.json`` has it."""
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
    store: Store = Store.PINECONE,
    max_vcpus: int = 256,
    images_per_child: int = 0,
    new_collection: bool = True,
    interruptions_per_hour: float = 0.0,
    listings_per_second: float = LISTINGS_PER_SECOND,
    prices: PriceTable | None = None,
) -> Estimate:
    """Estimate a job of so many photos, such as ``plan.estimated_images`` of a planned one.

    Takes milliseconds for a million photos, some seconds for a thousand million; no network.

    Args:
        photos: to index.
        photos_per_second: that one vCPU indexes; ``estimate.measuring`` measures it here.
        faces_per_photo: that are kept, on average.
        searches: photos that are searched in the month, one face each.
        store: Pinecone, with the workflow on AWS, or the embedded store on one machine there.
        max_vcpus: at work at once at most (``MaxvCpus`` of the stack).
        images_per_child: photos of a child; 0 lets it follow from their number.
        new_collection: whether the job makes the collection.
        interruptions_per_hour: how often each spot machine is reclaimed, on average.
        listings_per_second: what Pinecone allows for an index.
        prices: of a region; by default those that facerec comes with.
    """
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

    def run(some: Workload) -> Simulation:
        return simulate(
            some,
            interruptions_per_hour=interruptions_per_hour,
            listings_per_second=listings_per_second,
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
    """Return what Rekognition charges in the month of the job: images, searches, faces."""
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
    """Find by bisection from how many photos on facerec is no dearer.

    The vCPU time of other sizes is taken in proportion to the simulated job's.
    """

    def dearer(photos: int) -> bool:
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

    if not workload.photos or dearer(MOST_PHOTOS):
        return None
    low, high = 0, MOST_PHOTOS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if dearer(middle) else (low, middle)
    return high


def _total(lines: list[CostLine] | tuple[CostLine, ...]) -> float:
    return sum(line.dollars for line in lines)
