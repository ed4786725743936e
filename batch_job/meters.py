"""Metrics of a container, as log lines in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
"""

from __future__ import annotations

from aws_lambda_powertools.metrics import Metrics, MetricUnit

from facerec.jobs.child.segment_writer import SegmentCommitted

NAMESPACE = "Facerec"
"""Namespace of the metrics; their dimension ``service`` is POWERTOOLS_SERVICE_NAME."""


class Meters:
    """Counts committed photos, failed photos and faces, and restarts of children."""

    def __init__(self) -> None:
        self._metrics = Metrics(namespace=NAMESPACE)

    def started(self, attempt: int) -> None:
        """Count a restart, unless this is the first attempt at the child."""
        if attempt > 1:
            self._count(Restarts=1)

    def committed(self, segment: SegmentCommitted) -> None:
        """Count the photos of a segment, unless an earlier attempt has counted them."""
        if not segment.resumed:
            self._count(
                Images=segment.photos,
                FailedImages=segment.failures,
                FacesIndexed=segment.faces,
            )

    def _count(self, **counts: int) -> None:
        for name, count in counts.items():
            self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
        self._metrics.flush_metrics()
