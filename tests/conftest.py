"""Settings of all tests."""

from __future__ import annotations

import hypothesis

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
