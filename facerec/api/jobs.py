"""Starting jobs and looking after them, whatever runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job stands.

    Attributes:
        job_id: the job.
        collection_id: where its faces go; None where that is not known.
        status: WAITING, RUNNING, SUCCEEDED, FAILED or INCOMPLETE.
        created_at: seconds since 1970.
        images: photos that are done, as far as is known.
        estimated_images: about how many photos there are, as far as is known.
        report: what became of the photos, once the job has ended (``report.json``).
        error: why it ended before its time, if it did.
    """

    job_id: str
    collection_id: str | None
    status: str
    created_at: float
    images: int | None = None
    estimated_images: int | None = None
    report: dict[str, Any] | None = None
    error: str | None = None


class JobStarter(Protocol):
    """Runs jobs."""

    def start(self, document: dict[str, Any]) -> JobState:
        """Start a job; the same one started before is found again.

        Args:
            document: the execution input (``execution-input.json``).

        Raises:
            InvalidInputError: with the field that is wrong.
            FacerecError: the job cannot be started.
        """
        ...

    def state(self, job_id: str) -> JobState:
        """Return how a job stands.

        Raises:
            JobNotFoundError: there is none of this id.
        """
        ...

    def states(self, limit: int) -> list[JobState]:
        """Return how the newest jobs stand, the newest first."""
        ...

    def close(self) -> None:
        """Let what runs commit what it has, and end."""
        ...
