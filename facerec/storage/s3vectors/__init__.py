"""Vectors in Amazon S3 Vectors, which requires no third party, API key or server."""

from __future__ import annotations

from facerec.core.aws_region import aws_region
from facerec.storage.retrying import PATIENCE, Retries
from facerec.storage.s3vectors.indexes import VectorIndexes
from facerec.storage.s3vectors.vector_store import S3Vectors

__all__ = ["S3Vectors", "open_s3_vectors"]


def open_s3_vectors(
    bucket: str,
    *,
    region: str | None = None,
    patience: float = PATIENCE,
    throttled: float | None = None,
) -> S3Vectors:
    """Open the vectors of a vector bucket, which must exist; writes create its indexes.

    Args:
        bucket: Name or ARN of the vector bucket.
        region: Region of the bucket; None for the one that boto3 finds.
        patience: Approximate seconds for which a request is retried.
        throttled: Approximate seconds for which a throttled request is retried; None for
            ``patience``.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        # Requests of the client do not share a pause, so the client itself retries only briefly.
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=5,
        read_timeout=max(5.0, min(patience, 30.0)),
        max_pool_connections=32,
    )
    client = boto3.client("s3vectors", region_name=aws_region(region), config=config)
    return S3Vectors(VectorIndexes(client, bucket.rpartition("/")[2], Retries(patience, throttled)))
