"""Both job services have the methods of the protocol, and no others for the same purpose."""

from __future__ import annotations

import inspect

import pytest

from facerec.jobs.aws.jobs import AwsJobs
from facerec.jobs.local.jobs import LocalJobs
from facerec.jobs.service import JobService

OWN = {LocalJobs: {"erased", "wait", "result", "close"}, AwsJobs: set[str]()}
"""Further methods of a service: local jobs run in processes of the one that submitted them."""


def methods(kind: type) -> dict[str, list[str]]:
    """Return the parameters of the public methods of a class."""
    return {
        name: list(inspect.signature(member).parameters)
        for name, member in vars(kind).items()
        if not name.startswith("_") and callable(member)
    }


@pytest.mark.parametrize("kind", [LocalJobs, AwsJobs])
def test_a_job_service_has_the_methods_of_the_protocol(kind: type) -> None:
    protocol, own = methods(JobService), methods(kind)
    assert own.keys() == protocol.keys() | OWN[kind]
    for name in protocol:
        assert own[name][: len(protocol[name])] == protocol[name]
    public = {name for name in vars(kind) if not name.startswith("_")}
    assert public == own.keys()
