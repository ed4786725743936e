"""Commands start fast: they import nothing that their work does not need.

The help of a command needs no library but click. Commands that only read and change records need
no numpy, and nothing that reads photos or calls AWS.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from facerec import open_gallery
from facerec.cli.main import main
from facerec.jobs.ledger.report import write_report
from tests.support.jobs import LocalJob, write_manifest, write_photos
from tests.support.long import mostly_long

FOR_PHOTOS_AND_AWS = ("PIL", "boto3", "numpy", "onnxruntime")
HEAVY = ("PIL", "boto3", "fastapi", "jsonschema", "numpy", "onnxruntime", "pydantic")
FOR_WORK = (
    "concurrent.futures",
    "csv",
    "facerec.core.erasures",
    "facerec.core.names",
    "facerec.core.photos",
    "facerec.core.records",
    "facerec.gallery.gallery",
    "facerec.jobs.manifest",
    "facerec.storage.objects",
    "hashlib",
    "tempfile",
)
NOT_FOR_JOB_HELP = (
    "facerec.engine",
    "facerec.gallery.gallery",
    "facerec.jobs.planning.request",
    "facerec.jobs.service",
    "facerec.storage",
    "hashlib",
    "importlib.resources",
    "typing_extensions",
)

NOT_TO_SHOW_JOBS = (
    "concurrent.futures",
    "facerec.cli.job_options",
    "facerec.cli.local_run",
    "facerec.core.faces",
    "facerec.core.names",
    "facerec.core.records",
    "facerec.gallery.gallery",
    "facerec.jobs.ledger.first_failures",
    "facerec.jobs.local.runs",
    "facerec.jobs.manifest.entries",
    "facerec.jobs.manifest.inspection",
    "facerec.jobs.manifest.slices",
    "importlib.resources",
    "jsonschema",
    "numpy",
)

NOT_TO_START_A_WORKER = (
    "facerec.core.erasures",
    "facerec.gallery.gallery",
    "facerec.jobs.erasing.folder_deletion",
    "facerec.jobs.service",
    "jsonschema",
    "numpy",
)

NOT_FOR_EVERY_OPERATION = (
    "facerec.core.attributes",
    "facerec.core.clusters",
    "facerec.core.erasures",
    "facerec.gallery.people.associations",
    "facerec.gallery.clusters.clustering",
    "facerec.gallery.clusters.copies",
    "facerec.gallery.clusters.cluster_results",
    "facerec.gallery.migrating.migration_results",
    "facerec.gallery.search.comparing",
    "facerec.gallery.people.enrolling",
    "facerec.gallery.erasing.tombstone_copies",
    "facerec.gallery.transfer.exported_collection",
    "facerec.gallery.transfer.exported_data",
    "facerec.gallery.search.finding",
    "facerec.gallery.search.found_faces",
    "facerec.gallery.transfer.importing",
    "facerec.gallery.search.sampling",
    "facerec.gallery.indexing.records",
    "facerec.gallery.indexing.stats_refresh",
    "facerec.gallery.people.person_search",
    "facerec.jobs.plan",
    "jsonschema",
    "typing_extensions",
)

READERS_OF_RARE_FORMATS = (
    "PIL.AvifImagePlugin",
    "PIL.TiffImagePlugin",
    "PIL.WebPImagePlugin",
    "pillow_heif",
)

PROGRAM = """
import sys
from facerec.cli.main import main
try:
    main(sys.argv[2:])
except SystemExit as end:
    assert not end.code, end.code
print(sorted(set(sys.argv[1].split(",")) & set(sys.modules)) or "", file=sys.stderr, end="")
"""


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command and group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*above, name)
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


@pytest.mark.parametrize("words", mostly_long([(), *commands(main)], 20), ids=" ".join)
def test_the_help_of_a_command_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    started = start((*HEAVY, *FOR_WORK), *words, "--help")
    assert started.returncode == 0, started.stderr
    assert "Usage: " in started.stdout
    assert started.stderr == "", f"imports {started.stderr}"


@pytest.mark.parametrize(
    "words",
    [("index",), *(words for words in commands(main) if words[0] == "jobs")],
    ids=" ".join,
)
def test_the_help_of_jobs_imports_only_what_their_options_state(words: tuple[str, ...]) -> None:
    started = start(NOT_FOR_JOB_HELP, *words, "--help")
    assert started.returncode == 0, started.stderr
    assert started.stderr == "", f"imports {started.stderr}"


@pytest.mark.parametrize(
    "words",
    [
        ("collections", "list"),
        ("collections", "describe", "staff"),
        ("collections", "create", "visitors"),
        ("collections", "delete", "staff", "--yes"),
        ("faces", "list", "--collection", "staff"),
        ("people", "list", "--collection", "staff"),
        ("people", "create", "anna", "--collection", "staff"),
        ("erasures", "list", "--collection", "staff"),
        ("keys", "list"),
        ("jobs", "list"),
    ],
    ids=" ".join,
)
def test_a_command_on_records_imports_nothing_for_photos_or_aws(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    with open_gallery(tmp_path) as gallery:
        gallery.create_collection("staff")
    started = start(FOR_PHOTOS_AND_AWS, *words, "--data", str(tmp_path))
    assert started.returncode == 0, started.stderr
    assert started.stderr == "", f"imports {started.stderr}"


@pytest.mark.parametrize(
    ("command", "needs"), [("list", ()), ("report", ()), ("failures", ("concurrent.futures",))]
)
def test_showing_jobs_imports_nothing_that_runs_them(
    command: str, needs: tuple[str, ...], tmp_path: Path
) -> None:
    manifest = write_manifest(tmp_path / "list.jsonl", write_photos(tmp_path / "photos", 2))
    job = LocalJob(tmp_path, manifest)
    job.run()
    write_report(job.plan, job.objects, tolerated_failure_percentage=0)
    unneeded = tuple(module for module in NOT_TO_SHOW_JOBS if module not in needs)
    started = start(unneeded, "jobs", command, "--data", str(tmp_path))
    assert started.returncode == 0, started.stderr
    assert started.stderr == "", f"imports {started.stderr}"


def test_a_worker_starts_without_what_only_some_children_need() -> None:
    program = f"""
import sys
import facerec.jobs.local.worker
assert not set({NOT_TO_START_A_WORKER!r}) & set(sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_decoder_of_photos_imports_no_reader_of_rare_formats() -> None:
    program = f"""
import sys
import facerec.engine.decode.decoding
import facerec.engine.decode.in_process
assert not set({READERS_OF_RARE_FORMATS!r}) & set(sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("words", "others"),
    [
        (("collections", "list"), ("facerec.storage.access_keys",)),
        (("keys", "list"), ("facerec.gallery.collection_results", "secrets")),
    ],
)
def test_opening_a_gallery_imports_no_operation_that_is_not_called(
    words: tuple[str, ...], others: tuple[str, ...], tmp_path: Path
) -> None:
    started = start((*NOT_FOR_EVERY_OPERATION, *others), *words, "--data", str(tmp_path))
    assert started.returncode == 0, started.stderr
    assert started.stderr == "", f"imports {started.stderr}"


def start(modules: tuple[str, ...], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, which prints those of the modules that it imports."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(modules), *words],
        capture_output=True,
        text=True,
        check=False,
    )
