"""Shows the plan, duration and cost of a job before it is started."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facerec.cli.data_folder import data_folder
from facerec.cli.deferred import estimating
from facerec.cli.exit_codes import ExitCode
from facerec.cli.output import console, dollars, duration, print_json, say
from facerec.cli.reports import print_difference
from facerec.cli.verification_shown import print_verification
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule

if TYPE_CHECKING:
    from facerec.factory import maintenance
    from facerec.jobs.planning.changes import Preview
    from facerec.jobs.planning.request import JobRequest
    from facerec.jobs.remembered.stale_photos import StalePhoto
    from facerec.jobs.verifying.segment_check import Verification
    from facerec.storage import objects as stored_objects
else:
    maintenance = DeferredModule("facerec.factory.maintenance")
    stored_objects = DeferredModule("facerec.storage.objects")


def preview(
    document: dict[str, Any],
    stack: str | None,
    data: Path | None,
    photos_per_second: float | None = None,
    *,
    as_json: bool,
) -> None:
    """Print the plan of a job, without storing anything.

    If problems prevent a stack from running the job, they are printed, one per line, and the
    command ends.

    Args:
        document: The execution input.
        stack: The stack that would run the job; None for this machine.
        data: Folder of the jobs of this machine; None for the user's data folder.
        photos_per_second: Rate of one vCPU; None for the rate that ``facerec estimate`` assumes.
        as_json: Print JSON.

    Raises:
        ObjectNotFoundError: The manifest does not exist.
        InvalidInputError: The file is not a manifest, or the input violates its schema.
        NotFoundError: There is no such stack.
        FacerecError: See ``find_stack``.
        SystemExit: The stack cannot run the job.
    """
    from facerec.core.cores import available_cores
    from facerec.factory import jobs_root_of
    from facerec.jobs.aws.preflight import Findings, examine
    from facerec.jobs.aws.stack import find_stack
    from facerec.jobs.aws.start_problems import open_clients
    from facerec.jobs.planning.request import read_job_request

    rate = photos_per_second or estimating.PHOTOS_PER_SECOND
    job = read_job_request(document)
    if stack is None:
        cost, findings = None, Findings(available_cores())
        folder = data_folder(data, new=True)
        repairs, lost = maintenance.preview_local_repairs(folder, job.collection_id)
        found = _preview(job, jobs_root_of(folder), lost)
        seconds = found.photos / (rate * findings.vcpus)
    else:
        deployed = find_stack(stack)
        found, repairs = _preview(job, deployed.jobs_root), None
        findings = examine(job, deployed, open_clients(), stored_objects.Objects())
        vcpus = max(findings.vcpus, deployed.child_vcpus)
        seconds, cost = _on_aws(
            found.photos, rate, vcpus, job.images_per_child or 0, deployed.vector_store
        )
    if as_json:
        problems = [*found.problems, *findings.problems]
        took = {"photos_per_second": rate, "seconds": seconds, "dollars": cost}
        restored = {} if repairs is None else _run_of(repairs)
        print_json({**asdict(found), **restored, **took, **asdict(findings), "problems": problems})
        _refuse(problems)
        return
    if repairs is not None:
        print_verification(repairs, repaired=False)
    if found.difference is not None:
        print_difference(found.difference, forced=job.force)
        print_gone(found.gone)
    out, about = console(), "" if found.exact else "about "
    children = count(found.children, "child", "children")
    out.print(f"{about}{count(found.photos, 'photo')} in {children}")
    vcpus = findings.vcpus
    machines = count(vcpus, "core") if stack is None else f"at most {count(vcpus, 'vCPU')}"
    assumed = "" if photos_per_second else "an assumed "
    out.print(f"{_about(seconds)} on {machines}, at {assumed}{rate:g} photos/s each")
    if not photos_per_second:
        out.print("`facerec estimate` measures the rate; pass it as --photos-per-second")
    if cost is not None:
        out.print(f"about {dollars(cost)}: machines, storage and requests, at list prices")
        out.print(
            "for a new collection; `facerec estimate` itemises the cost, also for an existing one"
            " (--existing-collection), and compares it with Rekognition"
        )
    for remark in findings.remarks:
        say(f"note: {remark}", err=True)
    _refuse([*found.problems, *findings.problems])


def _about(seconds: float) -> str:
    shown = duration(seconds)
    return shown if shown.startswith("less") else f"about {shown}"


def _refuse(problems: Sequence[str]) -> None:
    """Print the problems that prevent the job from running; end the command if there are any."""
    for problem in problems:
        say(f"error: {problem}", fg="red", err=True)
    if problems:
        raise SystemExit(ExitCode.INVALID_INPUT)


def _run_of(repairs: Verification) -> dict[str, int]:
    """Return the numbers of repairs under the names that they have in the summary of the run."""
    return {
        "faces_restored": repairs.missing,
        "faces_lost": repairs.lost,
        "photos_lost": repairs.lost_photos,
    }


def _preview(job: JobRequest, jobs_root: str, lost: Collection[str] = ()) -> Preview:
    from facerec.jobs.planning.changes import preview_job
    from facerec.jobs.remembered.memory import latest_memory

    objects = stored_objects.Objects()
    memory = latest_memory(objects, jobs_root, job.collection_id)
    return preview_job(job, objects, jobs_root=jobs_root, memory=memory, lost=lost)


def print_gone(photos: Sequence[StalePhoto]) -> None:
    """Print the photos whose faces --prune removes, and those that seem to have moved."""
    out = console()
    for photo in photos:
        seems = ", seems to have moved" if photo.may_have_moved else ""
        out.print(f"  gone: {photo.uri} ({count(photo.faces, 'face')}{seems})")
    removed = [photo for photo in photos if not photo.may_have_moved]
    if removed:
        faces = count(sum(photo.faces for photo in removed), "face")
        out.print(f"--prune removes {faces} of {count(len(removed), 'photo')}")
    if len(removed) < len(photos):
        moved = count(sum(photo.faces for photo in photos if photo.may_have_moved), "face")
        seem = count(len(photos) - len(removed), "photo seems", "photos seem")
        out.print(f"{seem} to have moved: if so, {moved} will have the new address")


def _on_aws(
    images: int, rate: float, vcpus: int, images_per_child: int, vector_store: str
) -> tuple[float, float]:
    """Return the duration of a job on AWS in seconds, and its cost in dollars."""
    if not images:
        return 0.0, 0.0
    from facerec.estimate.workload import Store

    estimate = estimating.estimate_job(
        images,
        photos_per_second=rate,
        max_vcpus=vcpus,
        images_per_child=images_per_child,
        store=Store(vector_store),
    )
    return estimate.simulation.seconds, estimate.indexing_dollars
