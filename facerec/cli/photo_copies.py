"""Copies found photos into a folder, or creates links to them, each under a different name."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.cli.new_files import incomplete_name, place
from facerec.core.ids import image_id
from facerec.core.input_files import read_input
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.sources import is_address
from facerec.errors import FacerecError, InputFileError, InvalidInputError
from facerec.storage.objects.protocol import ObjectStore, scheme_of

if TYPE_CHECKING:
    from facerec.gallery.search.found_faces import FoundFace

DOUBTFUL = "doubtful"
"""Subfolder of the doubtful photos."""

_MAX_NAME_BYTES = 255
_MAX_STEM_BYTES = 180
_DIGEST = 8


@dataclass
class FoundPhotos:
    """The photos of found faces, in the order of the faces.

    Attributes:
        contents: For each address, the ids of the photos that were indexed from it.
        without_address: Names of photos that were not read from an address: the name of an upload,
            or the id of a face.
    """

    contents: dict[str, set[str]] = field(default_factory=dict)
    without_address: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, found: Iterable[FoundFace], *, but: FoundPhotos | None = None) -> FoundPhotos:
        """Return the photos of faces, each address once, except addresses in ``but``."""
        known = {} if but is None else but.contents
        photos = cls()
        for each in found:
            record = each.match.face
            if not is_address(record.source):
                photos.without_address.append(record.source or f"of face {record.face_id}")
            elif record.address not in known:
                photos.contents.setdefault(record.address, set()).add(record.image_id)
        return photos


@dataclass
class Copied:
    """The outcome of copying photos.

    Attributes:
        photos: Number of photos that are in the folder now.
        errors: Errors of the photos that could not be copied.
    """

    photos: int = 0
    errors: list[FacerecError] = field(default_factory=list)


def copy_photos(
    certain: FoundPhotos, doubtful: FoundPhotos, folder: Path, objects: ObjectStore, *, link: bool
) -> tuple[Copied, Copied]:
    """Copy photos into a new folder, doubtful ones into a subfolder; or create links there.

    Repeating the call completes one that was interrupted. Nothing is overwritten.

    Args:
        certain: Photos that are not doubtful.
        doubtful: Doubtful photos.
        folder: The folder for the copies: a new or empty one, or the folder of an interrupted call.
        objects: Reads the photos.
        link: Whether to create links to the photos instead of copying them.

    Returns:
        The outcome for the photos, and for the doubtful ones.

    Raises:
        InvalidInputError: The folder has other files, or is not a folder; nothing was copied.
    """
    plans = [
        (folder, certain, distinct_names(certain.contents, reserved={DOUBTFUL})),
        (folder / DOUBTFUL, doubtful, distinct_names(doubtful.contents)),
    ]
    for place_of, _, names in plans:
        expected = {*names.values(), DOUBTFUL} if place_of == folder else {*names.values()}
        _require_only(place_of, expected)
    results = []
    for place_of, photos, names in plans:
        copied = Copied()
        for name in photos.without_address:
            copied.errors.append(
                InvalidInputError(
                    f"the photo {name} is not kept: it was uploaded, or its face was imported",
                    "copy the original yourself",
                )
            )
        if names or place_of == folder:
            place_of.mkdir(parents=True, exist_ok=True)
        for source, name in names.items():
            try:
                if link:
                    _link(source, photos.contents[source], place_of / name, objects)
                else:
                    _copy(source, photos.contents[source], place_of / name, objects)
                copied.photos += 1
            except FacerecError as error:
                copied.errors.append(error)
        results.append(copied)
    return results[0], results[1]


def distinct_names(
    sources: Mapping[str, object], *, reserved: Set[str] = frozenset()
) -> dict[str, str]:
    """Return a file name for each address; no two names are equal or differ only in case.

    A photo keeps its name, unless the name is reserved, empty, longer than 255 bytes, or also the
    name of another photo. Then a digest of the address is added.
    """
    bases = {source: source.rpartition("/")[2] for source in sources}
    number = Counter(_folded(base) for base in bases.values())
    taken = {_folded(name) for name in reserved}
    named: dict[str, str] = {}
    for source, base in bases.items():
        size = len(base.encode("utf-8", "surrogateescape"))
        if (
            number[_folded(base)] == 1
            and _folded(base) not in taken
            and base not in ("", ".", "..")
            and size <= _MAX_NAME_BYTES
        ):
            named[source] = base
    taken |= {_folded(name) for name in named.values()}
    for source, base in bases.items():
        if source in named:
            continue
        stem, dot, suffix = base.rpartition(".")
        if not stem or len(suffix) > _DIGEST:
            stem, dot, suffix = base.strip(".") or "photo", "", ""
        stem = stem.encode("utf-8", "surrogateescape")[:_MAX_STEM_BYTES].decode("utf-8", "ignore")
        digest = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()
        length = _DIGEST
        while _folded(name := f"{stem}-{digest[:length]}{dot}{suffix}") in taken:
            length += _DIGEST
        named[source] = name
        taken.add(_folded(name))
    return {source: named[source] for source in sources}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _require_only(folder: Path, names: Set[str]) -> None:
    """Check that a folder contains only files of earlier attempts."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise InvalidInputError(f"{folder} is not a folder", "name an empty folder")
    for entry in sorted(folder.iterdir()):
        if entry.name not in names and not _is_part(entry):
            raise InvalidInputError(
                f"{folder} has other files, such as {entry.name}", "name an empty folder"
            )


def _is_part(entry: Path) -> bool:
    return entry.name.startswith(".") and entry.name.endswith(".part")


def _read(source: str, contents: Set[str], objects: ObjectStore) -> bytes:
    content = objects.read(source, end=MAX_PHOTO_BYTES + 1)
    if image_id(content) not in contents:
        raise InvalidInputError(f"{source} has changed since it was indexed", "index it again")
    return content


def _copy(source: str, contents: Set[str], target: Path, objects: ObjectStore) -> None:
    content = _read(source, contents, objects)
    if os.path.lexists(target):
        with suppress(InputFileError):
            if read_input(target, len(content)) == content:
                return
        raise InvalidInputError(
            f"{target} already exists, with other content", "move it away, or choose another folder"
        )
    part = incomplete_name(target)
    try:
        part.write_bytes(content)
        if scheme_of(source) == "file":
            with suppress(OSError):
                shutil.copystat(source, part)
        place(part, target)
    finally:
        part.unlink(missing_ok=True)


def _link(source: str, contents: Set[str], target: Path, objects: ObjectStore) -> None:
    if scheme_of(source) != "file":
        raise InvalidInputError(f"{source} is not on this machine", "use --copy-to")
    _read(source, contents, objects)
    with suppress(FileExistsError):
        target.symlink_to(source)
        return
    if not (target.is_symlink() and str(target.readlink()) == source):
        raise InvalidInputError(
            f"{target} already exists, with other content", "move it away, or choose another folder"
        )
