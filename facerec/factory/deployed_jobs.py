"""Builds the dependencies of jobs of a deployment on AWS: executions, children and clusterings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.factory.deployed_stores import open_records, open_stores, open_table
from facerec.storage.objects import Objects

if TYPE_CHECKING:
    from facerec import config
    from facerec.config import Settings
    from facerec.core.protocols.engine import FaceEngine
    from facerec.jobs.aws.clustering_jobs import ClusteringJobs
    from facerec.jobs.aws.jobs import AwsJobs
    from facerec.jobs.child.attempt import ChildDependencies
    from facerec.storage import retrying
    from facerec.storage.objects import ObjectStore
else:
    config = DeferredModule("facerec.config")
    retrying = DeferredModule("facerec.storage.retrying")


def open_child_dependencies(
    settings: Settings, engine: FaceEngine, *, stores_faces: bool = True
) -> ChildDependencies:
    """Open the stores of a child; its role limits what they can read.

    Args:
        settings: Settings of the deployment.
        engine: Detects the faces.
        stores_faces: Whether the child stores faces; otherwise an import does so later.

    Raises:
        FacerecError: See ``open_faces`` and ``open_records``.
    """
    from facerec.jobs.child.attempt import ChildDependencies

    objects = Objects(reads_other_regions=False)
    if stores_faces:
        faces, records, _ = open_stores(settings, throttled=retrying.THROTTLED_PATIENCE)
    else:
        from facerec.storage.faces import FaceStore
        from facerec.storage.no_vectors import NoVectors

        faces, records = FaceStore(NoVectors()), open_records(settings)
    registrations = None if settings.event_bus is None else records
    return ChildDependencies(engine, faces, records, objects, registrations)


def open_clusterings(settings: Settings) -> ClusteringJobs | None:
    """Return the clusterings of a deployment; None if the settings name no job definition.

    Raises:
        ConfigurationError: A job definition is named, but no job queue, no table or no region.
    """
    if settings.clustering_definition is None:
        return None
    from facerec.jobs.aws.clustering_jobs import open_clustering_jobs

    queue = config.required_setting(settings.job_queue, "JOB_QUEUE_ARN")
    claims = open_table(settings).open_clustering_claims()
    return open_clustering_jobs(queue, settings.clustering_definition, settings.region, claims)


def open_aws_jobs(
    *,
    state_machine: str,
    objects: ObjectStore,
    jobs_root: str,
    queue: str | None = None,
    region: str | None = None,
) -> AwsJobs:
    """Return the jobs of a deployed stack, with the environment's credentials.

    Args:
        state_machine: ARN of the state machine.
        objects: Contains the job folders.
        jobs_root: Parent of all job folders, with the final ``/``.
        queue: ARN of the AWS Batch queue; without it, progress does not include the states of
            children.
        region: Region of the state machine; by default the environment's.

    Raises:
        ConfigurationError: No region is set.
    """
    import boto3

    from facerec.core.aws_errors import aws_errors
    from facerec.core.aws_region import aws_region
    from facerec.jobs.aws.batch_queue import BatchQueue
    from facerec.jobs.aws.executions import Executions
    from facerec.jobs.aws.jobs import AwsJobs

    with aws_errors("Step Functions"):
        client = boto3.client("stepfunctions", region_name=aws_region(region))
    return AwsJobs(
        Executions(state_machine, client),
        objects,
        jobs_root,
        None if queue is None else BatchQueue(queue),
    )
