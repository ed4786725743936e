"""The record that a job was ended because its first photos failed alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from facerec.errors import (
    FirstPhotosFailedError,
    OtherRegionError,
    ReadFailedError,
    ReadTimedOutError,
    RequesterPaysError,
)
from facerec.jobs.documents import read_if_exists, to_record
from facerec.jobs.ledger.layout import first_failures_uri
from facerec.jobs.outcomes import Outcome

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

REMEDIES: Mapping[Outcome, str] = {
    Outcome.ACCESS_DENIED: (
        "allow the photos to be read: name their buckets in the parameter PhotoBucketArns of the"
        " stack; a bucket of another account also needs a bucket policy"
    ),
    Outcome.KEY_DENIED: (
        "allow kms:Decrypt for the key of the photos: name the key in the parameter PhotoKeyArns"
        " of the stack; the key's policy must allow it too"
    ),
    Outcome.REQUESTER_PAYS: RequesterPaysError.ADVICE,
    Outcome.OTHER_REGION: OtherRegionError.ADVICE,
    Outcome.ARCHIVED: "restore the photos from their archive first",
    Outcome.READ_TIMED_OUT: ReadTimedOutError.ADVICE,
    Outcome.READ_FAILED: ReadFailedError.ADVICE,
    Outcome.NOT_FOUND: (
        "compare the addresses in the manifest with the real addresses of the photos: a prefix, a"
        " folder or the bucket may be wrong"
    ),
    Outcome.MALFORMED_LINE: "check the format of the manifest and the rules for external image ids",
}
"""Advice for a job whose photos all fail with the same outcome. Photos that cannot be decoded do
not end a job, since the cause differs from photo to photo."""


@dataclass(frozen=True, slots=True)
class FirstFailures:
    """The common failure of a job's first photos.

    Attributes:
        outcome: The outcome that nearly all of them share.
        failed: The number of photos with this outcome.
        photos: The number of photos that were processed.
    """

    outcome: Outcome
    failed: int
    photos: int

    def error(self) -> FirstPhotosFailedError:
        """Return the error that ends the job."""
        return FirstPhotosFailedError(
            self.outcome, self.failed, self.photos, REMEDIES[self.outcome]
        )

    def to_json(self) -> dict[str, Any]:
        """Return the note in the form of ``schemas/report.json``."""
        return asdict(self)


def first_failures_from_json(document: Mapping[str, Any]) -> FirstFailures:
    """Return the note of a document that ``FirstFailures.to_json`` returned."""
    return to_record(FirstFailures, {**document, "outcome": Outcome(document["outcome"])})


def write_first_failures(objects: ObjectStore, job_folder: str, failures: FirstFailures) -> None:
    """Record that a job is ended because its first photos failed; replaces an earlier record."""
    objects.write(first_failures_uri(job_folder), json.dumps(failures.to_json()).encode())


def read_first_failures(objects: ObjectStore, job_folder: str) -> FirstFailures | None:
    """Return the failure that ended a job, or None.

    Raises:
        JobFolderError: The record is damaged.
    """
    return read_if_exists(objects, first_failures_uri(job_folder), first_failures_from_json)
