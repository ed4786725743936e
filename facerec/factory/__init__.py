"""The one place that builds engines, stores, galleries and job services.

The command line, the server, the functions and the container of a job all build what they need
here: ``local`` for one machine, ``deployed`` for AWS, over the engines of ``engines``. Each thing
is imported when it is built, so that a program pays only for what it uses.
"""

from facerec.factory.deployed import (
    gallery_defaults,
    open_aws_jobs,
    open_deployed_gallery,
    open_eraser,
    open_faces,
    open_job_folders,
    open_records,
    pinecone_api_key,
)
from facerec.factory.engines import open_checked_engine, open_engine_pool
from facerec.factory.local import (
    jobs_root_of,
    open_gallery,
    open_inspector,
    open_local_erasures,
    open_local_jobs,
    open_local_store,
    open_server_gallery,
)

__all__ = [
    "gallery_defaults",
    "jobs_root_of",
    "open_aws_jobs",
    "open_checked_engine",
    "open_deployed_gallery",
    "open_engine_pool",
    "open_eraser",
    "open_faces",
    "open_gallery",
    "open_inspector",
    "open_job_folders",
    "open_local_erasures",
    "open_local_jobs",
    "open_local_store",
    "open_records",
    "open_server_gallery",
    "pinecone_api_key",
]
