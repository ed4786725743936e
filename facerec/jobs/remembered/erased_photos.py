"""Erases photos from the memory of a collection.

An erased photo that is still in its folder must not be indexed again by the next job. So a digest
of its address and version stays, which reveals the address only to somebody who guesses it. If only
an external image id was erased, the digest contains it too: the photo may be indexed under another
one.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from facerec.core.limits import MAX_LEDGER_FILE_BYTES
from facerec.errors import RESTORE_FILE, ObjectNotFoundError
from facerec.jobs.documents import damaged_file
from facerec.jobs.remembered.photos import photo_of_line

if TYPE_CHECKING:
    from facerec.core.erasures import Selection
    from facerec.storage.objects.protocol import ObjectStore

_DIGEST = re.compile("[0-9a-f]{64}")


class ErasedPhoto(NamedTuple):
    """A photo that was erased from the remembered ones.

    Attributes:
        uri: Address of the photo.
        version: Version of the photo; "" stands for any version.
        external_image_id: The external image id that was erased; "" stands for any, or none.
    """

    uri: str
    version: str
    external_image_id: str


def erase_from_lines(content: bytes, selection: Selection) -> tuple[bytes, list[ErasedPhoto]]:
    """Erase photos from remembered lines, or from a list of stale photos.

    If only faces of a photo are deleted, its line is kept, so that the photo is not processed again
    and the faces do not come back.

    Returns:
        The content without selected photos and damaged lines, and the selected photos.
    """
    kept: list[bytes] = []
    erased: list[ErasedPhoto] = []
    for line in content.split(b"\n"):
        if not line:
            continue
        named = photo_in_line(line)
        if named is None:
            # A damaged line may contain any photo.
            continue
        uri, name, version = named
        if _is_selected(named, selection):
            erased.append(ErasedPhoto(uri, version, "" if uri in selection.photos else name))
        else:
            kept.append(line + b"\n")
    return b"".join(kept), erased


def photos_in_lines(lines: Iterable[bytes], selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield the selected photos in remembered lines, or in a list of stale photos."""
    for line in lines:
        named = photo_in_line(line)
        if named is not None and _is_selected(named, selection):
            if line.startswith(b"{"):
                stale = json.loads(line)
                outcome, faces = "GONE" if stale["is_gone"] else "REPLACED", stale["faces"]
            else:
                photo = photo_of_line(line.decode(errors="surrogateescape"))
                outcome, faces = photo.outcome, photo.faces
            uri, name, version = named
            yield listed_photo(uri, name, version=version, outcome=outcome, faces=faces)


def listed_photo(
    uri: str, name: str | None, *, version: str = "", outcome: str | None, faces: int | None
) -> dict[str, Any]:
    """Return a photo in a list in the form of ``photo`` in ``schemas/export.json``."""
    return {
        "photo": uri,
        "external_image_id": name or None,
        "version": version or None,
        "outcome": outcome,
        "faces": faces,
    }


def _is_selected(named: tuple[str, str, str], selection: Selection) -> bool:
    uri, name, _ = named
    return uri in selection.photos or name in selection.external_image_ids


def photo_in_line(line: bytes) -> tuple[str, str, str] | None:
    """Return address, external image id or "", and version of a remembered or stale photo.

    Returns:
        None if the line is damaged.
    """
    try:
        if line.startswith(b"{"):
            document = json.loads(line)
            return document["uri"], document["external_image_id"], document["version"]
        photo = photo_of_line(line.decode(errors="surrogateescape"))
    except (ValueError, KeyError):
        return None
    return photo.uri, photo.external_image_id, photo.version


def note_erased_photos(objects: ObjectStore, memory: str, photos: Iterable[ErasedPhoto]) -> None:
    """Record digests of erased photos.

    Args:
        objects: Store that contains the remembered photos.
        memory: Folder with the remembered photos of one creation of a collection.
        photos: The erased photos.
    """
    lines = "".join(f"{digest_of(memory, photo)}\n" for photo in photos)
    objects.write(f"{memory}erased-{secrets.token_hex(8)}", lines.encode())


def note_end(objects: ObjectStore, memory: str) -> None:
    """Record that an erasure has removed all lines of its photos, by a note without digests.

    A job that was planned from lines read before the note is planned again.

    Args:
        objects: Store that contains the remembered photos.
        memory: Folder with the remembered photos of one creation of a collection.
    """
    earlier = [found.uri for found in objects.list(f"{memory}erased-") if not found.size]
    note_erased_photos(objects, memory, ())
    for uri in earlier:
        objects.delete(uri)


def read_erased_photos(objects: ObjectStore, notes: Iterable[str]) -> frozenset[str]:
    """Return the digests of erased photos that the notes at some addresses contain.

    Raises:
        JobFolderError: A note is damaged, so that erased photos may be unknown.
    """
    digests: set[str] = set()
    for note in notes:
        try:
            noted = objects.read(note, end=MAX_LEDGER_FILE_BYTES).decode(errors="replace").split()
        except ObjectNotFoundError:
            continue
        if not all(map(_DIGEST.fullmatch, noted)):
            raise damaged_file(note, RESTORE_FILE)
        digests.update(noted)
    return frozenset(digests)


def digest_of(memory: str, photo: ErasedPhoto) -> str:
    """Return a digest of a photo that differs between collections."""
    # The folder may be moved, but its last part stays the same.
    created = memory.rstrip("/").rpartition("/")[2]
    named = "\0".join((created, *photo)).removesuffix("\0")
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()
