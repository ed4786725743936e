"""Claims that decide which process may start a clustering, so that one job runs at a time.

AWS Batch lists a new job only some time after it was submitted. Until then, the claim contains its
id.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.errors import CollectionNotFoundError
from facerec.storage.dynamodb.cluster_items import cluster_key
from facerec.storage.dynamodb.items import numbers

if TYPE_CHECKING:
    from facerec.storage.dynamodb.table import Table

CLAIM_SECONDS = 60.0
"""Seconds after which AWS Batch surely lists a submitted job, and a caller without a submitted job
counts as dead."""

_CLAIM = "job"
"""Sort key of the item."""


@dataclass(frozen=True, slots=True)
class ClusteringClaims:
    """Claims to start clusterings, in a DynamoDB table."""

    table: Table

    def claim(self, collection_id: str, ended: str | None, pair_threshold: float | None) -> bool:
        """Claim the start of a clustering; return False if somebody else has claimed it.

        Args:
            collection_id: The collection.
            ended: Id of the newest job, which has ended, so that its claim no longer counts; None
                if there is none.
            pair_threshold: Threshold of the clustering; None for the default.

        Raises:
            CollectionNotFoundError: The collection does not exist.
            ConflictError: There are too many concurrent changes.
        """
        now = time.time()
        change = {
            "TableName": self.table.name,
            "Key": cluster_key(collection_id, _CLAIM),
            "UpdateExpression": "SET claimed_until = :until, pair_threshold = :threshold "
            "REMOVE job_id",
            "ConditionExpression": "attribute_not_exists(pk) OR claimed_until < :now "
            "OR job_id = :ended",
            "ExpressionAttributeValues": {
                ":ended": {"S": ended or "none"},
                ":threshold": _threshold(pair_threshold),
                **numbers({":now": now, ":until": now + CLAIM_SECONDS}),
            },
        }
        unmet = self.table.transact([self.table.has_collection(collection_id), {"Update": change}])
        if unmet is not None and unmet[0]:
            raise CollectionNotFoundError(collection_id)
        return unmet is None

    def note(self, collection_id: str, job_id: str | None, pair_threshold: float | None) -> None:
        """Record the submitted job and its threshold in the claim; without a job, remove the claim.

        No job is noted if the collection has been deleted.

        Raises:
            ConflictError: There are too many concurrent changes.
        """
        key = cluster_key(collection_id, _CLAIM)
        if job_id is None:
            self.table.delete([key])
            return
        item = {
            **key,
            "job_id": {"S": job_id},
            "pair_threshold": _threshold(pair_threshold),
            **numbers({"claimed_until": time.time() + CLAIM_SECONDS}),
        }
        put = {"Put": {"TableName": self.table.name, "Item": item}}
        self.table.transact([self.table.has_collection(collection_id), put])

    def job_of(self, collection_id: str) -> str | None:
        """Return the id of the job that was submitted less than ``CLAIM_SECONDS`` ago, or None."""
        item = self.table.get(cluster_key(collection_id, _CLAIM))
        if item is None or "job_id" not in item or float(item["claimed_until"]["N"]) < time.time():
            return None
        return str(item["job_id"]["S"])

    def has_other_threshold(self, collection_id: str, pair_threshold: float | None) -> bool:
        """Return whether the newest clustering is known to have another threshold.

        The threshold of a clustering that an earlier release started is not known.
        """
        item = self.table.get(cluster_key(collection_id, _CLAIM)) or {}
        own = _threshold(pair_threshold)
        return bool(item.get("pair_threshold", own) != own)


def _threshold(pair_threshold: float | None) -> dict[str, str]:
    return {"S": "default" if pair_threshold is None else repr(float(pair_threshold))}
