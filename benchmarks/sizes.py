"""Print what collections of every size cost in each store, from the estimate of a job.

    python -m benchmarks.sizes [--json FILE]

Nothing is measured: prices and limits are those of ``facerec.estimate``. The tables are those of
``docs/sizes.md``, and a test compares them.
"""

from __future__ import annotations

from typing import Any

from benchmarks.support.results import arguments, finish, show
from facerec.estimate.costs import minimum_of_pinecone
from facerec.estimate.estimating import Estimate, estimate_job
from facerec.estimate.prices import load_prices
from facerec.estimate.workload import Store

SIZES = (10**5, 10**6, 10**7, 10**8, 10**9)
"""Numbers of faces of a collection, one per photo."""

SEARCHES = 1_000
"""Number of searches of a month, for which the table has the cost."""

EMBEDDED_BYTES = 1_000
"""Number of bytes that a face takes in the embedded store (``docs/embedded-store.md``)."""

VECTOR_BYTES = 128 * 4
"""Number of bytes that an exact search reads of a face: 128 numbers of 32 bits."""

SHARD_FACES = 10**7
"""Number of faces of a shard on one machine: their embeddings are 5 GB, which fit the memory of a
machine with 8 GB."""


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__).parse_args()
    managed = [managed_store(store, faces) for store in MANAGED for faces in SIZES]
    embedded = [embedded_store(faces) for faces in SIZES]
    show("managed stores", managed)
    show("embedded store", embedded)
    finish("sizes", {"managed": managed, "embedded": embedded}, options.json)


MANAGED = (Store.S3_VECTORS, Store.PINECONE)


def managed_store(store: Store, faces: int) -> dict[str, Any]:
    """Return what a collection on AWS costs in dollars, and how long the job takes in hours."""
    estimate = estimate_job(faces, store=store, searches=SEARCHES, max_vcpus=256)
    return {
        "store": store.value,
        "faces": faces,
        "job, hours": estimate.simulation.seconds / 3600,
        "bottleneck": estimate.simulation.bottleneck,
        "job, dollars": estimate.indexing_dollars,
        "keeping a month": sum(line.dollars for line in estimate.keeping),
        "1,000 searches": sum(line.dollars for line in estimate.searching),
        "month, with the minimum": month(estimate),
    }


def embedded_store(faces: int) -> dict[str, Any]:
    """Return the bytes of a collection in the embedded store, and the machines that it needs."""
    return {
        "faces": faces,
        "on disk, GB": faces * EMBEDDED_BYTES / 1e9,
        "read by an exact search, GB": faces * VECTOR_BYTES / 1e9,
        "shards": -(-faces // SHARD_FACES),
    }


def month(estimate: Estimate) -> float:
    """Return the dollars of a month without a job, including Pinecone's minimum."""
    lines = [*estimate.keeping, *estimate.searching]
    return sum(line.dollars for line in (*lines, *minimum_of_pinecone(lines, load_prices())))


if __name__ == "__main__":
    main()
