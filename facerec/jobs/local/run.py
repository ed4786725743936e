"""A run of a job's children: how it is stopped, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from facerec.jobs.run_summary import RunSummary

if TYPE_CHECKING:
    from facerec.jobs.segment_check import Verification


class Stop(IntEnum):
    """How to stop a run."""

    NO = 0
    COMMIT = 1
    """Workers commit their finished work, then end."""
    KILL = 2
    """Workers are killed; each loses at most a step."""


@dataclass(slots=True)
class RunResult:
    """How a run of a job's children ended.

    Attributes:
        new_photos: rows that this run has added to the ledger.
        stopped: whether it was asked to stop.
        lost: the cause for each child that was given up; the next run tries them again.
        verification: comparison of the collection with the ledgers of earlier runs; None if they
            were not compared.
        collection_restored: whether the database had lost the collection.
    """

    new_photos: int = 0
    stopped: bool = False
    lost: dict[int, str] = field(default_factory=dict)
    verification: Verification | None = None
    collection_restored: bool = False

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
            stopped=self.stopped,
            collection_restored=self.collection_restored,
        )
