"""Decides which AWS region is used, for all clients."""

from __future__ import annotations

import os


def aws_region(given: str | None = None) -> str | None:
    """Return the region for a boto3 client, or None to use the region of the AWS profile.

    boto3 reads AWS_DEFAULT_REGION and the profile, but not AWS_REGION, which the other SDKs and the
    functions of AWS Lambda use, and which takes precedence over both:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html

    Args:
        given: An explicitly configured region, or None.
    """
    return given or os.environ.get("AWS_REGION") or None
