"""Clusters as plain dictionaries, the same for the command line and for REST.

``facerec/schemas`` defines their format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.gallery.clusters.cluster_results import ClusterPage, ClusterSummary
    from facerec.gallery.clusters.clustering import ClusteringResult
    from facerec.gallery.presenting.faces import Json


def clustering_json(result: ClusteringResult) -> Json:
    """Present the outcome of a clustering (``clustering.json``)."""
    return {
        "collection_id": result.collection_id,
        "pair_threshold": result.pair_threshold,
        "considered": result.considered,
        "joined": result.joined,
        "created": result.created,
        "merged": result.merged,
    }


def cluster_json(cluster: ClusterSummary) -> Json:
    """Present a cluster (``cluster.json``)."""
    return {
        "cluster_id": cluster.cluster_id,
        "size": len(cluster.face_ids),
        "user_id": cluster.user_id,
        "person_name": cluster.person_name,
        "ignored": cluster.ignored,
        "best_face_id": cluster.best.face_id,
        "face_ids": list(cluster.face_ids),
        "sources": list(cluster.sources),
    }


def cluster_page_json(page: ClusterPage) -> Json:
    """Present a page of clusters (``cluster-list.json``)."""
    return {
        "collection_id": page.collection_id,
        "clusters": [cluster_json(each) for each in page.clusters],
        "next_token": page.next_token,
    }
