"""Reads the lines that notes represent: the files of a job's children, or a file of lines.

Children that are incomplete have no file yet: the rows of their ledger are read instead.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.documents import damaged_file
from facerec.jobs.ledger.reading import rows_of_child
from facerec.jobs.plan import deleted_plan_uri, read_plan
from facerec.jobs.remembered.child_files import complete_children, lines_of_children, split_lines
from facerec.jobs.remembered.ended_jobs import has_ended
from facerec.jobs.remembered.photos import (
    address_of_line,
    is_valid_line,
    lines_of_rows,
    unescaped,
)
from facerec.jobs.remembered.sorting import sorted_lines
from facerec.storage.objects.protocol import exists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.newest import Remembered
    from facerec.jobs.remembered.notes import Note, Notes
    from facerec.storage.objects.protocol import ObjectStore

CHUNK = 4 * 1024 * 1024
"""Number of bytes of a merged file per read."""


def lines_of_note(objects: ObjectStore, notes: Notes, note: Note) -> Iterator[Remembered]:
    """Yield the lines of a note in order; none if its job was deleted."""
    in_order = note.in_order
    if note.job_id is None:
        texts = _lines_of_file(objects, note.uri)
    else:
        try:
            folder = notes.job_folder(note)
            plan = _plan_in(objects, folder)
        except ObjectNotFoundError:
            # The note has since been merged and deleted; or the deletion of its job was killed, and
            # the next deletion completes it.
            return iter(())
        texts = lines_of_children(objects, folder)
        missing = set() if plan is None else _incomplete_children(objects, plan)
        if plan is not None and missing:
            texts, in_order = chain(texts, _committed_lines(objects, plan, sorted(missing))), False
    if not in_order:
        texts = sorted_lines(texts, key=address_of_line)
    return _parsed(texts, note.number)


def lines_of_job(objects: ObjectStore, job_folder: str, number: int) -> Iterator[Remembered]:
    """Yield the lines of the complete children of a job in order, under a given number."""
    texts = sorted_lines(lines_of_children(objects, job_folder), key=address_of_line)
    return _parsed(texts, number)


def unfinished_plan(objects: ObjectStore, notes: Notes, note: Note) -> Plan | None:
    """Return the plan of a note's job if the job may still add lines.

    Returns:
        None if the job adds no more lines, unless it is started again.
    """
    if note.job_id is None:
        return None
    try:
        plan = _plan_in(objects, notes.job_folder(note))
    except ObjectNotFoundError:
        # The note was deleted.
        return None
    if plan is None or not _incomplete_children(objects, plan):
        return None
    return None if has_ended(plan, objects) else plan


def _plan_in(objects: ObjectStore, job_folder: str) -> Plan | None:
    """Return the plan of a job; None if it is missing or damaged.

    Raises:
        ObjectNotFoundError: The job is being deleted.
    """
    try:
        return read_plan(objects, job_folder)
    except InvalidInputError:
        return None
    except ObjectNotFoundError:
        if exists(deleted_plan_uri(job_folder), objects):
            raise
        return None


def _incomplete_children(objects: ObjectStore, plan: Plan) -> set[int]:
    return set(range(plan.children)) - set(complete_children(objects, plan.job_folder))


def _committed_lines(objects: ObjectStore, plan: Plan, children: Iterable[int]) -> Iterator[str]:
    """Yield the lines of the photos that incomplete children have committed."""
    # A damaged ledger is reported by its own job; its photos are processed again.
    with suppress(ObjectNotFoundError, InvalidInputError):
        for child in children:
            yield from lines_of_rows(rows_of_child(plan, objects, child), plan)


def _lines_of_file(objects: ObjectStore, uri: str) -> Iterator[str]:
    info, kept = objects.head(uri), b""
    for start in range(0, info.size, CHUNK):
        content = kept + objects.read(uri, start=start, end=start + CHUNK, version=info.version)
        end = content.rfind(b"\n") + 1
        kept = content[end:]
        if len(kept) > CHUNK:
            raise damaged_file(uri)
        yield from split_lines(content[:end])


def _parsed(texts: Iterable[str], number: int) -> Iterator[Remembered]:
    for line in texts:
        if not is_valid_line(line):
            # The line is damaged: the photo is processed again.
            continue
        uri, external_image_id, _ = line.split("\t", 2)
        yield (unescaped(uri) if "%" in uri else uri), external_image_id, -number, line
