"""Where things lie in a job's folder.

Numbers are padded so that names sort as numbers do.
"""

from __future__ import annotations

import re
import secrets


def ledger_folder(job_folder: str, child: int) -> str:
    """Return the folder of the parts of a child's ledger."""
    return f"{job_folder}ledger/{child:07d}/"


def part_uri(job_folder: str, child: int, offset: int) -> str:
    """Return where the part of a child's ledger lies that begins at a position."""
    return f"{ledger_folder(job_folder, child)}{offset:016d}.jsonl"


def embeddings_folder(job_folder: str, child: int | None = None) -> str:
    """Return the folder of the embeddings of a child, or of all children."""
    return f"{job_folder}embeddings/" + ("" if child is None else f"{child:07d}/")


def embeddings_name(child: int, start: int, end: int) -> str:
    """Return a new name, in a job's folder, for the embeddings of a step between two offsets.

    Each attempt has names of its own: one that comes too late must not take from the other.
    """
    folder = embeddings_folder("", child)
    return f"{folder}{start:016d}-{end:016d}-{secrets.token_hex(8)}.npz"


def step_of_embeddings(uri: str) -> tuple[int, int] | None:
    """Return the offsets in a file's name; None for what a killed process left half written."""
    named = re.search(r"/(\d{16})-(\d{16})-[0-9a-f]{16}\.npz$", uri)
    return (int(named[1]), int(named[2])) if named else None


def summaries_folder(job_folder: str) -> str:
    """Return the folder of the summaries of complete children."""
    return f"{job_folder}children/"


def summary_uri(job_folder: str, child: int) -> str:
    """Return where the summary of a complete child lies."""
    return f"{summaries_folder(job_folder)}{child:07d}.json"


def report_uri(job_folder: str) -> str:
    """Return where the report of a job lies."""
    return f"{job_folder}report.json"
