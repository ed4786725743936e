"""Blanks the lines of erased photos in the manifest that facerec wrote for a job.

Whether a photo was erased is known only when a child has read it: another photo may be at its
address now, or the photo may have moved. So the manifest names the photo until the job is complete.
The plan keeps the version of the manifest that the children have read, since no child reads it
after that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.jobs.ledger.reading import rows_of_child
from facerec.jobs.manifest.blanking import blank_numbers
from facerec.jobs.outcomes import Outcome
from facerec.jobs.plan import Plan, is_written_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facerec.storage.objects.protocol import ObjectStore


def blank_erased_lines(
    plan: Plan, objects: ObjectStore, children: Iterable[int], before: Sequence[int]
) -> None:
    """Blank the lines whose rows are ERASED, if facerec wrote the manifest.

    Args:
        plan: The plan of a complete job.
        objects: Contains the job folder.
        children: The children that have such rows.
        before: The number of lines before each child.

    Raises:
        ObjectNotFoundError: The job was deleted.
        InvalidInputError: A segment is damaged.
        StoreUnavailableError: Other processes keep changing the manifest.
    """
    if not is_written_manifest(plan.source.uri, plan.job_folder):
        return
    numbers = {
        before[child] + row.line_in_slice
        for child in children
        for row in rows_of_child(plan, objects, child)
        if row.outcome is Outcome.ERASED
    }
    if numbers:
        blank_numbers(objects, plan.source, numbers)
