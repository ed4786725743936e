"""The metrics of the functions on AWS."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.metrics import Metrics


@cache
def metrics() -> Metrics:
    """Return the metrics, in the namespace of the stack's alarms."""
    from aws_lambda_powertools.metrics import Metrics

    return Metrics(namespace="Facerec")
