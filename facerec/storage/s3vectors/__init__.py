"""Vectors in Amazon S3 Vectors, which requires no third party, no API key and no server."""

from __future__ import annotations

from facerec.core.aws_region import aws_region
from facerec.storage.patience import PATIENCE
from facerec.storage.s3vectors.indexes import VectorIndexes
from facerec.storage.s3vectors.vector_store import S3Vectors

__all__ = ["S3Vectors", "open_s3_vectors"]


def open_s3_vectors(
    bucket: str, *, region: str | None = None, patience: float = PATIENCE
) -> S3Vectors:
    """Open the vectors of a vector bucket, which must exist; its indexes are created as needed.

    Args:
        bucket: name or ARN of the vector bucket.
        region: region of the bucket; None for the one that boto3 finds.
        patience: approximate seconds for which a throttled request is retried.
    """
    import boto3
    from botocore.config import Config

    # The waits between attempts double from about a second on and end at 20 seconds:
    # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    attempts = 3 if patience < 10 else 8
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=5,
        read_timeout=max(5.0, min(patience, 30.0)),
        max_pool_connections=32,
    )
    client = boto3.client("s3vectors", region_name=aws_region(region), config=config)
    return S3Vectors(VectorIndexes(client, bucket.rpartition("/")[2]))
