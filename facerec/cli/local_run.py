"""Runs a job on this machine, and waits for its end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import factory, job_service
from facerec.cli.exit_codes import ExitCode
from facerec.cli.job_progress import listing_display, progress_display
from facerec.cli.output import console, print_json, say
from facerec.cli.people_enrol import print_enrolment
from facerec.cli.reports import print_nothing_new, print_problems, print_report
from facerec.cli.services import ShownJobs
from facerec.cli.verification_shown import exit_if_lost, print_run
from facerec.cli.webhooks import deliver_now, delivering, matches_since, print_matches
from facerec.core.absolute_paths import absolute_path
from facerec.core.counts import count
from facerec.errors import JobDeletedError
from facerec.gallery.presenting.enrolment import enrolment_json
from facerec.jobs.status import JobStatus

if TYPE_CHECKING:
    from facerec.gallery.people.enrolling import Enrolment
    from facerec.jobs.ledger.report import Report
    from facerec.jobs.local.jobs import LocalJobs
    from facerec.jobs.local.run import RunResult
    from facerec.jobs.plan import Plan
    from facerec.jobs.progress import Progress
    from facerec.jobs.run_summary import RunSummary
    from facerec.jobs.service import Job
    from facerec.storage.webhook import Webhook


MAX_STOPPING_SECONDS = 75.0
"""Seconds that an interrupted run has to end: more than its workers have. A run that takes longer
is waiting for a file system, or comparing a large collection; it is ended as if it was killed."""

_NOT_STOPPED = "the run does not stop, perhaps because a disk does not answer; it is ended"


class _NotStoppedError(Exception):
    """A run has not ended in time after an interruption."""


_STOPPING = (
    "stopping: waiting for the photos in progress; Ctrl-C again ends them",
    "stopping: ending the photos in progress; Ctrl-C again does not wait for that",
)
"""Messages of the first and the second interruption of a run."""


def run_here(
    document: dict[str, Any],
    data: Path | None,
    *,
    workers: int | None = None,
    job_folder: Path | None = None,
    interval: float | None = None,
    enrol: Callable[[], Enrolment] | None = None,
    webhook: Webhook | None = None,
    as_json: bool,
) -> None:
    """Run a job on this machine, show its progress and print its report.

    Args:
        document: The execution input.
        data: Folder of faces and jobs; None for the user's data folder.
        workers: Number of worker processes; None for one per core.
        job_folder: The job's own folder; None for one in the data folder.
        interval: Seconds between refreshes; None for the default.
        enrol: Enrols people from the names of the photos; called when the job has ended, unless it
            was interrupted.
        webhook: Receives the events of registered people; None keeps them in the outbox.
        as_json: Print JSON.

    Raises:
        SystemExit: The job was interrupted or is incomplete, too many photos failed, or faces
            remain lost because their photos were not read again.
        FacerecError: The job cannot be planned (see ``LocalJobs.submit``), its run failed, or
            people cannot be enrolled.
    """
    from facerec.factory import open_local_jobs

    folder_of_data = data_folder(data, new=True)
    jobs = open_local_jobs(folder_of_data, workers=workers)
    folder = f"{absolute_path(job_folder)}/" if job_folder else None
    submitted = time.time()
    job = jobs.submit(document, job_folder=folder, on_listed=listing_display())
    plan = job.required_plan()
    _announce(plan, is_planned_before=plan.created_at < submitted)
    shown = ShownJobs(jobs)
    seconds = shown.interval if interval is None else interval
    started, first_run, first_report = time.time(), None, None
    with delivering(folder_of_data, webhook):
        job, result = _watch(jobs, job, shown, seconds)
        if result.followed_by is not None:
            first_run, first_report = result.summary(), jobs.report(job)
            if not as_json:
                _print_first(first_run, first_report)
            job = jobs.get(result.followed_by)
            plan = job.required_plan()
            _announce(plan)
            job, result = _watch(jobs, job, shown, seconds)
    jobs.close()
    run = result.summary()
    report = jobs.report(job)
    enrolment = None if enrol is None or result.stopped else enrol()
    matches = _matches(folder_of_data, plan.collection_id, webhook, started, as_json=as_json)
    if as_json:
        people = {} if enrolment is None else {"people": enrolment_json(enrolment)}
        whole = run if first_run is None else first_run.followed(run)
        before = {} if first_report is None else {"earlier": first_report.to_json()}
        print_json({**report.to_json(), "run": whole.to_json(), **before, **people, **matches})
    else:
        print_run(run)
        if result.new_photos or result.stopped or result.lost:
            print_report(report)
        else:
            is_planned_before = plan.created_at < submitted
            print_nothing_new(
                report,
                run,
                is_planned_before=is_planned_before,
                erased=jobs.erased(job),
            )
        if enrolment is not None:
            print_enrolment(enrolment)
            if report.tally.copies:
                console().print(
                    "copies name nobody: first run this command for the folder from which the "
                    "same photos were indexed before"
                )
    is_failed = job.status is JobStatus.FAILED or (
        first_report is not None and first_report.is_failed
    )
    _exit(job, result, run, is_failed=is_failed)


def _print_first(run: RunSummary, report: Report) -> None:
    """Print the end of a run that another one follows, which reads photos of lost faces."""
    print_run(run)
    if run.new_photos:
        print_report(report)
    else:
        print_problems(report)


def _announce(plan: Plan, *, is_planned_before: bool = False) -> None:
    about = "" if plan.exact else "about "
    photos = count(plan.estimated_photos, "photo")
    if plan.difference is not None and is_planned_before:
        # The photos that the plan counts as new may have been read since then.
        photos = count(plan.difference.photos, "photo")
    elif plan.difference is not None and plan.difference.unchanged:
        photos += f" ({plan.difference.unchanged:,} unchanged)"
    console(stderr=True).print(f"Indexing {about}{photos} into collection {plan.collection_id} ...")


def _matches(
    data: Path, collection_id: str, webhook: Webhook | None, started: float, *, as_json: bool
) -> dict[str, dict[str, int]]:
    """Return the numbers of matches and undelivered events; an empty result if there are none.

    With a webhook, tries first to deliver the events. Prints the numbers, unless ``as_json`` is
    true.
    """
    with factory.open_gallery(data) as gallery:
        counts = matches_since(gallery, collection_id, started)
        if counts["undelivered"] and webhook is not None:
            deliver_now(gallery, data, webhook, collection_id)
            counts = matches_since(gallery, collection_id, started)
        if not as_json:
            print_matches(gallery, collection_id, counts, webhook)
    return {"registered": counts} if any(counts.values()) else {}


def _watch(jobs: LocalJobs, job: Job, shown: ShownJobs, interval: float) -> tuple[Job, RunResult]:
    """Show the progress of a job until it ends; return the ended job, and how its run ended."""
    with progress_display(shown) as show:
        job = _wait(jobs, job, interval, show)
    return job, jobs.result(job)


def _wait(
    jobs: LocalJobs, job: Job, interval: float, show: Callable[[Job, Progress | None], None]
) -> Job:
    """Wait for the end of a job. Ctrl-C cancels it; a second Ctrl-C kills its workers.

    Raises:
        KeyboardInterrupt: The wait was interrupted again, before the run had ended, or the run has
            not ended ``MAX_STOPPING_SECONDS`` after it was interrupted.
    """
    news = iter(_STOPPING)
    end = math.inf

    def sleep(seconds: float) -> None:
        jobs.wait(job, seconds)
        if time.monotonic() > end:
            say(_NOT_STOPPED, err=True)
            raise _NotStoppedError

    def show_news(job: Job, progress: Progress | None) -> None:
        # The numbers of a run that found nothing to do are those of an earlier run.
        if not job.status.ended or jobs.result(job).new_photos:
            show(job, progress)

    while True:
        try:
            return job_service.wait_for_job(
                jobs, job, interval=interval, show=show_news, sleep=sleep
            )
        except _NotStoppedError:
            raise KeyboardInterrupt from None
        except KeyboardInterrupt:
            text = next(news, None)
            if text is None:
                raise
            say(text, err=True)
            jobs.cancel(job)
            end = min(end, time.monotonic() + MAX_STOPPING_SECONDS)
        except JobDeletedError:
            # Once the run has ended, nothing is added to the deleted folder.
            jobs.result(job)
            raise


def _exit(job: Job, result: RunResult, run: RunSummary, *, is_failed: bool) -> None:
    if result.stopped:
        say("interrupted; the same command resumes the job", err=True)
        raise SystemExit(ExitCode.INTERRUPTED)
    for child, cause in result.lost.items():
        say(f"error: child {child} was given up: {cause}", err=True)
    if is_failed:
        raise SystemExit(ExitCode.TOO_MANY_FAILURES)
    if job.status is JobStatus.INCOMPLETE:
        raise SystemExit(ExitCode.ERROR)
    exit_if_lost(run)
