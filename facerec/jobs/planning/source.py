"""Finds the source of a job: a manifest, or photos to list into one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from facerec.core.names import derived_external_image_id
from facerec.jobs.manifest.inspection import Inspection, inspect, is_photo, read_sample
from facerec.jobs.manifest.inventory import inspect_inventory, is_inventory
from facerec.jobs.manifest.listing import ListedPhoto, list_photos
from facerec.jobs.versions import version_of
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore, folder_of, scheme_of

if TYPE_CHECKING:
    from facerec.jobs.planning.request import JobRequest

COUNTED_AT_ONCE = 1000
"""Number of listed objects between two calls of ``on_listed``."""


class Listing:
    """Photos in the order of their addresses; iterate them once.

    Attributes:
        photos: iterable of the photos.
        contains: returns whether a photo at an address would be among them.
        can_be_compared: whether the photos have versions.
    """

    def __init__(
        self,
        photos: Iterable[ListedPhoto],
        contains: Callable[[str], bool] = lambda uri: False,
        *,
        can_be_compared: bool = True,
        on_listed: Callable[[int], None] = lambda listed: None,
    ) -> None:
        self.photos, self.contains, self.can_be_compared = photos, contains, can_be_compared
        self._on_listed = on_listed
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[ListedPhoto]:
        """Yield the photos, and compute the identity of those that are requested."""
        update = self._digest.update
        for number, photo in enumerate(self.photos, 1):
            if not number % COUNTED_AT_ONCE:
                self._on_listed(number)
            if photo.requested:
                uri, name, version, _, version_id = photo
                text = f"{uri}\t{name}\t{version}\t{version_id}\n"
                update(text.encode("utf-8", "surrogateescape"))
            yield photo

    @property
    def identity(self) -> str:
        """Return a digest that changes whenever the photos do."""
        return self._digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a job.

    Attributes:
        base: the folder of relative paths, or None.
        identity: digest that changes whenever the manifest changes; None for photos to list.
        inspection: the inspected manifest; None for photos to list.
        listing: photos to list into a manifest; None if the source is a manifest.
    """

    base: str | None
    identity: str | None = None
    inspection: Inspection | None = None
    listing: Listing | None = field(default=None, repr=False)


def find_source(
    request: JobRequest,
    objects: ObjectStore,
    exclude: str,
    on_listed: Callable[[int], None] = lambda listed: None,
) -> Source:
    """Find the source of a request; a folder is not listed yet.

    Args:
        request: the request.
        objects: contains the manifest or the photos.
        exclude: the folder of the jobs, which is not part of a listing.
        on_listed: called repeatedly with the number of objects listed.

    Raises:
        ObjectNotFoundError: it does not exist.
        InvalidInputError: it is not a manifest.
    """
    if request.manifest is None:
        base = f"{Path.cwd()}/" if scheme_of(exclude) == "file" else None
        named = (
            ListedPhoto(entry.uri, entry.external_image_id or "", "", version_id=entry.version_id)
            for entry in request.images
        )
        return Source(base, listing=Listing(named, can_be_compared=False))
    uri = request.manifest
    if scheme_of(uri) == "file":
        # Path.resolve would follow links, and lose the path that the caller uses.
        uri = os.path.abspath(uri) + "/" * Path(uri).is_dir()  # noqa: PTH100
    if uri.endswith("/"):
        found = list_photos(objects, uri, exclude, request.listing)
        contains = lambda photo: photo.startswith(uri)  # noqa: E731
        return Source(uri, listing=Listing(found, contains, on_listed=on_listed))
    info, sample = read_sample(objects, uri)
    if is_inventory(uri, sample):
        return Source(None, f"{uri} {info.version}", inspect_inventory(objects, info))
    if is_photo(uri, sample):
        photo = ListedPhoto(
            uri, derived_external_image_id(PurePosixPath(uri).name), version_of(info)
        )
        return Source(None, listing=Listing([photo]))
    return Source(folder_of(uri), f"{uri} {info.version}", inspect(info, sample))


def inspect_listing(file: IO[bytes]) -> Inspection:
    """Inspect a manifest that a listing was written to; the file must have a name."""
    file.flush()
    return inspect(*read_sample(LocalObjects(), file.name))
