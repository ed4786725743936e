"""Collections as plain dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.times import iso_time

if TYPE_CHECKING:
    from facerec.core.records import Collection
    from facerec.gallery.collection_results import CollectionSummary
    from facerec.gallery.presenting.faces import Json


def collection_json(collection: Collection) -> Json:
    """Present a collection (``collection.json``)."""
    return {
        "collection_id": collection.collection_id,
        "model_version": collection.model_version,
        "created_at": iso_time(collection.created_at),
        "threshold": collection.threshold,
    }


def summary_json(summary: CollectionSummary) -> Json:
    """Present a collection with its counts (``collection.json``)."""
    return {
        **collection_json(summary.collection),
        "face_count": summary.face_count,
        "user_count": summary.user_count,
        "retention_days": summary.retention_days,
        "deletion_id": summary.deletion_id,
    }
