"""Modules that only some operations need: imported at first use, so that a gallery opens fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core import clusters as core_clusters
    from facerec.core import erasures
    from facerec.gallery import results
    from facerec.gallery.clusters import copies as cluster_copies
    from facerec.gallery.clusters import results as cluster_results
    from facerec.gallery.indexing import records as indexing
    from facerec.gallery.migrating import results as migration_results
    from facerec.gallery.transfer import exported_collection
else:
    from facerec.core.deferred import DeferredModule

    cluster_copies = DeferredModule("facerec.gallery.clusters.copies")
    cluster_results = DeferredModule("facerec.gallery.clusters.results")
    core_clusters = DeferredModule("facerec.core.clusters")
    erasures = DeferredModule("facerec.core.erasures")
    exported_collection = DeferredModule("facerec.gallery.transfer.exported_collection")
    indexing = DeferredModule("facerec.gallery.indexing.records")
    migration_results = DeferredModule("facerec.gallery.migrating.results")
    results = DeferredModule("facerec.gallery.results")

__all__ = [
    "cluster_copies",
    "cluster_results",
    "core_clusters",
    "erasures",
    "exported_collection",
    "indexing",
    "migration_results",
    "results",
]
