"""Lists of photos whose faces a job removes: they were replaced or renamed, or are gone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from facerec.jobs.documents import damaged_file
from facerec.jobs.long_files import read_lines
from facerec.jobs.remembered.photos import repeats_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facerec.storage.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class StalePhoto:
    """A remembered photo that was replaced or renamed, or is gone; its faces may be removed.

    Attributes:
        uri: Address of the photo.
        external_image_id: The caller's own name for it, or "".
        version: The version that was read, or "".
        key: Image key of its faces, or "".
        faces: Number of its faces in the collection.
        is_gone: Whether the photo is gone, as opposed to replaced.
        may_have_moved: Whether a new photo of the source seems to be the same one, so that its
            faces are removed even without ``prune`` if it is.
        is_renamed: Whether the source lists the photo, but under other external image ids only.
        has_chosen_id: Whether somebody chose its external image id.
    """

    uri: str
    external_image_id: str
    version: str
    key: str
    faces: int
    is_gone: bool
    may_have_moved: bool = False
    is_renamed: bool = False
    has_chosen_id: bool = False

    def to_line(self) -> str:
        """Return the photo as a line of JSON."""
        return json.dumps(asdict(self)) + "\n"


def stale_photo_of_line(line: str | bytes) -> StalePhoto:
    """Parse a line of JSON.

    Raises:
        ValueError: The line is damaged.
    """
    try:
        document = json.loads(line)
        photo = StalePhoto(**document)
        if "has_chosen_id" not in document:
            # An earlier release wrote the line.
            chosen = not repeats_address(photo.external_image_id, photo.uri)
            photo = replace(photo, has_chosen_id=chosen)
    except (TypeError, AttributeError) as error:
        raise ValueError("not a stale photo") from error
    return photo


def read_stale_photos(objects: ObjectStore, uri: str) -> Iterator[StalePhoto]:
    """Yield the photos of a list of stale photos; see ``read_lines`` for repetitions.

    Raises:
        ObjectNotFoundError: The list does not exist.
        JobFolderError: The list is damaged.
        StoreUnavailableError: The list is changed repeatedly.
    """
    for line in read_lines(objects, uri):
        try:
            photo = stale_photo_of_line(line)
        except ValueError as error:
            raise damaged_file(uri) from error
        yield photo
