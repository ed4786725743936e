"""Both job services have the methods of the protocol, and no others."""

from __future__ import annotations

import inspect

import pytest

from facerec.jobs.aws.jobs import AwsJobs
from facerec.jobs.local.jobs import LocalJobs
from facerec.jobs.service import JobService


def methods(kind: type) -> dict[str, list[str]]:
    """Return the parameters of the public methods of a class."""
    return {
        name: list(inspect.signature(member).parameters)
        for name, member in vars(kind).items()
        if not name.startswith("_") and callable(member)
    }


@pytest.mark.parametrize("kind", [LocalJobs, AwsJobs])
def test_a_job_service_has_the_methods_of_the_protocol_and_no_others(kind: type) -> None:
    protocol = methods(JobService)
    assert set(methods(kind)) == set(protocol)
    for name, parameters in methods(kind).items():
        assert parameters[: len(protocol[name])] == protocol[name]
