"""The log on AWS: one JSON object per line, without photos, vectors or names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@cache
def logger() -> Logger:
    """Return the log, named after POWERTOOLS_SERVICE_NAME."""
    from aws_lambda_powertools import Logger

    return Logger()
