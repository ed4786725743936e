"""A folder or prefix into a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import IO

from facerec.jobs.manifest.entries import ManifestEntry, external_id_of
from facerec.storage.objects.protocol import ObjectStore


def folder_entries(
    objects: ObjectStore, folder: str, leave_out: str | None
) -> Iterator[tuple[ManifestEntry, str]]:
    """Yield the photos of a folder, each with a text that changes whenever its content does.

    Every object counts as a photo, but hidden ones (a name, or a folder's, begins with a dot) and
    those that only stand for a folder. What is no photo becomes an outcome.

    Args:
        objects: where the folder is.
        folder: its uri with the final ``/``.
        leave_out: a folder in it that is none of its photos': the job's own.
    """
    for found in objects.list(folder):
        path = found.uri[len(folder) :]
        hidden = any(part.startswith(".") for part in path.split("/"))
        if hidden or found.uri.endswith("/") or (leave_out and found.uri.startswith(leave_out)):
            continue
        yield ManifestEntry(found.uri, external_id_of(path)), f"{found.size} {found.version}"


def write_entries(entries: Iterable[tuple[ManifestEntry, str]], file: IO[bytes]) -> str:
    """Write a manifest of JSON lines.

    Args:
        entries: the photos, each with a text that changes whenever its content does.
        file: takes the manifest.

    Returns:
        A digest, in hexadecimal digits, of entries and texts.
    """
    digest = hashlib.sha256()
    for entry, version in entries:
        named = {"image": entry.image}
        if entry.external_image_id is not None:
            named["external_image_id"] = entry.external_image_id
        if entry.version_id is not None:
            named["version_id"] = entry.version_id
        line = json.dumps(named).encode() + b"\n"
        file.write(line)
        digest.update(line + version.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()
