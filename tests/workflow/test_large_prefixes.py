"""A prefix that the plan function cannot list ends in one line that names the way out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from facerec.jobs.aws.planning_limits import RESERVE
from facerec.jobs.planning import source
from facerec.storage.objects import s3, s3_listing
from tests.support.workflow.stack import BUCKET, Ended, Stack

PREFIX = f"s3://{BUCKET}/photos/"
FOR_PREFIXES = "; name the manifest.json of an S3 Inventory, or start a job for each of several "


def assert_refused(stack: Stack, ended: Ended, lacking: str, hint: str = FOR_PREFIXES) -> None:
    assert (ended.status, ended.error) == ("FAILED", "InvalidInputError"), ended.cause
    assert f"no {lacking} is left{hint}" in ended.cause
    assert "\n" not in ended.cause
    assert stack.machines.submissions == []


def fill_the_disk(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no space for a kind of temporary file."""

    def opened(*_: object, **__: object) -> object:
        return Path("/dev/full").open("w+b", buffering=0)

    monkeypatch.setattr(tempfile, kind, opened)


@pytest.mark.parametrize("kind", ["TemporaryFile", "NamedTemporaryFile"])
def test_a_prefix_that_fills_the_temporary_space_is_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    stack.put_photos(12)
    monkeypatch.setattr(s3, "PAGE", 2)
    monkeypatch.setattr(s3_listing, "SERIAL_PAGES", 1)
    fill_the_disk(kind, monkeypatch)

    assert_refused(stack, stack.index(PREFIX), "temporary space")


def test_a_prefix_that_cannot_be_listed_in_time_is_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "COUNTED_AT_ONCE", 10)
    stack.put_photos(12)
    stack.context.seconds_left = RESERVE - 1

    ended = stack.index(PREFIX)

    assert_refused(stack, ended, "time")
    assert ended.cause.startswith(f"{PREFIX} names too many photos for one plan: after 10 of them,")


def test_a_manifest_that_cannot_be_read_in_time_is_to_be_divided(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.index(stack.put_manifest(12))
    monkeypatch.setattr(source, "COUNTED_AT_ONCE", 10)
    stack.machines.submissions.clear()
    stack.context.seconds_left = RESERVE - 1

    ended = stack.index(stack.put_manifest(13, key="more.jsonl"))

    assert_refused(stack, ended, "time", "; divide it into several manifests")


def test_a_prefix_that_is_listed_in_time_is_indexed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "COUNTED_AT_ONCE", 10)
    stack.put_photos(12)
    stack.context.seconds_left = RESERVE + 1

    assert stack.index(PREFIX).status == "SUCCEEDED"


def test_other_errors_of_files_are_no_refusals(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_photos(12)

    def broken(*_: object, **__: object) -> object:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", broken)
    ended = stack.index(PREFIX)

    assert (ended.status, ended.error) == ("FAILED", "OSError")
