"""The `facerec` command."""

from __future__ import annotations

import os

import click

from facerec.cli.exit_codes import ExitCode
from facerec.cli.lazy_group import LazyGroup

COMMANDS = {
    "index": ("facerec.cli.index", "Index the faces of photos into a collection."),
    "match": ("facerec.cli.match", "Search a collection for the faces of a photo."),
    "find": (
        "facerec.cli.find",
        "Find all photos of somebody, most similar first.",
    ),
    "compare": ("facerec.cli.compare", "Compare the faces of two photos."),
    "detect": ("facerec.cli.detect", "Find the faces of a photo."),
    "collections": (
        "facerec.cli.collections",
        "List, create, describe, migrate, delete, export and import collections.",
    ),
    "faces": ("facerec.cli.faces", "List, match, correct and delete the faces of a collection."),
    "people": ("facerec.cli.people", "List, match and change the people of a collection."),
    "erase": (
        "facerec.cli.erase",
        "Erase everything known about a face, a photo, an external image id or a person.",
    ),
    "export": (
        "facerec.cli.export",
        "Export all data about somebody.",
    ),
    "erasures": (
        "facerec.cli.erasures",
        "List and show receipts of erasures, and complete them.",
    ),
    "import": ("facerec.cli.importing", "Import a collection from another service."),
    "verify": ("facerec.cli.verify", "Compare a collection with the jobs that indexed it."),
    "rebuild": ("facerec.cli.rebuild", "Restore a collection from its job folders."),
    "jobs": ("facerec.cli.jobs", "Start, list, watch, report, cancel and delete jobs."),
    "evaluate": ("facerec.cli.evaluate", "Measure error rates on labelled photos."),
    "calibrate": ("facerec.cli.calibrate", "Measure error rates on the faces of a collection."),
    "estimate": ("facerec.cli.estimate", "Estimate the time and cost of a job."),
    "serve": ("facerec.cli.serve", "Serve the API over HTTP."),
    "keys": ("facerec.cli.keys", "Create, list and revoke access keys for the API."),
}
"""Module and summary of each command, in the order in which they are first needed."""


@click.group(
    "facerec",
    cls=LazyGroup,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Exit codes: {', '.join(f'{code.value} {code.meaning}' for code in ExitCode)}.",
)
@click.version_option(package_name="facerec")
@click.option(
    "--region",
    metavar="REGION",
    help="AWS region to use (default: AWS_REGION, AWS_DEFAULT_REGION or the profile).",
)
def main(region: str | None) -> None:
    """Index the faces of photos, and find out who is in a photo.

    \b
    Examples:
      facerec index photos/ --collection staff
      facerec match visitor.jpg --collection staff
      facerec jobs report latest
    """
    if region is not None:
        # The clients of all services read it, also in worker processes.
        os.environ |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}


if __name__ == "__main__":
    main()
