"""What a container does, from its environment to its exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from batch_job.environment import ChildPlace, read_place
from batch_job.log import describe, logger
from batch_job.meters import Meters
from facerec.config import Settings, read_settings
from facerec.core.protocols import FaceEngine
from facerec.engine.dlib.sessions import available_cores
from facerec.errors import InvalidInputError
from facerec.factory import open_faces
from facerec.jobs.child.attempt import ChildParts, run_child
from facerec.jobs.child.crash_notes import CRASH_SIGNALS, note_crash
from facerec.jobs.exit_codes import RETRY, exit_code_of
from facerec.jobs.ledger.report import write_report
from facerec.jobs.plan import read_plan
from facerec.storage.objects import Objects, ObjectStore

DONE = 0

BuildEngine = Callable[[int], FaceEngine]
"""Builds an engine that uses a number of threads."""


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    stop: Callable[[], bool] = lambda: False,
    build_engine: BuildEngine | None = None,
) -> int:
    """Run a child of a job, or make the job's report.

    Args:
        arguments: ``child`` or nothing, or ``report``.
        environment: settings (``facerec.config``) and place in the job (``ChildPlace``).
        stop: asked between a few photos; once it says so, what is done is committed.
        build_engine: makes the engine, by default dlib's networks.

    Returns:
        What the process is to end with: 0, RETRY or DO_NOT_RETRY of ``facerec.jobs.exit_codes``.
    """
    log = logger()
    try:
        task = _task(arguments)
        place = read_place(environment)
        log.append_keys(child=place.child, attempt=place.attempt)
        return task(place, read_settings(environment), stop, build_engine or _open_engine)
    except Exception as error:
        code = exit_code_of(error)
        log.error("ended by a fault", exit_code=code, **describe(error))
        return code


def note_signal(number: int, environment: Mapping[str, str]) -> int:
    """Note that the process of a child was ended by a signal, if a photo may have done it.

    The next attempt finds out which photo it was and rejects it; see
    ``facerec.jobs.child.crash_notes``.

    Args:
        number: of the signal.
        environment: of the process.

    Returns:
        0 if the work can go on; else what the container is to end with.
    """
    log = logger()
    try:
        place = read_place(environment)
        log.error("ended by a signal", signal=number, child=place.child, attempt=place.attempt)
        if number not in CRASH_SIGNALS:
            return RETRY
        objects: ObjectStore = Objects()
        note_crash(objects, read_plan(objects, place.job_folder), place.child)
        return DONE
    except Exception as error:
        code = exit_code_of(error)
        log.error("ended by a fault", exit_code=code, **describe(error))
        return code


def _task(
    arguments: Sequence[str],
) -> Callable[[ChildPlace, Settings, Callable[[], bool], BuildEngine], int]:
    match list(arguments):
        case [] | ["child"]:
            return _run_child
        case ["report"]:
            return _run_report
    raise InvalidInputError(f"the arguments are {' '.join(arguments)!r}, not child or report")


def _run_child(
    place: ChildPlace, settings: Settings, stop: Callable[[], bool], build_engine: BuildEngine
) -> int:
    objects: ObjectStore = Objects()
    plan = read_plan(objects, place.job_folder)
    log = logger()
    log.append_keys(job_id=plan.job_id)
    engine = build_engine(settings.threads or available_cores())
    meters = Meters()
    meters.started(place.attempt)
    faces = open_faces(settings)
    if place.new_collection:
        faces.expect_empty(plan.collection_id)
    parts = ChildParts(engine, faces, objects)
    summary = run_child(plan, place.child, parts, stop=stop, progress=meters.progressed)
    log.info(
        "complete" if summary.complete else "asked to stop",
        images=summary.tally.images,
        faces_indexed=summary.tally.faces_indexed,
    )
    return DONE if summary.complete else RETRY


def _run_report(
    place: ChildPlace, _settings: Settings, _stop: Callable[[], bool], _engine: BuildEngine
) -> int:
    objects: ObjectStore = Objects()
    plan = read_plan(objects, place.job_folder)
    if place.tolerated_failure_percentage is not None:
        plan = replace(plan, tolerated_failure_percentage=place.tolerated_failure_percentage)
    report = write_report(plan, objects)
    logger().info("reported", job_id=plan.job_id, status=report.status, images=report.tally.images)
    return DONE


def _open_engine(threads: int) -> FaceEngine:
    from facerec.engine.engine import open_engine

    return open_engine(threads=threads)
