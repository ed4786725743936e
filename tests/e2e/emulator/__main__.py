"""``python -m tests.e2e.emulator``: runs the emulator until it is ended.

GATEWAY_PORT says on which port; ``settings`` lists what else the environment says.
"""

from __future__ import annotations

import os

from tests.e2e.emulator import batch, functions, gateway, registry, resources, workflows
from tests.e2e.emulator.containers import Containers
from tests.e2e.emulator.jobs import Jobs
from tests.e2e.emulator.settings import read_settings


def main() -> None:
    """Add what ministack lacks, and run it."""
    settings = read_settings(os.environ)
    containers = Containers(settings.images, settings.running)
    jobs = Jobs(containers, settings.vcpus)
    batch.install(jobs)
    workflows.install(jobs)
    resources.install()
    functions.install(settings.images)
    gateway.install()
    registry.install(settings.images)
    from ministack.app import main as run

    run()


if __name__ == "__main__":
    main()
