"""What bounds a job from outside, each with the page that states it, and what had to be assumed."""

from __future__ import annotations

from facerec.estimate.workload import Store, Workload
from facerec.jobs.child.attempt import PHOTOS_OF_STEP

LISTINGS_PER_SECOND = 200.0
"""Of ids by prefix, for each index of Pinecone; can be raised on request. Each photo costs one in a
collection that exists, so that no face of an earlier run stays behind (``docs/pinecone.md``).
https://docs.pinecone.io/reference/api/database-limits/rate-limits"""

UPSERTS_PER_SECOND = 100.0
"""Requests for each namespace, a collection (the same page). Each step of a child makes one."""

UPSERT_BYTES_PER_SECOND = 50e6
"""For each namespace (the same page)."""

GETS_PER_SECOND = 5_500.0
"""For each prefix of a bucket; more where the photos lie under several.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""

SUBMISSIONS_PER_SECOND = 50.0
"""Of jobs and arrays to AWS Batch, for each account.
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""

ARRAYS_AT_ONCE = 2
"""``MaxConcurrency`` of the map in ``statemachine/index.asl.json``."""

ATTEMPTS = 8
"""Of a child, in the job definition of ``template.yaml``."""

MACHINE_SECONDS = 150.0
"""Assumed: from the wish for a machine to the start of its first container, image included."""

MACHINE_SPREAD = 60.0
"""Assumed: machines come within this many seconds of each other."""

CONTAINER_SECONDS = 6.0
"""Assumed: from the start of a container to its first photo; loading the networks takes one second
of it (``docs/benchmarks.md``)."""

IDLE_SECONDS = 120.0
"""Assumed: how long a machine that has nothing left to do is still paid for."""

VCPUS_OF_MACHINE = 4
"""Assumed, for what is paid by the machine: its address and its disk."""

DISK_GB = 30
"""Of a machine: the default of the image that AWS Batch uses.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-ami-storage-config.html"""

WIRE_BYTES_OF_FACE = 2_134
"""Of a request to Pinecone, as ``facerec.storage.pinecone.batches`` makes it (measured)."""


def photos_per_second(
    workload: Workload, listings_per_second: float = LISTINGS_PER_SECOND
) -> dict[str, float]:
    """Return how many photos a second each outer limit lets through, whatever the machines."""
    limits = {"S3 reads of one prefix": GETS_PER_SECOND}
    if workload.store is Store.PINECONE:
        if not workload.new_collection:
            limits["Pinecone's listings"] = listings_per_second
        limits["Pinecone's upserts"] = UPSERTS_PER_SECOND * PHOTOS_OF_STEP
        if workload.faces_per_photo:
            of_photo = WIRE_BYTES_OF_FACE * workload.faces_per_photo
            limits["bytes to Pinecone"] = UPSERT_BYTES_PER_SECOND / of_photo
    return limits
