"""The region is decided once, for every client of boto3."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from facerec.core.aws_region import aws_region
from facerec.jobs.aws.batch_queue import BatchQueue

ROOT = Path(__file__).parents[2]


def test_the_region_comes_from_the_setting_then_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert aws_region("ap-south-1") == "ap-south-1"
    assert aws_region() == "eu-west-1"
    monkeypatch.delenv("AWS_REGION")
    assert aws_region() is None  # boto3 reads AWS_DEFAULT_REGION and the profile itself


def test_a_client_uses_the_region_that_boto3_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    assert BatchQueue("queue")._client.meta.region_name == "eu-west-1"


def test_every_client_is_given_its_region() -> None:
    for folder in ("facerec", "lambdas", "batch_job"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "client.py":  # an example in a docstring
                continue
            for call in re.findall(
                r"boto3\.client\([^#]*?\)\n", path.read_text("utf-8"), re.DOTALL
            ):
                assert "region_name=aws_region(" in call, (path, call)
