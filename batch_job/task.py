"""The work of a container, from its environment to its exit code."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from batch_job.environment import ChildAssignment, read_assignment, read_clustering
from batch_job.log import describe
from batch_job.meters import Meters
from facerec.config import Settings, read_settings
from facerec.core.cores import available_cores
from facerec.core.protocols.engine import FaceEngine
from facerec.errors import (
    FacerecError,
    InvalidInputError,
    StoreThrottledError,
    StoreUnavailableError,
)
from facerec.factory import (
    open_checked_engine,
    open_child_dependencies,
    open_clustering_gallery,
    recipe_of,
)
from facerec.jobs.aws.log import logger
from facerec.jobs.bulk_import.progress import is_import_pending, is_stored_by_import
from facerec.jobs.child.crash_notes import CRASH_SIGNALS, note_crash
from facerec.jobs.child.outages import MIN_CHILDREN, is_store_down, note_outage
from facerec.jobs.child.runner import ChildRunner
from facerec.jobs.child.segment_writer import SegmentCommitted
from facerec.jobs.erasing.existence import while_it_exists
from facerec.jobs.exit_codes import OUTAGE, RETRY, exit_code_of
from facerec.jobs.ledger.incomplete import read_numbers
from facerec.jobs.ledger.report import write_report
from facerec.jobs.plan import read_plan
from facerec.jobs.planned_collection import store_of_planned
from facerec.jobs.start_order import read_start
from facerec.storage.objects import Objects, ObjectStore

DONE = 0

BuildEngine = Callable[[int], FaceEngine]
"""Builds an engine that uses a number of threads."""

BuildVersion = Callable[[int, str], FaceEngine]
"""Builds an engine of a model version that uses a number of threads."""

Task = Callable[[ChildAssignment, Settings, Callable[[], bool], BuildVersion], int]


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    stop: Callable[[], bool] = lambda: False,
    ready: Callable[[], None] = lambda: None,
    build_engine: BuildEngine | None = None,
) -> int:
    """Run a child of a job, write the job's report, or cluster the faces of a collection.

    Args:
        arguments: ``child`` or nothing, ``report``, or ``suggest``.
        environment: Settings (``facerec.config``) and assignment (``ChildAssignment``, or
            ``ClusteringAssignment``).
        stop: Called every few photos; once it returns true, the finished work is committed and the
            child ends.
        ready: Called before the first photo, after the engine has been tested.
        build_engine: Builds the engine; by default, the engine with dlib's networks.

    Returns:
        The exit code of the process: 0, or one of ``facerec.jobs.exit_codes``.
    """
    log = logger()
    try:
        if list(arguments) == ["suggest"]:
            return _cluster_faces(environment)
        task = _task(arguments)
        assignment = _resolve(read_assignment(environment))
        log.append_keys(child=assignment.child, attempt=assignment.attempt)

        def build(threads: int, model_version: str) -> FaceEngine:
            if build_engine is None:
                engine = open_checked_engine(threads, recipe_of(model_version))
            else:
                engine = build_engine(threads)
            ready()
            return engine

        return task(assignment, read_settings(environment), stop, build)
    except Exception as error:
        code = exit_code_of(error)
        log.error("failed", exit_code=code, **describe(error))
        return code


def note_signal(number: int, environment: Mapping[str, str]) -> int:
    """Record that a signal ended the process of a child, if a photo may have caused it.

    The next attempt finds out which photo it was and rejects it; see
    ``facerec.jobs.child.crash_notes``.

    Args:
        number: Number of the signal.
        environment: Environment of the process.

    Returns:
        0 if the child can be resumed; otherwise the exit code of the container.
    """
    log = logger()
    try:
        assignment = _resolve(read_assignment(environment))
        child = assignment.child
        log.error("ended by a signal", signal=number, child=child, attempt=assignment.attempt)
        # To kill a container is to kill its first process. If only the decoding process is killed,
        # the kernel did it: when memory is short, it kills the largest process.
        if number not in {*CRASH_SIGNALS, signal.SIGKILL}:
            return RETRY
        objects: ObjectStore = Objects()
        note_crash(objects, read_plan(objects, assignment.job_folder), child)
        return DONE
    except Exception as error:
        code = exit_code_of(error)
        log.error("failed", exit_code=code, **describe(error))
        return code


def _task(arguments: Sequence[str]) -> Task:
    match list(arguments):
        case [] | ["child"]:
            return _run_child
        case ["report"]:
            return _run_report
    raise InvalidInputError(
        f"the argument must be child, report or suggest, got {' '.join(arguments)!r}"
    )


def _run_child(
    assignment: ChildAssignment,
    settings: Settings,
    stop: Callable[[], bool],
    build_engine: BuildVersion,
) -> int:
    objects: ObjectStore = Objects()
    plan = read_plan(objects, assignment.job_folder)
    if plan.bulk_import:
        # Once the faces are imported, the children store and compare faces like those of any job.
        plan = replace(plan, bulk_import=is_stored_by_import(plan, objects))
    log = logger()
    log.append_keys(job_id=plan.job_id)
    enough = min(MIN_CHILDREN, assignment.siblings or plan.children)
    if is_store_down(objects, plan.job_folder, assignment.submission, enough):
        log.warning("not started: a store is down", exit_code=OUTAGE)
        return OUTAGE
    meters, committed = Meters(), False

    def count(segment: SegmentCommitted) -> None:
        nonlocal committed
        committed = committed or not segment.resumed
        meters.committed(segment)

    engine = build_engine(settings.threads or available_cores(), plan.model_version)
    meters.started(assignment.attempt)
    try:
        dependencies = open_child_dependencies(settings, engine, stores_faces=not plan.bulk_import)
        if plan.new_collection and read_start(objects, plan).number == 1:
            faces = store_of_planned(plan, dependencies.faces, dependencies.records)
            faces.expect_empty(plan.collection_id)
        runner = ChildRunner(plan, dependencies, assignment.tolerated_failure_percentage)
        summary = runner.run(assignment.child, stop=stop, on_commit=count)
    except StoreThrottledError:
        # The store works, so other children may start: this attempt is retried, and leaves no note.
        raise
    except StoreUnavailableError as error:
        if committed or not _is_outage(assignment, objects, enough):
            raise
        log.error("ended: a store is down", exit_code=OUTAGE, **describe(error))
        return OUTAGE
    log.info(
        "complete" if summary.complete else "asked to stop",
        photos=summary.tally.photos,
        faces_indexed=summary.tally.faces_indexed,
    )
    return DONE if summary.complete else RETRY


def _is_outage(assignment: ChildAssignment, objects: ObjectStore, enough: int) -> bool:
    """Record that a store is unavailable; return whether enough children have recorded it.

    A canary runs alone, so no other child can record an outage; its own record is enough.
    """
    folder, submission = assignment.job_folder, assignment.submission
    try:
        note_outage(objects, folder, submission, assignment.child)
        children = 1 if assignment.canary else enough
        return is_store_down(objects, folder, submission, children)
    except FacerecError:
        # The notes are in the store that is unavailable.
        return False


def _run_report(
    assignment: ChildAssignment,
    _settings: Settings,
    _stop: Callable[[], bool],
    _build_engine: BuildVersion,
) -> int:
    objects: ObjectStore = Objects()
    plan = read_plan(objects, assignment.job_folder)
    with while_it_exists(plan, objects):
        report = write_report(
            plan,
            objects,
            tolerated_failure_percentage=assignment.tolerated_failure_percentage,
            incomplete_uri=assignment.incomplete_uri,
            is_import_pending=is_import_pending(plan, objects),
        )
    logger().info("reported", job_id=plan.job_id, status=report.status, photos=report.tally.photos)
    return DONE


def _cluster_faces(environment: Mapping[str, str]) -> int:
    assignment, settings = read_clustering(environment), read_settings(environment)
    with open_clustering_gallery(settings) as gallery:
        result = gallery.cluster_faces(
            assignment.collection_id,
            pair_threshold=assignment.pair_threshold,
            threads=settings.threads or available_cores(),
        )
    logger().info(
        "clustered",
        considered=result.considered,
        joined=result.joined,
        new_clusters=result.created,
        merged=result.merged,
    )
    return DONE


def _resolve(assignment: ChildAssignment) -> ChildAssignment:
    """Return an assignment with the number of its child.

    If the assignment names a list of children, the number is the entry at its position.

    Raises:
        InvalidInputError: The list has no such entry.
    """
    if assignment.numbers is None:
        return assignment
    numbers = read_numbers(Objects(), assignment.numbers)
    if assignment.child >= len(numbers):
        raise InvalidInputError(f"{assignment.numbers} has no entry {assignment.child}")
    child = numbers[assignment.child]
    return replace(assignment, child=child, numbers=None, siblings=len(numbers))
