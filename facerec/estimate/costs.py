"""What facerec costs: the lines of a bill, each a quantity times a price of the table."""

from __future__ import annotations

from dataclasses import dataclass

from facerec.estimate.limits import DISK_GB, VCPUS_OF_MACHINE, WIRE_BYTES_OF_FACE
from facerec.estimate.prices import PriceTable
from facerec.estimate.simulation import Simulation
from facerec.estimate.workload import Store, Workload

HOURS_OF_MONTH = 730.0

RECORD_BYTES = 952
"""Of a face in Pinecone: its id, 128 float32 and the metadata of ``docs/pinecone.md`` (measured).
https://docs.pinecone.io/guides/cost/understand-cost says what counts."""

EMBEDDING_BYTES = 1_280
"""Of a face in the job's folder (``benchmarks/overhead.py``)."""

LEDGER_BYTES = 410
"""Of a photo with one face in the job's folder (the same)."""

WRITE_UNIT_BYTES = 1_000
LEAST_WRITE_UNITS = 5
"""Of an upsert. https://docs.pinecone.io/guides/cost/understand-cost#write-units"""

READ_UNITS_OF_LISTING = 1
LEAST_READ_UNITS = 0.25
"""Of a query, which costs a read unit for each GB of its namespace (the same page)."""

REQUESTS_OF_CHILD = 4
"""Of the kind that S3 charges as PUT: three listings and the summary."""

READS_OF_CHILD = 5
"""Of S3: plan, summary, the manifest's slice, and the summary once more for the report."""

LOG_BYTES_OF_CHILD = 3_000
TRANSITIONS = 8
"""Of the state machine, arrays apart."""

TRANSITIONS_OF_ARRAY = 3
FUNCTION_CALLS = 2
"""The plan and the report."""

FUNCTION_GB_SECONDS = FUNCTION_CALLS * 5.0 * 1769 / 1024
"""Five seconds each (assumed), with the memory that ``template.yaml`` gives them."""

SEARCH_SECONDS = 1.0
SEARCH_GB = 3008 / 1024
"""Of the function behind the API, as ``template.yaml`` sets it."""

IMAGE_GB = 0.5
"""Of the two container images, compressed (assumed)."""

RECORDS_UNITS = 20
"""Requests to the table of collections for a job (assumed)."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """A line of a bill.

    Attributes:
        name: what it is for.
        price: the name of the price in the table.
        quantity: in the unit of the price.
        dollars: what it comes to.
    """

    name: str
    price: str
    quantity: float
    dollars: float


def indexing_costs(
    workload: Workload, simulation: Simulation, prices: PriceTable
) -> list[CostLine]:
    """Return what the job costs, once."""
    hours = simulation.vcpu_seconds / 3600
    machine_hours = hours / VCPUS_OF_MACHINE
    children, photos = simulation.children, workload.photos
    quantities = [
        ("vCPUs on spot machines", "ec2.spot_vcpu_hour", hours),
        ("the machines' public addresses", "ec2.public_ipv4_hour", machine_hours),
        ("the machines' disks", "ebs.gp3_gb_month", machine_hours * DISK_GB / HOURS_OF_MONTH),
        ("photos read", "s3.get", photos + READS_OF_CHILD * children),
    ]
    if workload.store is Store.PINECONE:
        arrays = simulation.arrays
        listings = 0 if workload.new_collection else photos
        quantities += [
            ("jobs in AWS Batch", "batch.job", children),
            ("ledger and embeddings", "s3.put", 2 * workload.steps + REQUESTS_OF_CHILD * children),
            ("faces stored", "pinecone.write_unit", write_units(workload)),
            ("ids listed", "pinecone.read_unit", listings * READ_UNITS_OF_LISTING),
            ("faces sent", "ec2.same_region_gb", workload.faces * WIRE_BYTES_OF_FACE / 1e9),
            (
                "workflow",
                "step_functions.transition",
                TRANSITIONS + TRANSITIONS_OF_ARRAY * arrays,
            ),
            (
                "plan and report",
                "lambda.gb_second",
                FUNCTION_GB_SECONDS,
            ),
            ("calls of them", "lambda.request", FUNCTION_CALLS),
            ("logs", "cloudwatch.log_gb", children * LOG_BYTES_OF_CHILD / 1e9),
            ("records of the collection", "dynamodb.write_unit", RECORDS_UNITS),
        ]
    return _lines(quantities, prices)


def keeping_costs(workload: Workload, prices: PriceTable) -> list[CostLine]:
    """Return what it costs to keep the faces for a month, Pinecone's minimum left aside."""
    if workload.store is Store.EMBEDDED:
        return []
    folder = workload.faces * EMBEDDING_BYTES + workload.photos * LEDGER_BYTES
    return _lines(
        [
            ("faces", "pinecone.gb_month", namespace_gb(workload)),
            ("ledger and embeddings", "s3.gb_month", folder / 1e9),
            ("the key of Pinecone", "secrets_manager.secret_month", 1),
            ("container images", "ecr.gb_month", IMAGE_GB),
        ],
        prices,
    )


def searching_costs(workload: Workload, prices: PriceTable) -> list[CostLine]:
    """Return what a month's searches cost, Pinecone's minimum left aside."""
    if not workload.searches or workload.store is Store.EMBEDDED:
        return []
    searches = workload.searches
    units = max(LEAST_READ_UNITS, namespace_gb(workload))
    return _lines(
        [
            ("queries", "pinecone.read_unit", searches * units),
            ("the API", "api_gateway.rest_request", searches),
            ("its function", "lambda.gb_second", searches * SEARCH_SECONDS * SEARCH_GB),
            ("calls of it", "lambda.request", searches),
            ("photos read", "s3.get", searches),
            ("the collection's record", "dynamodb.read_unit", searches),
        ],
        prices,
    )


def minimum_of_pinecone(lines: list[CostLine], prices: PriceTable) -> list[CostLine]:
    """Return the line that fills a month's use of Pinecone up to the plan's minimum, if it must."""
    used = [line for line in lines if line.price.startswith("pinecone.")]
    missing = prices["pinecone.minimum_month"].dollars - sum(line.dollars for line in used)
    if not used or missing <= 0:
        return []
    return [CostLine("rest of the plan's minimum", "pinecone.minimum_month", 1, missing)]


def write_units(workload: Workload) -> float:
    """Return the write units of Pinecone that storing all faces takes."""
    of_step = workload.faces * RECORD_BYTES / WRITE_UNIT_BYTES / max(1, workload.steps)
    return max(LEAST_WRITE_UNITS, of_step) * workload.steps if workload.faces else 0.0


def namespace_gb(workload: Workload) -> float:
    """Return how large the collection is in Pinecone."""
    return workload.faces * RECORD_BYTES / 1e9


def _lines(quantities: list[tuple[str, str, float]], prices: PriceTable) -> list[CostLine]:
    return [
        CostLine(name, price, quantity, quantity * prices[price].dollars)
        for name, price, quantity in quantities
        if quantity
    ]
