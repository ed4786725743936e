"""Finds the source of a job: a manifest, or photos to list into one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from facerec.core.derived_names import derived_external_image_id
from facerec.errors import InvalidInputError
from facerec.jobs.manifest.entries import LineParser, ManifestEntry
from facerec.jobs.manifest.inspection import Inspection, inspect, is_photo, read_sample
from facerec.jobs.manifest.inventory import inspect_inventory, is_inventory, source_bucket
from facerec.jobs.manifest.listing import ListedPhoto, list_photos
from facerec.jobs.manifest.source import LineFormat
from facerec.jobs.planning.named_photos import lines_of, named_photos
from facerec.jobs.versions import version_of
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore, folder_of, scheme_of

if TYPE_CHECKING:
    from facerec.jobs.planning.request import JobRequest

COUNTED_AT_ONCE = 1000
"""Number of listed objects between two calls of ``on_listed``."""


class Listing:
    """The photos of a source, in the order of their addresses; iterate over them only once.

    Attributes:
        photos: Iterable of the photos.
        contains: Returns whether a photo at an address would be among them.
        is_named: Whether the photos come from a manifest or a request, so that they may lack
            versions and may not exist.
    """

    def __init__(
        self,
        photos: Iterable[ListedPhoto],
        contains: Callable[[str], bool] = lambda uri: False,
        *,
        is_named: bool = False,
        on_listed: Callable[[int], None] = lambda listed: None,
    ) -> None:
        self.photos, self.contains, self.is_named = photos, contains, is_named
        self._on_listed = on_listed
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[ListedPhoto]:
        """Yield the photos, and compute the identity of those that are requested."""
        update = self._digest.update
        for number, photo in enumerate(self.photos, 1):
            if not number % COUNTED_AT_ONCE:
                self._on_listed(number)
            if photo.requested:
                uri, name, version, _, version_id, *_ = photo
                text = f"{uri}\t{name}\t{version}\t{version_id}\n"
                update(text.encode("utf-8", "surrogateescape"))
            yield photo

    @property
    def identity(self) -> str:
        """Digest that changes whenever the requested photos do; valid after the iteration."""
        return self._digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a job.

    Attributes:
        base: The folder of relative paths, or None.
        listing: The photos.
        identity: Digest that changes whenever the manifest changes; None for photos that are not
            in a manifest.
        inspection: The inspected manifest; None for photos that are not in a manifest.
        scope: The folder or bucket whose photos the source names completely, so that all others in
            it are gone; None if the source may name only some of them.
    """

    base: str | None
    listing: Listing = field(repr=False)
    identity: str | None = None
    inspection: Inspection | None = None
    scope: str | None = None


def find_source(
    request: JobRequest,
    objects: ObjectStore,
    exclude: str,
    on_listed: Callable[[int], None] = lambda listed: None,
) -> Source:
    """Find the source of a request; a folder is not listed yet.

    Args:
        request: The request.
        objects: Contains the manifest or the photos.
        exclude: The folder of the jobs, which is not part of a listing.
        on_listed: Called repeatedly with the number of objects listed.

    Raises:
        ObjectNotFoundError: The manifest or photo does not exist.
        InvalidInputError: The object is neither a manifest nor a photo, it changes during the call,
            or a folder is in the folder of the jobs.
    """
    if request.manifest is None:
        base = f"{Path.cwd()}/" if scheme_of(exclude) == "file" else None
        parser = LineParser(LineFormat.JSONL, (), base, base is not None)
        named = named_photos(map(_line_of, request.images), parser)
        return Source(base, Listing(named, is_named=True))
    uri = request.manifest
    if scheme_of(uri) == "file":
        # Path.resolve would follow links, and so lose the path that the caller uses.
        uri = os.path.abspath(uri) + "/" * Path(uri).is_dir()  # noqa: PTH100
    if uri.endswith("/"):
        if uri.startswith(exclude):
            raise InvalidInputError(
                f"{uri} cannot be indexed: {exclude} is for the files of jobs",
                "choose another folder for the job, or index another folder",
            )
        found = list_photos(objects, uri, exclude, request.listing)
        contains = lambda photo: photo.startswith(uri)  # noqa: E731
        return Source(uri, Listing(found, contains, on_listed=on_listed), scope=uri)
    info, sample = read_sample(objects, uri)
    if is_inventory(uri, sample):
        scope = source_bucket(objects, uri, info.version)
        return _manifest(None, inspect_inventory(objects, info), objects, on_listed, scope=scope)
    if is_photo(uri, sample):
        photo = ListedPhoto(
            uri, derived_external_image_id(PurePosixPath(uri).name), version_of(info)
        )
        return Source(None, Listing([photo]))
    local = scheme_of(exclude) == "file"
    return _manifest(folder_of(uri), inspect(info, sample), objects, on_listed, local=local)


def _line_of(entry: ManifestEntry) -> bytes:
    name, version_id = entry.external_image_id or "", entry.version_id
    return ListedPhoto(entry.uri, name, "", version_id=version_id).to_line()


def _manifest(
    base: str | None,
    inspection: Inspection,
    objects: ObjectStore,
    on_listed: Callable[[int], None],
    *,
    scope: str | None = None,
    local: bool = False,
) -> Source:
    source = inspection.source
    parser = LineParser(source.format, source.columns, base, local)
    listing = Listing(
        named_photos(lines_of(objects, source), parser),
        (lambda uri: False) if scope is None else (lambda uri: uri.startswith(scope)),
        is_named=True,
        on_listed=on_listed,
    )
    return Source(base, listing, f"{source.uri} {source.version}", inspection, scope)


def inspect_listing(file: IO[bytes]) -> Inspection:
    """Inspect a manifest that a listing was written to; the file must have a name."""
    file.flush()
    return inspect(*read_sample(LocalObjects(), file.name))
