"""Lists a folder or prefix into a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from facerec.core.derived_names import derived_external_image_id
from facerec.jobs.fields import ExternalIds
from facerec.jobs.versions import version_of
from facerec.storage.objects.protocol import MISSING

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class ListingRules:
    """Rules for the files of a folder to index, and for their external image ids.

    Attributes:
        include: ``fnmatch`` patterns; a file must match one of them. Empty: all files.
        exclude: Patterns of the same kind; a file must not match any.
        external_ids: How external image ids are derived from paths, if at all.

    A pattern is compared with the path of a file in the folder, and with its name, in lower case.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    external_ids: ExternalIds = ExternalIds.PATH

    def accept(self, path: str) -> bool:
        """Return whether to index a file.

        Args:
            path: The path of the file in the folder.
        """
        if self.include and not _matches(path, self.include):
            return False
        return not _matches(path, self.exclude)

    def external_image_id(self, path: str) -> str:
        """Return the external image id of a photo, or "" for none.

        A photo that is not in a subfolder is named after its file.
        """
        if self.external_ids is ExternalIds.NONE:
            return ""
        if self.external_ids is ExternalIds.FOLDER and (folder := path.rpartition("/")[0]):
            return derived_external_image_id(folder)
        return derived_external_image_id(path)


class ListedPhoto(NamedTuple):
    """A photo that a source names.

    Attributes:
        uri: Address of the photo.
        external_image_id: The caller's own name for it, or "".
        version: Current version (see ``jobs.versions``); "" if unknown.
        requested: Whether to index the photo; if not, the job only records that it exists.
        version_id: The version of the S3 object, or None for the newest.
        is_missing: Whether nothing is at the address, which a manifest or a link names.
        line: A malformed line of a manifest, which does not name a photo; otherwise None.
    """

    uri: str
    external_image_id: str
    version: str
    requested: bool = True
    version_id: str | None = None
    is_missing: bool = False
    line: bytes | None = None

    def to_line(self) -> bytes:
        """Return the photo as a line of a manifest."""
        if self.line is not None:
            return self.line + b"\n"
        named: dict[str, str] = {"image": self.uri}
        if self.external_image_id:
            named["external_image_id"] = self.external_image_id
        if self.version_id is not None:
            named["version_id"] = self.version_id
        return json.dumps(named).encode() + b"\n"


def list_photos(
    objects: ObjectStore, folder: str, exclude: str | None, rules: ListingRules
) -> Iterator[ListedPhoto]:
    """Yield the objects of a folder in the order of their addresses.

    Every object counts as a photo except hidden ones (a name or folder that begins with a dot) and
    folder markers. An object that is not a photo becomes a skipped or a failed row. Hidden objects,
    folder markers, files that the rules do not accept, and files of the excluded subfolder are
    yielded with ``requested`` false.

    Args:
        objects: Store that contains the folder.
        folder: Its uri with the final ``/``.
        exclude: A subfolder to exclude (that of the jobs), or None.
        rules: Rules for the files to index and their ids.
    """
    start, filtered = len(folder), bool(rules.include or rules.exclude)
    for found in objects.list(folder):
        uri = found.uri
        path = uri[start:]
        hidden = path.startswith(".") or "/." in path
        if (
            hidden
            or uri.endswith("/")
            or (exclude and uri.startswith(exclude))
            or (filtered and not rules.accept(path))
        ):
            yield ListedPhoto(uri, "", "", requested=False)
        else:
            name, is_missing = rules.external_image_id(path), found.version == MISSING
            yield ListedPhoto(uri, name, version_of(found), is_missing=is_missing)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    lower = path.lower()
    name = lower.rpartition("/")[2]
    return any(
        fnmatchcase(lower, pattern.lower()) or fnmatchcase(name, pattern.lower())
        for pattern in patterns
    )
