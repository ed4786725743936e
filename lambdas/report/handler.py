"""Entry point of the function that reports."""

from __future__ import annotations

from typing import Any

from facerec.storage.objects import Objects
from lambdas.logs import logger
from lambdas.report.judge import Judge


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Write the report of a job and judge it.

    Args:
        event: ``job_folder``, ``tolerated_failure_percentage`` and ``large`` (the report stands).

    Returns:
        What ``Judge.answer`` returns.

    Raises:
        StoreUnavailableError: another try may go through.
    """
    answer = Judge(Objects()).answer(
        event["job_folder"], event["tolerated_failure_percentage"], written=event["large"]
    )
    logger().info("reported", **{name: answer[name] for name in ("job_id", "status", "images")})
    return answer
