"""Finds the new addresses of photos that are gone from their earlier ones.

A moved photo has the same content. If its external image id is derived from its path, it has
another one now, and so another image key; its faces were stored again under new ids. Jobs remember
the key of each photo, but not its content. So for a photo that is gone, the key that its content
would have is computed for each remembered photo of the same size or ETag, and compared.

A photo that was written again, with the same bytes under another external image id, is found by the
same comparison at its own address.

A photo is not found if its version is not remembered, or if its ETag changed when it was moved. The
ETag of an object in S3 changes if the object is copied in several parts or encrypted with another
key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facerec.core.ids import image_key
from facerec.gallery.indexing.storing import pair_boxes
from facerec.jobs.remembered.comparison import may_replace_id
from facerec.jobs.remembered.photos import photo_of_line
from facerec.jobs.versions import content_of_version
from facerec.storage.objects.protocol import may_exist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from facerec.core.records import FaceRecord
    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.memory import Memory
    from facerec.jobs.remembered.newest import Remembered
    from facerec.jobs.remembered.photos import RememberedPhoto
    from facerec.jobs.remembered.stale_photos import StalePhoto
    from facerec.storage.faces import FaceStore
    from facerec.storage.objects.protocol import ObjectStore


def same_faces(
    plan: Plan,
    stored: Mapping[str, Sequence[FaceRecord]],
    keys: Mapping[str, str],
    faces: FaceStore,
) -> dict[str, str]:
    """Match faces under new image keys with the same faces under the old keys, by their boxes.

    Args:
        plan: Plan of the job.
        stored: Faces by old image key.
        keys: New image keys of photos by their old ones.
        faces: The store of the collection.

    Returns:
        New face ids by old face id. Faces that were not found again in a photo are omitted.

    Raises:
        ConflictError: The collection serves another model version now.
    """
    keys = {key: new for key, new in keys.items() if key in stored}
    found = faces.get_images(plan.collection_id, sorted(set(keys.values()))) if keys else {}
    same: dict[str, str] = {}
    for key, new in keys.items():
        here, there = stored[key], found.get(new, [])
        for old, other in pair_boxes([face.box for face in here], [face.box for face in there]):
            same[here[old].face_id] = there[other].face_id
    return same


class MovedPhotos:
    """Finds the new addresses of photos that are gone.

    Args:
        gone: The photos.
        removed: Image keys of all photos whose faces are removed; they are not new keys of any
            photo.
        memory: The remembered photos of the collection, which are read once.
    """

    def __init__(self, gone: Iterable[StalePhoto], removed: Iterable[str], memory: Memory) -> None:
        self.removed = frozenset(removed)
        self._contents: dict[str, str] = {}
        for photo in gone:
            content = content_of_version(photo.uri, photo.version)
            if photo.key and content:
                self._contents[photo.key] = content
        self._alike: dict[str, list[RememberedPhoto]] = {"": []}
        sought = {"", *self._contents.values()}
        for uri, _, _, line in memory.newest() if self._contents else ():
            content = content_of_version(uri, line.split("\t", 3)[2])
            if content in sought:
                self._alike.setdefault(content, []).append(photo_of_line(line))

    def faces(
        self,
        plan: Plan,
        stored: Mapping[str, Sequence[FaceRecord]],
        objects: ObjectStore,
        faces: FaceStore,
    ) -> dict[str, str]:
        """Match the faces of photos that have moved with the same faces at the new addresses.

        Args:
            plan: Plan of a complete job.
            stored: Faces by image key, some of them of photos that are gone.
            objects: Contains the photos.
            faces: The store of the collection.

        Returns:
            New face ids by old face id. Faces that were not found again in a photo are omitted.

        Raises:
            ConflictError: The collection serves another model version now.
        """
        keys = {
            key: new
            for key, members in stored.items()
            if members and (new := self.new_key(plan, key, members[0].image_id, objects))
        }
        return same_faces(plan, stored, keys, faces)

    def new_key(self, plan: Plan, key: str, image_id: str, objects: ObjectStore) -> str | None:
        """Return the image key of a photo at its new address; None if it has not moved."""
        content = self._contents.get(key)
        if content is None:
            return None
        for photo in (*self._alike.get(content, ()), *self._alike[""]):
            name = photo.external_image_id or None
            own = image_key(plan.collection_id, image_id, name, plan.id_version)
            if photo.key == own and own not in self.removed and may_exist(photo.uri, objects):
                return own
        return None


@dataclass(frozen=True, slots=True)
class PhotoReadAgain:
    """A photo that seemed to be replaced, and the photos that a job has read at its address.

    Attributes:
        old: The photo as it was remembered.
        now: The photo at the address as the job has read it, once for each external image id.
    """

    old: StalePhoto
    now: tuple[RememberedPhoto, ...]

    @property
    def replaces_id(self) -> bool:
        """Whether the external image ids that the photo has now replace its old one."""
        return may_replace_id(
            self.old.has_chosen_id, any(photo.has_chosen_id for photo in self.now)
        )

    def same_bytes(self, plan: Plan, image_id: str) -> str | None:
        """Return the new image key of the photo if only its external image id has changed.

        Args:
            plan: Plan of the job.
            image_id: Image id of the old photo.

        Returns:
            None if the bytes of the photo have changed too.
        """
        for photo in self.now:
            name = photo.external_image_id
            ids = (plan.collection_id, image_id, name or None, plan.id_version)
            if name != self.old.external_image_id and image_key(*ids) == photo.key:
                return photo.key
        return None


def read_again_at(
    lines: Sequence[Remembered], stale: Sequence[StalePhoto], own: int | None
) -> dict[str, PhotoReadAgain]:
    """Return the replaced photos of an address that a job has read, by their old image keys.

    Args:
        lines: Remembered lines of the address.
        stale: Stale photos of the address.
        own: Number of the job's run.
    """
    replaced = [photo for photo in stale if not (photo.is_gone or photo.is_renamed)]
    if not replaced:
        return {}
    read = [photo_of_line(line) for _, _, number, line in lines if -number == own]
    now = tuple(photo for photo in read if photo.key)
    return {photo.key: PhotoReadAgain(photo, now) for photo in replaced if now}
