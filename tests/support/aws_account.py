"""An emulated AWS account, and a stack in it, to examine before jobs start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from facerec.jobs.aws.stack import Stack

UNKNOWN = ("batch", "autoscaling", "service-quotas")
"""Services that the account may not use, so that nothing is known of them."""


@contextmanager
def emulated_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Emulate an account within the block."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


def client_of(service: str, region: str) -> Any:  # noqa: ANN401 - boto3 has no static types
    """Return a client of the account."""
    if service in UNKNOWN:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, service)
    return boto3.client(service, region_name=region)


def stack_in(region: str, vector_store: str, **parameters: str) -> Stack:
    """Return a stack as its outputs and parameters describe it."""
    return Stack(
        name="facerec",
        region=region,
        bucket="facerec-work",
        workflow="arn:workflow",
        queue="arn:queue",
        dashboard="https://console.aws.amazon.com/",
        max_vcpus=256,
        child_vcpus=1,
        vector_store=vector_store,
        parameters=parameters,
    )
