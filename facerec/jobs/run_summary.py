"""The summary of one run of a job, stored so that reports can show it later."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from facerec.jobs.documents import to_record

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Counts of one run of a job, unlike the report, which counts all runs.

    Attributes:
        new_photos: Number of rows that the run added to the ledger.
        faces_restored: Number of faces of earlier runs that the collection had lost.
        faces_removed: Number of faces of the job's photos that jobs with other options had stored
            instead.
        faces_kept: Number of faces of the job's photos that jobs with other options had stored, and
            that stay because they belong to people.
        faces_deleted: Number of faces of earlier runs that were deleted on purpose; a photo without
            any face left counts as one.
        faces_returned: Number of faces deleted on purpose that an older copy of the database
            contained again, and that the run removed.
        people_returned: Number of people deleted on purpose that an older copy contained again, and
            that the run removed.
        faces_outdated: Number of faces that an older copy of the database contained again, although
            their photos were replaced, are gone or have another external image id, and that the run
            removed.
        faces_moved: Number of faces that an older copy of the database had at earlier addresses of
            their photos, and whose addresses the run corrected.
        faces_lost: Number of faces that neither the collection nor a job folder contains at the end
            of the run, so that only reading their photos again can restore them.
        photos_lost: Number of the photos of these faces.
        followed_by: The job that reads the photos of lost faces again, if the source has any of
            them; otherwise None.
        stopped: Whether the run was interrupted.
        collection_restored: Whether the database had lost the collection, so that the run created
            it again from the job folders.
    """

    new_photos: int
    faces_restored: int = 0
    faces_removed: int = 0
    faces_kept: int = 0
    faces_deleted: int = 0
    faces_returned: int = 0
    people_returned: int = 0
    faces_outdated: int = 0
    faces_moved: int = 0
    faces_lost: int = 0
    photos_lost: int = 0
    followed_by: str | None = None
    stopped: bool = False
    collection_restored: bool = False

    def followed(self, last: RunSummary) -> RunSummary:
        """Return the summary of this run together with the run that followed it."""
        return RunSummary(
            self.new_photos + last.new_photos,
            self.faces_restored + last.faces_restored,
            self.faces_removed + last.faces_removed,
            # Each run counts all kept and deleted faces again.
            max(self.faces_kept, last.faces_kept),
            max(self.faces_deleted, last.faces_deleted),
            self.faces_returned + last.faces_returned,
            self.people_returned + last.people_returned,
            self.faces_outdated + last.faces_outdated,
            self.faces_moved + last.faces_moved,
            last.faces_lost,
            last.photos_lost,
            last.followed_by,
            last.stopped,
            self.collection_restored or last.collection_restored,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the run in the form of ``schemas/run.json``."""
        return asdict(self)


def run_from_json(document: Mapping[str, Any] | None) -> RunSummary | None:
    """Return the run of a document that ``RunSummary.to_json`` returned; None for None."""
    if document is None:
        return None
    known = (field.name for field in fields(RunSummary))
    # Earlier releases did not count all of these.
    return to_record(RunSummary, {name: document[name] for name in known if name in document})
