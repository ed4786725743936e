"""The outcome of an import: its report file and printed summary."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.cli.exit_codes import ExitCode
from facerec.cli.machine_or_stack import here
from facerec.cli.new_files import require_new, whole_file
from facerec.cli.output import console, print_json, table
from facerec.core.counts import count
from facerec.core.input_files import read_input
from facerec.core.limits import MAX_REPORT_BYTES
from facerec.errors import InputFileError, InvalidInputError

if TYPE_CHECKING:
    from facerec.imports.report import ImportReport

REASONS = {
    "NO_PHOTO_NAMED": "no photo is named for it; name one in a file for --manifest, and run the "
    "import again",
    "PHOTO_NOT_FOUND": "its photo does not exist at any possible address (--report lists these); "
    "put it at one of them and run the import again, or index another photo of the person",
    "ACCESS_DENIED": "the credentials do not allow reading its photo; allow it, and run the import "
    "again",
    "PHOTO_UNREADABLE": "its photo cannot be read; replace it, and run the import again",
    "NO_FACE": "its photo shows no face; index another photo of the person",
    "NO_FACE_AT_ITS_PLACE": "its photo shows no face at its position; check that it is the "
    "photo that was indexed",
    "AMBIGUOUS": "several photos may be the right one; name the right one by image_id",
    "ID_IN_USE": "the collection has a face of another photo under its id; delete that face with "
    "`facerec faces delete`, and run the import again",
    "ALREADY_INDEXED": "the collection already has it under another id; to import this id, delete "
    "that face, and run the import again",
    "DELETED": "it was deleted here; --restore-deleted imports it again",
    "PERSON_EXISTS": "imported, but the id of its person belongs to somebody else here; if it is "
    "the same person, associate it with `facerec people add`",
    "NOT_ASSOCIATED": "imported, but belongs to another person, or its person has too many faces",
}
"""Explanation and remedy of each reason of ``facerec.imports.report.Unmatched``."""

SHOWN = 10
"""Maximum number of faces that were not imported to print; the report lists all."""

SAVE_EVERY = 5.0
"""Seconds between two reports that are saved while an import runs."""


class ReportFile:
    """The file of a report, saved every few seconds so that a killed import leaves a recent one."""

    def __init__(self, path: Path | None, report: ImportReport) -> None:
        """Create the file of a report, or none if there is no path.

        An earlier report about the same collection is replaced, so that an import that ended early
        can be started again by the same command.

        Raises:
            InvalidInputError: Another file is there, or no file can be written there.
        """
        self._path, self._report = path, report
        if (
            path is not None
            and os.path.lexists(path)
            and not _is_report(path, report.collection_id)
        ):
            require_new(path)
        self.save()

    def save(self) -> None:
        """Save the report as it is now.

        Raises:
            InvalidInputError: The file cannot be written.
        """
        self._saved = time.monotonic()
        if self._path is None:
            return
        try:
            with whole_file(self._path) as part:
                part.write_text(json.dumps(self._report.to_json(), indent=2) + "\n", "utf-8")
        except OSError as error:
            raise InvalidInputError(
                f"the report cannot be written to {self._path}: {error.strerror}",
                "check its folder and disk, or name another file",
            ) from error

    def save_sometimes(self) -> None:
        """Save the report, unless it was saved in the last ``SAVE_EVERY`` seconds.

        Raises:
            InvalidInputError: The file cannot be written.
        """
        if time.monotonic() - self._saved >= SAVE_EVERY:
            self.save()


def _is_report(path: Path, collection_id: str) -> bool:
    try:
        content = json.loads(read_input(path, MAX_REPORT_BYTES))
    except (InputFileError, ValueError):
        return False
    return (
        isinstance(content, dict)
        and content.get("collection_id") == collection_id
        and "unmatched" in content
    )


@contextmanager
def reported(report: ImportReport, path: Path | None, *, as_json: bool) -> Iterator[ReportFile]:
    """Save a report, even if the import ends early; print it if the import completes.

    Args:
        report: The report, which the import fills.
        path: File to save the report to, or None.
        as_json: Whether to print it as JSON.

    Raises:
        InvalidInputError: Another file is at the path, or no file can be written there.
        SystemExit: There were faces to import, and the collection contains none of them.
    """
    file = ReportFile(path, report)
    try:
        yield file
    except BaseException:
        file.save()
        if path is not None:
            console(stderr=True).print(f"{path} lists the outcome for the faces so far")
        raise
    file.save()
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)
    if report.failed:
        raise SystemExit(ExitCode.TOO_MANY_FAILURES)


def _print(report: ImportReport) -> None:
    out = console()
    out.print(
        f"{count(report.imported, 'face')} imported, {report.present:,} already there, "
        f"{count(report.people, 'person', 'people')}, "
        f"{count(len(report.unmatched), 'face')} not imported or not associated"
    )
    for model, number in report.source_models.items():
        out.print(
            f"{count(number, 'face')} of {model}: embeddings of another network cannot be used, so "
            "photos are described again"
        )
    if not report.unmatched:
        return
    for reason, number in Counter(face.reason for face in report.unmatched).most_common():
        out.print(f"{reason} ({number:,}): {here(REASONS[reason])}")
    rows = table("face", "external image id", "reason", whole=("face",))
    for face in report.unmatched[:SHOWN]:
        rows.add_row(face.face_id, face.external_image_id or "", face.reason)
    out.print(rows)
