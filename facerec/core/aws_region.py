"""The one place that decides which AWS region is used."""

from __future__ import annotations

import os


def aws_region(given: str | None = None) -> str | None:
    """Return the region for a client of boto3, or None if only a profile can have one.

    boto3 reads AWS_DEFAULT_REGION and the profile, but not AWS_REGION, which the other SDKs and the
    functions of AWS Lambda use and which precedes them:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html

    Args:
        given: a region that was configured explicitly.
    """
    return given or os.environ.get("AWS_REGION") or None
