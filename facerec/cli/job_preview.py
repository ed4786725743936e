"""Shows the plan, duration and cost of a job before it is started."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from facerec.cli.data_folder import data_folder
from facerec.cli.job_progress import duration
from facerec.cli.output import console, count, dollars, print_json


def preview(
    document: dict[str, Any],
    stack: str | None,
    data: Path | None,
    photos_per_second: float | None,
    *,
    as_json: bool,
) -> None:
    """Print what a job would be, without storing anything.

    Args:
        document: the execution input.
        stack: where it would run; None for this machine.
        data: folder of the jobs of this machine; None for the user's data folder.
        photos_per_second: rate of one vCPU; None for what ``facerec estimate`` assumes.
        as_json: print JSON.

    Raises:
        ObjectNotFoundError: the manifest does not exist.
        InvalidInputError: it is not a manifest, or the input violates its schema.
    """
    from facerec.engine.dlib.sessions import available_cores
    from facerec.estimate.estimating import PHOTOS_PER_SECOND
    from facerec.factory import jobs_root_of
    from facerec.jobs.aws.stack import find_stack
    from facerec.jobs.planner import preview_job
    from facerec.jobs.request import read_job_request
    from facerec.storage.objects import Objects

    rate = photos_per_second or PHOTOS_PER_SECOND
    job = read_job_request(document)
    if stack is None:
        vcpus, cost = available_cores(), None
        found = preview_job(job, Objects(), jobs_root=jobs_root_of(data_folder(data)))
        seconds = found.photos / (rate * vcpus)
    else:
        deployed = find_stack(stack)
        vcpus = deployed.max_vcpus
        found = preview_job(job, Objects(), jobs_root=deployed.jobs_root)
        seconds, cost = _on_aws(found.photos, rate, vcpus, job.images_per_child or 0)
    if as_json:
        took = {"photos_per_second": rate, "seconds": seconds, "dollars": cost}
        print_json({**asdict(found), **took})
        return
    out, about = console(), "" if found.exact else "about "
    children = count(found.children, "child", "children")
    out.print(f"{about}{count(found.photos, 'photo')} in {children}")
    machines = count(vcpus, "core") if stack is None else f"at most {count(vcpus, 'vCPU')}"
    assumed = "" if photos_per_second else "an assumed "
    out.print(f"about {duration(seconds)} on {machines}, at {assumed}{rate:g} photos/s each")
    if not photos_per_second:
        out.print("`facerec estimate` measures the rate; pass it as --photos-per-second")
    if cost is not None:
        out.print(f"about {dollars(cost)}: machines, storage and requests, at list prices")
        out.print(
            "for a new collection; `facerec estimate` itemises the cost, also for an existing one"
            " (--existing-collection), and compares it with Rekognition"
        )


def _on_aws(images: int, rate: float, vcpus: int, images_per_child: int) -> tuple[float, float]:
    """Return the seconds and the dollars of a job."""
    if not images:
        return 0.0, 0.0
    from facerec.estimate.estimating import estimate_job

    estimate = estimate_job(
        images, photos_per_second=rate, max_vcpus=vcpus, images_per_child=images_per_child
    )
    return estimate.simulation.seconds, estimate.indexing_dollars
