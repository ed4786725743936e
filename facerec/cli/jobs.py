"""`facerec jobs`: start and manage jobs, on this machine or in a stack on AWS."""

from __future__ import annotations

import click

from facerec.cli.lazy_group import LazyGroup

_SHOWN = "facerec.cli.jobs_shown"
COMMANDS = {
    "start": ("facerec.cli.jobs_start", "Start a job that indexes the photos that MANIFEST names."),
    "list": (_SHOWN, "List jobs, newest first."),
    "status": (_SHOWN, "Show the status of JOB."),
    "watch": (_SHOWN, "Watch JOB until it ends, then show its report."),
    "report": (_SHOWN, "Show the report of JOB."),
    "failures": (_SHOWN, "List the photos and manifest lines that failed in JOB."),
    "cancel": (_SHOWN, "Cancel JOB; finished work is kept."),
    "delete": (_SHOWN, "Delete the folder of JOB: its ledger, report, manifest and embeddings."),
}
"""Module and summary of each command, in the order in which they are first needed."""


@click.group(cls=LazyGroup, commands=COMMANDS)
def jobs() -> None:
    """Start, list, watch, report, cancel and delete jobs.

    With --stack NAME, or FACEREC_STACK in the environment, the jobs are those of a stack on AWS,
    reached with the usual AWS credentials; otherwise those of this machine. JOB is the id of a
    job, the path of its folder on this machine, or `latest`, the default where JOB is optional.
    """
