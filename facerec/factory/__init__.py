"""The only place that builds engines, stores, galleries and job services.

``local`` builds for one machine; ``deployed``, ``deployed_jobs`` and ``deployed_stores`` build for
AWS. Both use the engines of ``engines``. Modules are imported only when they are needed, so that a
program loads only what it uses:

- The command line and Python programs: ``open_gallery``, over the SQLite file of a data folder,
  ``open_inspector``, which needs no folder, and ``open_local_jobs``, whose worker processes build
  engines and stores of their own, below the folder ``jobs_root_of``. Some commands need only a part
  of a gallery: ``open_local_store`` or ``open_local_erasures``.
- ``facerec serve``: ``open_server_gallery``, which limits what callers may read, with the engines
  of ``open_engine_pool``, one per core, for each of ``ordered_recipes``.
- The container of a child on AWS: ``recipe_of``, ``open_checked_engine`` and
  ``open_child_dependencies``.
- The container that clusters faces: ``open_clustering_gallery``.
- The API function: ``open_deployed_gallery``, ``open_aws_jobs`` and ``open_clusterings``.
- The function that erases: ``open_eraser`` (a gallery that loads networks only to migrate),
  ``open_clusterings`` and ``open_faces``.
- The same function, while Pinecone imports faces: ``open_imports``.
- The function that sends events: ``open_event_delivery``.
- Checks of erasures, comparisons and restorations of collections, at the command line and in the
  function that erases: ``open_local_checked_stores``, ``open_deployed_checked_stores``,
  ``verify_local_collection``, ``verify_stack_collection``, ``count_earlier_jobs``,
  ``rebuild_local_collection`` and ``rebuild_deployed_collection``, all in ``maintenance``.
- The gallery of a stack, at the command line: ``open_stack_gallery``.
- The function that plans: ``open_records``, ``gallery_defaults``, ``open_erasures`` and
  ``versions_by_recipe``.
"""

from facerec.factory.deployed import (
    gallery_defaults,
    open_clustering_gallery,
    open_deployed_gallery,
    open_eraser,
    open_event_delivery,
)
from facerec.factory.deployed_jobs import (
    open_aws_jobs,
    open_child_dependencies,
    open_clusterings,
)
from facerec.factory.deployed_stores import (
    open_faces,
    open_imports,
    open_records,
)
from facerec.factory.engines import (
    open_checked_engine,
    open_engine_pool,
    ordered_recipes,
    recipe_of,
    versions_by_recipe,
)
from facerec.factory.erasures import open_erasures
from facerec.factory.local import (
    jobs_root_of,
    open_gallery,
    open_inspector,
    open_local_erasures,
    open_local_jobs,
    open_local_store,
    open_server_gallery,
)
from facerec.factory.maintenance import (
    count_earlier_jobs,
    open_deployed_checked_stores,
    open_local_checked_stores,
    rebuild_deployed_collection,
    rebuild_local_collection,
    verify_local_collection,
    verify_stack_collection,
)
from facerec.factory.stacks import open_stack_gallery

__all__ = [
    "count_earlier_jobs",
    "gallery_defaults",
    "jobs_root_of",
    "open_aws_jobs",
    "open_checked_engine",
    "open_child_dependencies",
    "open_clustering_gallery",
    "open_clusterings",
    "open_deployed_checked_stores",
    "open_deployed_gallery",
    "open_engine_pool",
    "open_eraser",
    "open_erasures",
    "open_event_delivery",
    "open_faces",
    "open_gallery",
    "open_imports",
    "open_inspector",
    "open_local_checked_stores",
    "open_local_erasures",
    "open_local_jobs",
    "open_local_store",
    "open_records",
    "open_server_gallery",
    "open_stack_gallery",
    "ordered_recipes",
    "rebuild_deployed_collection",
    "rebuild_local_collection",
    "recipe_of",
    "verify_local_collection",
    "verify_stack_collection",
    "versions_by_recipe",
]
