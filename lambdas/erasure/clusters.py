"""Starts and describes clusterings for the command line."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from facerec.config import read_settings
from facerec.errors import InvalidInputError
from facerec.factory import open_clusterings

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.jobs.aws.clustering_jobs import ClusteringJobs


def start_clustering(gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Start clustering the new faces of a collection.

    Args:
        gallery: The gallery.
        event: ``start_clustering``, a collection, and ``pair_threshold``.

    Returns:
        The job (``schemas/clustering-job.json``).

    Raises:
        FacerecError: See ``Gallery.check_clustering`` and ``ClusteringJobs.start``.
        InvalidInputError: The function has no queue for clusterings: its stack is of an earlier
            release.
    """
    collection_id, pair_threshold = str(event["start_clustering"]), event["pair_threshold"]
    gallery.check_clustering(collection_id, pair_threshold=pair_threshold)
    return _jobs().start(collection_id, pair_threshold).to_json()


def describe_clustering(_gallery: Gallery, event: dict[str, Any]) -> dict[str, Any]:
    """Return the newest clustering of the collection that ``describe_clustering`` names.

    Raises:
        FacerecError: See ``ClusteringJobs.newest``.
        InvalidInputError: The function has no queue for clusterings: its stack is of an earlier
            release.
    """
    return _jobs().newest(str(event["describe_clustering"])).to_json()


@cache
def _jobs() -> ClusteringJobs:
    jobs = open_clusterings(read_settings(os.environ))
    if jobs is None:
        raise InvalidInputError(
            "this function cannot start a clustering", "update the stack to this release"
        )
    return jobs
