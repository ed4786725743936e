"""Lists a folder or prefix into a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import IO

from facerec.core.names import derived_external_image_id
from facerec.jobs.manifest.entries import ManifestEntry
from facerec.storage.objects.protocol import ObjectStore


class PersonFrom(StrEnum):
    """What the external image id of a listed photo is derived from."""

    FILE = "file"
    """Its path in the folder: the id names the photo."""
    FOLDER = "folder"
    """The folder that it is in: the id names a person, who may be in several photos."""


@dataclass(frozen=True, slots=True)
class ListingRules:
    """Rules for the files of a folder to index, and for their external image ids.

    Attributes:
        include: ``fnmatch`` patterns; a file must match one of them. Empty: all files.
        exclude: patterns; a file must not match any.
        person_from: source of external image ids.

    A pattern is compared with the path of a file in the folder, and with its name, in lower case.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    person_from: PersonFrom = PersonFrom.FILE

    def accept(self, path: str) -> bool:
        """Return whether a file is to be indexed.

        Args:
            path: the path of the file in the folder.
        """
        if self.include and not _matches(path, self.include):
            return False
        return not _matches(path, self.exclude)

    def external_image_id(self, path: str) -> str:
        """Return the external image id of a photo; one in no folder is named after its file."""
        parent = str(PurePosixPath(path).parent)
        if self.person_from is PersonFrom.FOLDER and parent != ".":
            return derived_external_image_id(parent)
        return derived_external_image_id(path)


def folder_entries(
    objects: ObjectStore, folder: str, exclude: str | None, rules: ListingRules
) -> Iterator[tuple[ManifestEntry, str]]:
    """Yield the photos of a folder, each with a string that changes whenever its content does.

    Every object counts as a photo except hidden ones (a name or folder that begins with a dot) and
    folder markers. An object that is not a photo becomes a skipped or a failed row.

    Args:
        objects: where the folder is.
        folder: its uri with the final ``/``.
        exclude: a subfolder to exclude (the job's own).
        rules: rules for the files to index and their ids.
    """
    for found in objects.list(folder):
        path = found.uri[len(folder) :]
        hidden = any(part.startswith(".") for part in path.split("/"))
        if hidden or found.uri.endswith("/") or (exclude and found.uri.startswith(exclude)):
            continue
        if rules.accept(path):
            entry = ManifestEntry(found.uri, rules.external_image_id(path))
            yield entry, f"{found.size} {found.version}"


def _matches(path: str, patterns: Iterable[str]) -> bool:
    lower = path.lower()
    name = lower.rpartition("/")[2]
    return any(
        fnmatchcase(lower, pattern.lower()) or fnmatchcase(name, pattern.lower())
        for pattern in patterns
    )


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
