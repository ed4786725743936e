"""Finds faces below a folder whose photos are gone or replaced, and not remembered by any job.

The memory is older than the collection if job folders were restored from a copy, and newer if the
database was. Then the stored faces themselves are compared with the remembered photos: their
records name the addresses of their photos. This reads all faces of the collection once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from facerec.core.ids import group_of
from facerec.core.prune_limit import is_over_limit, too_many_gone
from facerec.jobs.outcomes import NOT_READ
from facerec.jobs.remembered.joining import next_group
from facerec.jobs.remembered.photos import (
    RememberedPhoto,
    escaped,
    photo_of_line,
    unescaped,
)
from facerec.jobs.remembered.sorting import sorted_lines
from facerec.jobs.remembered.stale_photos import StalePhoto
from facerec.storage.objects.protocol import ObjectStore, may_exist, scheme_of

if TYPE_CHECKING:
    from facerec.jobs.plan import Plan
    from facerec.jobs.remembered.memory import Memory
    from facerec.storage.faces import FaceStore


@dataclass(slots=True)
class Unremembered:
    """Faces that no job remembers at the address of their photo.

    Attributes:
        gone: Photos that do not exist.
        replaced: Image keys of photos that are no longer at their address, by address.
    """

    gone: list[StalePhoto] = field(default_factory=list)
    replaced: dict[str, frozenset[str]] = field(default_factory=dict)


def find_unremembered(
    plan: Plan, objects: ObjectStore, faces: FaceStore, memory: Memory
) -> Unremembered:
    """Compare the faces below the folder of a complete job with the remembered photos.

    Raises:
        InvalidInputError: More photos are gone than may be pruned.
        ConflictError: The collection serves another model version now.
    """
    folder = plan.base or ""
    stored = sorted_lines(
        (
            "\t".join((escaped(each.address), each.external_image_id or "", group_of(each.face_id)))
            for each in faces.all_faces(plan.collection_id)
            if each.address.startswith(folder)
        ),
        key=_address,
    )
    found, photos, missing = Unremembered(), 0, set[str]()
    remembered = groupby(memory.newest(), key=itemgetter(0))
    uri, lines = next_group(remembered)
    for address, members in groupby(stored, key=_address):
        photos += 1
        while uri is not None and uri < address:
            uri, lines = next_group(remembered)
        known: dict[str, list[RememberedPhoto]] = {}
        for *_, line in lines if uri == address else ():
            if (photo := photo_of_line(line)).key:
                known.setdefault(photo.external_image_id, []).append(photo)
        for line in sorted(set(members)):
            _, name, key = line.split("\t")
            here = known.get(name, [])
            if any(photo.key == key for photo in here):
                continue
            if here:
                # A manifest may name several versions of an object in S3 on purpose.
                was_read = all(photo.outcome not in NOT_READ for photo in here)
                if was_read and scheme_of(folder) == "file":
                    found.replaced[address] = found.replaced.get(address, frozenset()) | {key}
            elif not may_exist(address, objects):
                missing.add(address)
                found.gone.append(StalePhoto(address, name, "", key, 0, is_gone=True))
    _check_limit(plan, len(missing), photos)
    return found


def _check_limit(plan: Plan, gone: int, photos: int) -> None:
    limit = plan.prune_limit_percentage
    if is_over_limit(gone, photos, limit):
        raise too_many_gone(gone, photos, f"photos with faces in {plan.base}", limit)


def _address(line: str) -> str:
    return unescaped(line.partition("\t")[0])
