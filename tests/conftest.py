"""Settings of all tests."""

from __future__ import annotations

import gc
from collections.abc import Generator

import hypothesis
import pytest

from tests.support.fast_clients import create_clients_fast
from tests.support.fast_moto import answer_fast
from tests.support.patient_clients import wait_for_answers
from tests.support.temporary_folders import use_memory

# A machine that is busy with other tests is slow: no test depends on how long an example takes.
hypothesis.settings.register_profile("facerec", deadline=None)
hypothesis.settings.load_profile("facerec")

create_clients_fast()
answer_fast()
wait_for_answers()
use_memory()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among the tests, neither while they are collected nor later.

    Their objects stay until the end, and half of the time of the collection went into them.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
