"""Lists a folder or prefix into a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import IO

from facerec.jobs.manifest.entries import ManifestEntry, external_id_of
from facerec.storage.objects.protocol import ObjectStore


def folder_entries(
    objects: ObjectStore, folder: str, exclude: str | None
) -> Iterator[tuple[ManifestEntry, str]]:
    """Yield the photos of a folder, each with a string that changes whenever its content does.

    Every object counts as a photo except hidden ones (a name or folder that begins with a dot) and
    folder markers. An object that is not a photo becomes a failed row.

    Args:
        objects: where the folder is.
        folder: its uri with the final ``/``.
        exclude: a subfolder to exclude (the job's own).
    """
    for found in objects.list(folder):
        path = found.uri[len(folder) :]
        hidden = any(part.startswith(".") for part in path.split("/"))
        if hidden or found.uri.endswith("/") or (exclude and found.uri.startswith(exclude)):
            continue
        yield ManifestEntry(found.uri, external_id_of(path)), f"{found.size} {found.version}"


def write_entries(entries: Iterable[tuple[ManifestEntry, str]], file: IO[bytes]) -> str:
    """Write a manifest of JSON lines.

    Args:
        entries: the photos, each with a string that changes whenever its content does.
        file: where the manifest is written.

    Returns:
        A hexadecimal digest of entries and strings.
    """
    digest = hashlib.sha256()
    for entry, version in entries:
        named = {"image": entry.uri}
        if entry.external_image_id is not None:
            named["external_image_id"] = entry.external_image_id
        if entry.version_id is not None:
            named["version_id"] = entry.version_id
        line = json.dumps(named).encode() + b"\n"
        file.write(line)
        digest.update(line + version.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()
