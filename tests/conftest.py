"""Settings of all tests."""

from __future__ import annotations

import functools

import botocore.session
import hypothesis

# A machine that is busy with other tests is slow: no test depends on how long an example takes.
hypothesis.settings.register_profile("facerec", deadline=None)
hypothesis.settings.load_profile("facerec")

# moto makes boto3 forget its session, and with it the models of the services, which take longer to
# read than most tests take.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
