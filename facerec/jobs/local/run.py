"""Types of a run of a job's children: ways to stop it, and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from facerec.jobs.run_summary import RunSummary

if TYPE_CHECKING:
    from facerec.jobs.verifying.segment_check import Verification


class Stop(IntEnum):
    """Ways to stop a run."""

    NO = 0
    COMMIT = 1
    """Workers commit their finished work and exit."""
    KILL = 2
    """Workers are killed; each loses at most one step."""


@dataclass(slots=True)
class RunResult:
    """Result of a run of a job's children.

    Attributes:
        new_photos: Number of rows that this run added to the ledger.
        stopped: Whether the run was asked to stop.
        lost: Cause of failure for each child that was given up; the next run retries them.
        verification: Comparison of the collection with the ledgers of earlier runs; None if it was
            not compared.
        collection_restored: Whether the collection was restored because the database had lost it.
        followed_by: The job that was started to read photos whose faces are lost; None without one.
    """

    new_photos: int = 0
    stopped: bool = False
    lost: dict[int, str] = field(default_factory=dict)
    verification: Verification | None = None
    collection_restored: bool = False
    followed_by: str | None = None

    def summary(self) -> RunSummary:
        """Return the summary of the run."""
        found = self.verification
        if found is None:
            return RunSummary(self.new_photos, stopped=self.stopped)
        return RunSummary(
            self.new_photos,
            faces_restored=found.missing,
            faces_removed=found.extra,
            faces_kept=found.kept,
            faces_deleted=found.deleted,
            faces_returned=found.returned,
            people_returned=found.people_returned,
            faces_outdated=found.outdated,
            faces_moved=found.moved,
            faces_lost=found.lost,
            photos_lost=found.lost_photos,
            followed_by=self.followed_by,
            stopped=self.stopped,
            collection_restored=self.collection_restored,
        )
