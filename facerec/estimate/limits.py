"""Limits of the services that a job uses, with their sources, and assumptions about machines."""

from __future__ import annotations

from facerec.estimate.workload import Store, Workload
from facerec.jobs.child import attempt

LOOKUPS_PER_SECOND = 100.0
"""Pinecone's rate limit for fetches, per index; it can be raised on request. A job into an existing
collection fetches once per step, to replace faces of earlier jobs (``docs/pinecone.md``).
https://docs.pinecone.io/reference/api/database-limits/rate-limits"""

UPSERTS_PER_SECOND = 100.0
"""Pinecone's limit of upserts per second and namespace (same page); each collection has its own
namespace. Each step of a child sends one upsert."""

UPSERT_BYTES_PER_SECOND = 50e6
"""Pinecone's limit of upserted bytes per second and namespace (same page)."""

VECTORS_PER_SECOND = 2_500.0
"""Amazon S3 Vectors' limit of vectors written to an index per second.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html"""

PUTS_PER_SECOND = 1_000.0
"""Amazon S3 Vectors' limit of write requests to an index per second (same page). Each step sends
one to each index."""

GETS_PER_SECOND = 5_500.0
"""S3's limit of reads per second and prefix of a bucket.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""

SUBMISSIONS_PER_SECOND = 50.0
"""AWS Batch's limit of jobs and arrays submitted per second and account.
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""

CONCURRENT_ARRAYS = 2
"""``MaxConcurrency`` of the map in ``statemachine/index.asl.json``."""

ATTEMPTS = 8
"""Maximum number of attempts at a child, as in the job definition of ``template.yaml``."""

MACHINE_SECONDS = 150.0
"""Assumed time from requesting a machine to the start of its first container, including the pull
of the image."""

MACHINE_SPREAD = 60.0
"""Assumed number of seconds between the first and the last start of a machine."""

CONTAINER_SECONDS = 6.0
"""Assumed time from the start of a container to its first photo, including one second for loading
the networks (``docs/benchmarks.md``)."""

IDLE_SECONDS = 120.0
"""Assumed time for which an idle machine is still charged."""

VCPUS_PER_MACHINE = 4
"""Assumed size of a machine; its address and disk are charged per machine."""

DISK_GB = 30
"""Disk of a machine: the default of the machine image that AWS Batch uses.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-ami-storage-config.html"""

WIRE_BYTES_PER_FACE = 2_134
"""Number of bytes per face in an upsert of ``facerec.storage.pinecone.batches`` (measured)."""


def photos_per_second(
    workload: Workload, lookups_per_second: float = LOOKUPS_PER_SECOND
) -> dict[str, float]:
    """Return the photos per second that each service allows, by the name of the limit."""
    limits = {"S3 reads of one prefix": GETS_PER_SECOND}
    if workload.store is Store.PINECONE:
        if not workload.new_collection:
            limits["Pinecone's look-ups"] = lookups_per_second * attempt.DEPLOYED_STEP.photos
        limits["Pinecone's upserts"] = UPSERTS_PER_SECOND * attempt.DEPLOYED_STEP.photos
        if workload.faces_per_photo:
            per_photo = WIRE_BYTES_PER_FACE * workload.faces_per_photo
            limits["bytes to Pinecone"] = UPSERT_BYTES_PER_SECOND / per_photo
    if workload.store is Store.S3_VECTORS:
        limits["S3 Vectors' writes"] = PUTS_PER_SECOND * attempt.DEPLOYED_STEP.photos
        if workload.faces_per_photo:
            limits["vectors to S3 Vectors"] = VECTORS_PER_SECOND / workload.faces_per_photo
    return limits
