"""Metrics of a container, as lines of its log that CloudWatch reads (embedded metric format).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
"""

from __future__ import annotations

from aws_lambda_powertools.metrics import Metrics, MetricUnit

from facerec.jobs.child.attempt import Progress

NAMESPACE = "Facerec"
"""Where the metrics are found; the dimension ``service`` is POWERTOOLS_SERVICE_NAME."""


class Meters:
    """Counts photos as they come to stand in the ledger, and attempts that are not the first."""

    def __init__(self) -> None:
        self._metrics = Metrics(namespace=NAMESPACE)

    def started(self, attempt: int) -> None:
        """Count a restart unless this is the first attempt."""
        if attempt > 1:
            self._count(Restarts=1)

    def progressed(self, progress: Progress) -> None:
        """Count the photos of a part of the ledger, unless an earlier attempt has."""
        if not progress.before:
            self._count(
                Images=progress.images,
                FailedImages=progress.failures,
                FacesIndexed=progress.faces,
            )

    def _count(self, **counts: int) -> None:
        for name, count in counts.items():
            self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
        self._metrics.flush_metrics()
