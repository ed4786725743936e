"""Modules that only some operations need, imported at first use so that a gallery opens fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core import clusters as core_clusters
    from facerec.core import erasures
    from facerec.gallery import collection_results
    from facerec.gallery.clusters import cluster_results
    from facerec.gallery.clusters import copies as cluster_copies
    from facerec.gallery.indexing import records as indexing
    from facerec.gallery.migrating import migration_results
    from facerec.gallery.transfer import exported_collection
else:
    from facerec.core.deferred import DeferredModule

    cluster_copies = DeferredModule("facerec.gallery.clusters.copies")
    cluster_results = DeferredModule("facerec.gallery.clusters.cluster_results")
    core_clusters = DeferredModule("facerec.core.clusters")
    erasures = DeferredModule("facerec.core.erasures")
    exported_collection = DeferredModule("facerec.gallery.transfer.exported_collection")
    indexing = DeferredModule("facerec.gallery.indexing.records")
    migration_results = DeferredModule("facerec.gallery.migrating.migration_results")
    collection_results = DeferredModule("facerec.gallery.collection_results")

__all__ = [
    "cluster_copies",
    "cluster_results",
    "collection_results",
    "core_clusters",
    "erasures",
    "exported_collection",
    "indexing",
    "migration_results",
]
