"""Entry point of the function that plans."""

from __future__ import annotations

import os
from typing import Any

from facerec.config import read_settings
from facerec.factory import open_records
from facerec.storage.objects import Objects
from lambdas.logs import logger
from lambdas.plan.planner import Planner


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Plan a job.

    Args:
        event: ``input``, the input of the execution as it was given, and ``execution``, its name.

    Returns:
        What ``Planner.answer`` returns: the job, or why there is none.

    Raises:
        StoreUnavailableError: another try may go through.
    """
    settings = read_settings(os.environ)
    planner = Planner(settings, Objects(), lambda: open_records(settings))
    answer = planner.answer(event["input"], event["execution"])
    logger().info(
        "refused" if answer["refused"] else "planned",
        execution=event["execution"],
        **{name: answer[name] for name in ("error", "job_id", "children") if name in answer},
    )
    return answer
