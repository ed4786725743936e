"""A report into what the state machine ends with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from facerec.jobs.ledger.layout import report_uri
from facerec.jobs.ledger.report import JobStatus, Report, read_report, write_report
from facerec.jobs.plan import read_plan
from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class Judge:
    """Writes or reads the report of a job and says whether the execution failed.

    Attributes:
        objects: where the job's folder is.
    """

    objects: ObjectStore

    def answer(
        self, job_folder: str, tolerated_failure_percentage: float, *, written: bool
    ) -> dict[str, Any]:
        """Judge a job.

        Args:
            job_folder: its uri with the final ``/``.
            tolerated_failure_percentage: 0 to 100, of this execution; the plan may be of one
                before.
            written: whether the report stands already, since a job of AWS Batch made it.

        Returns:
            ``failed``, ``report`` (where it is) and its counts; of a failure also ``error`` and
            ``cause``, one line.
        """
        if written:
            report = read_report(self.objects, job_folder)
        else:
            plan = read_plan(self.objects, job_folder)
            plan = replace(plan, tolerated_failure_percentage=tolerated_failure_percentage)
            report = write_report(plan, self.objects)
        answer: dict[str, Any] = {
            "failed": report.status is not JobStatus.SUCCEEDED,
            "status": report.status,
            "job_id": report.job_id,
            "report": report_uri(job_folder),
            "images": report.tally.images,
            "failed_images": report.failed_images,
            "faces_indexed": report.tally.faces_indexed,
            "outcomes": dict(report.tally.outcomes),
        }
        if report.status is JobStatus.INCOMPLETE:
            answer |= {"error": "JobIncomplete", "cause": _incomplete(report, answer["report"])}
        if report.status is JobStatus.FAILED:
            answer |= {"error": "TooManyFailures", "cause": _too_many(report, answer["report"])}
        return answer


def _incomplete(report: Report, uri: str) -> str:
    lost = report.children - report.complete_children
    named = ", ".join(map(str, report.incomplete[:10]))
    more = ", ..." if lost > 10 else ""
    return (
        f"{lost} of {report.children} children are not complete ({named}{more}); start the job "
        f"again with the same input and it goes on where they stopped; report: {uri}"
    )


def _too_many(report: Report, uri: str) -> str:
    return (
        f"{report.failed_images} of {report.tally.images} photos failed "
        f"({report.failure_percentage:g} %), more than the "
        f"{report.tolerated_failure_percentage:g} % tolerated; report: {uri}"
    )
