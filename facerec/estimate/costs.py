"""The bill of a job and a month: each line is a quantity times a price from the table."""

from __future__ import annotations

from dataclasses import dataclass

from facerec.estimate.limits import DISK_GB, VCPUS_PER_MACHINE, WIRE_BYTES_PER_FACE
from facerec.estimate.prices import PriceTable
from facerec.estimate.simulation import Simulation
from facerec.estimate.workload import Store, Workload

HOURS_PER_MONTH = 730.0

RECORD_BYTES = 952
"""Size of a face in Pinecone: its id, 128 float32 and the metadata of ``docs/pinecone.md``
(measured). https://docs.pinecone.io/guides/cost/understand-cost defines what counts."""

EMBEDDING_BYTES = 1_280
"""Size of a face in the job's folder, measured by ``benchmarks/overhead.py``."""

LEDGER_BYTES = 410
"""Size of the row of a photo with one face, measured by the same benchmark."""

WRITE_UNIT_BYTES = 1_000
MIN_WRITE_UNITS = 5
"""Minimum charge of an upsert in write units.
https://docs.pinecone.io/guides/cost/understand-cost#write-units"""

S3_VECTOR_BYTES = 650
"""Size of a face in Amazon S3 Vectors: its vector, key and metadata (``docs/cost.md``)."""

S3_VECTOR_INDEXES = 2
"""Number of indexes that a commit writes to: vectors, and the members of each photo."""

MIN_PUT_BYTES = 128_000
"""Minimum number of bytes charged per write. https://aws.amazon.com/s3/pricing/"""

FULL_PRICE_VECTORS = 100_000
"""Number of vectors of an index up to which queries are charged at the first price (same page)."""

MIN_READ_UNITS = 0.25
"""Minimum charge of a query in read units. A query costs one read unit per GB of its namespace:
https://docs.pinecone.io/guides/cost/understand-cost"""

MIN_READ_UNITS_PER_LOOKUP = 1.0
"""Assumed minimum charge of a fetch by metadata, in read units. Above it, a fetch is assumed to
cost as much as a query. Pinecone's page states neither."""

PUT_REQUESTS_PER_STEP = 2
"""Number of requests per commit that S3 charges as PUT: the embeddings and the segment of the
ledger."""

GET_REQUESTS_PER_STEP = 2
"""Number of reads per commit: the plan, before and after, to check that the job was not deleted."""

PUT_REQUESTS_PER_CHILD = 8
"""Number of requests per child that S3 charges as PUT: four listings, the note of the run, the face
index, the remembered photos, and the summary."""

GET_REQUESTS_PER_CHILD = 9
"""Number of reads per child from S3: the plan (twice), the start of the job (twice), the slice of
the manifest, and the summary and the note of the run (twice each, again for the report)."""

LOG_BYTES_PER_CHILD = 3_000
TRANSITIONS = 8
"""Number of state transitions of an execution, excluding those of its arrays."""

TRANSITIONS_PER_ARRAY = 3
FUNCTION_CALLS = 2
"""Number of calls of Lambda functions per job: the plan and the report."""

FUNCTION_GB_SECONDS = FUNCTION_CALLS * 5.0 * 1769 / 1024
"""Charged GB-seconds: five seconds per call (assumed) at the memory size in ``template.yaml``."""

SEARCH_SECONDS = 1.0
SEARCH_GB = 3008 / 1024
"""Memory of the API's function, as in ``template.yaml``."""

IMAGE_GB = 0.5
"""Compressed size of the two container images (assumed)."""

RECORDS_UNITS = 20
"""DynamoDB write units per job for the record of the collection (assumed)."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of a bill.

    Attributes:
        name: Name of the item that is charged.
        price: Key of the price in the table.
        quantity: Number of units, as the price counts them.
        dollars: Quantity times price.
    """

    name: str
    price: str
    quantity: float
    dollars: float


def indexing_costs(
    workload: Workload, simulation: Simulation, prices: PriceTable
) -> list[CostLine]:
    """Return the bill lines of the job, which are paid once."""
    hours = simulation.vcpu_seconds / 3600
    machine_hours = hours / VCPUS_PER_MACHINE
    children, photos = simulation.children, workload.photos
    quantities = [
        ("vCPUs on spot machines", "ec2.spot_vcpu_hour", hours),
        ("the machines' public addresses", "ec2.public_ipv4_hour", machine_hours),
        ("the machines' disks", "ebs.gp3_gb_month", machine_hours * DISK_GB / HOURS_PER_MONTH),
        ("photos read", "s3.get", photos),
    ]
    if workload.store is not Store.EMBEDDED:
        arrays = simulation.arrays
        quantities += _stored(workload)
        quantities += [
            ("jobs in AWS Batch", "batch.job", children),
            (
                "ledger and embeddings",
                "s3.put",
                PUT_REQUESTS_PER_STEP * workload.steps + PUT_REQUESTS_PER_CHILD * children,
            ),
            (
                "plan, manifest and ledger read",
                "s3.get",
                GET_REQUESTS_PER_STEP * workload.steps + GET_REQUESTS_PER_CHILD * children,
            ),
            (
                "workflow",
                "step_functions.transition",
                TRANSITIONS + TRANSITIONS_PER_ARRAY * arrays,
            ),
            (
                "plan and report",
                "lambda.gb_second",
                FUNCTION_GB_SECONDS,
            ),
            ("calls of both functions", "lambda.request", FUNCTION_CALLS),
            ("logs", "cloudwatch.log_gb", children * LOG_BYTES_PER_CHILD / 1e9),
            ("the collection's record", "dynamodb.write_unit", RECORDS_UNITS),
        ]
    return _lines(quantities, prices)


def keeping_costs(workload: Workload, prices: PriceTable) -> list[CostLine]:
    """Return the bill lines for storing the faces for a month, without Pinecone's minimum.

    The embedded store has no such lines.
    """
    if workload.store is Store.EMBEDDED:
        return []
    folder = workload.faces * EMBEDDING_BYTES + workload.photos * LEDGER_BYTES
    if workload.store is Store.PINECONE:
        faces = [
            ("faces", "pinecone.gb_month", namespace_gb(workload)),
            ("the Pinecone API key", "secrets_manager.secret_month", 1.0),
        ]
    else:
        faces = [("faces", "s3vectors.gb_month", workload.faces * S3_VECTOR_BYTES / 1e9)]
    return _lines(
        [
            *faces,
            ("ledger and embeddings", "s3.gb_month", folder / 1e9),
            ("container images", "ecr.gb_month", IMAGE_GB),
        ],
        prices,
    )


def searching_costs(workload: Workload, prices: PriceTable) -> list[CostLine]:
    """Return the bill lines for a month's searches, without Pinecone's minimum.

    The embedded store has no such lines.
    """
    if not workload.searches or workload.store is Store.EMBEDDED:
        return []
    searches = workload.searches
    if workload.store is Store.PINECONE:
        units = max(MIN_READ_UNITS, namespace_gb(workload))
        queries = [("queries", "pinecone.read_unit", searches * units)]
    else:
        first = min(workload.faces, FULL_PRICE_VECTORS)
        terabytes = searches * S3_VECTOR_BYTES / 1e12
        queries = [
            ("queries", "s3vectors.query", float(searches)),
            ("data of queries", "s3vectors.first_query_tb", first * terabytes),
            ("data of queries", "s3vectors.query_tb", (workload.faces - first) * terabytes),
        ]
    return _lines(
        [
            *queries,
            ("the API", "api_gateway.rest_request", searches),
            ("the API's function", "lambda.gb_second", searches * SEARCH_SECONDS * SEARCH_GB),
            ("calls of the function", "lambda.request", searches),
            ("photos read", "s3.get", searches),
            ("the collection's record", "dynamodb.read_unit", searches),
        ],
        prices,
    )


def minimum_of_pinecone(lines: list[CostLine], prices: PriceTable) -> list[CostLine]:
    """Return the line that tops up a month's use of Pinecone to the plan's minimum, if any."""
    used = [line for line in lines if line.price.startswith("pinecone.")]
    missing = prices["pinecone.minimum_month"].dollars - sum(line.dollars for line in used)
    if not used or missing <= 0:
        return []
    return [CostLine("top-up to Pinecone's minimum", "pinecone.minimum_month", 1, missing)]


def _stored(workload: Workload) -> list[tuple[str, str, float]]:
    """Return the bill lines for storing the faces of a job."""
    if workload.store is Store.PINECONE:
        lookups = 0 if workload.new_collection else workload.steps
        units = max(MIN_READ_UNITS_PER_LOOKUP, namespace_gb(workload))
        return [
            ("faces stored", "pinecone.write_unit", write_units(workload)),
            ("photos looked up", "pinecone.read_unit", lookups * units),
            ("faces sent", "ec2.same_region_gb", workload.faces * WIRE_BYTES_PER_FACE / 1e9),
        ]
    return [("faces stored", "s3vectors.put_gb", put_gb(workload))]


def put_gb(workload: Workload) -> float:
    """Return the GB that Amazon S3 Vectors charges for storing all faces."""
    per_step = workload.faces * S3_VECTOR_BYTES / max(1, workload.steps)
    charged = S3_VECTOR_INDEXES * max(MIN_PUT_BYTES, per_step) * workload.steps
    return charged / 1e9 if workload.faces else 0.0


def write_units(workload: Workload) -> float:
    """Return the write units of Pinecone for storing all faces."""
    per_step = workload.faces * RECORD_BYTES / WRITE_UNIT_BYTES / max(1, workload.steps)
    return max(MIN_WRITE_UNITS, per_step) * workload.steps if workload.faces else 0.0


def namespace_gb(workload: Workload) -> float:
    """Return the size of the collection in Pinecone, in GB."""
    return workload.faces * RECORD_BYTES / 1e9


def _lines(quantities: list[tuple[str, str, float]], prices: PriceTable) -> list[CostLine]:
    return [
        CostLine(name, price, quantity, quantity * prices[price].dollars)
        for name, price, quantity in quantities
        if quantity
    ]
