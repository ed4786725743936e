"""Prints receipts of erasures as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli.deferred import erasures
from facerec.cli.exit_codes import completion_hint
from facerec.cli.machine_or_stack import is_on_stack
from facerec.cli.output import console
from facerec.core.counts import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facerec.core.erasures import Receipt

WHAT = {
    "FACE": "face",
    "PHOTO": "photo",
    "EXTERNAL_ID": "external image id",
    "USER": "person",
    "COLLECTION": "collection",
    "EXPIRED": "expired faces",
}
"""Names of the kinds of subjects of erasures."""


def print_resumed(receipts: Iterable[Receipt]) -> None:
    """Print to stderr the interrupted erasures that a command has completed before its own work."""
    out = console(stderr=True)
    for receipt in receipts:
        what = (
            "its deletion" if receipt.subject is erasures.SubjectKind.COLLECTION else "an erasure"
        )
        out.print(
            f"collection {receipt.collection_id}: {what}, which had been interrupted, was completed"
            f" first ({receipt.erasure_id})"
        )


def print_restored(collection_id: str, faces: int | None) -> None:
    """Print to stderr that a collection of a lost database was restored before the own work.

    Args:
        collection_id: The collection.
        faces: The number of restored faces; None if nothing was lost.
    """
    if faces is not None:
        console(stderr=True).print(
            f"the database had lost collection {collection_id}: {count(faces, 'face')} restored "
            "first, from the folders of its jobs; its people and corrections are lost"
        )


def print_pending_deletion(collection_id: str, erasure_id: str) -> None:
    """Print that a collection still exists although its deletion was requested."""
    hint = completion_hint(on_stack=is_on_stack())
    console().print(f"collection {collection_id} is being deleted (erasure {erasure_id}): {hint}")


def print_receipt(receipt: Receipt) -> None:
    """Print a receipt: the counts of the data removed from each store."""
    out = console()
    state = {
        erasures.ErasureStatus.DONE: "done",
        erasures.ErasureStatus.RUNNING: "still running",
        erasures.ErasureStatus.ABANDONED: "abandoned, since its note was damaged",
    }[receipt.status]
    out.print(f"erasure {receipt.erasure_id}: {state}")
    removed = {
        "store of faces": receipt.faces
        and count(receipt.faces, "face with its embedding", "faces"),
        "people": receipt.users and count(receipt.users, "person", "people"),
        "vectors of people": receipt.user_vectors and count(receipt.user_vectors, "vector"),
        "corrections": receipt.corrections and count(receipt.corrections, "correction"),
        "history of people": receipt.history and count(receipt.history, "entry", "entries"),
        "answers kept for idempotency tokens": receipt.answers and count(receipt.answers, "answer"),
    }
    for place, number in removed.items():
        if number:
            out.print(f"  {place}: {number}")
    for job in receipt.jobs:
        if job.files:
            out.print(f"  job {job.job_id}: deleted, {count(job.files, 'file')}")
            continue
        parts = [count(job.embeddings, "embedding"), count(job.rows, "row")]
        if job.manifest_lines:
            parts.append(count(job.manifest_lines, "line of the manifest", "lines of the manifest"))
        out.print(f"  job {job.job_id}: {', '.join(parts)}")
    if receipt.is_empty:
        out.print("  nothing was found")
