"""Settings of all tests."""

from __future__ import annotations

import hypothesis

# A machine that is busy with other tests is slow: no test depends on how long an example takes.
hypothesis.settings.register_profile("facerec", deadline=None)
hypothesis.settings.load_profile("facerec")
