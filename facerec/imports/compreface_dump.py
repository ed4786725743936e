"""Reads the saved examples of a face recognition service from a dump of CompreFace's database.

https://github.com/exadel-inc/CompreFace/blob/master/java/admin/src/main/resources/db/changelog/db.changelog-0.1.7.yaml
defines the tables. The id that the REST API calls ``image_id`` is the id of the embedding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from facerec.core.ids import is_uuid
from facerec.core.input_files import open_input
from facerec.core.limits import MAX_DUMP_BYTES, MAX_PHOTO_BYTES
from facerec.core.photos import UnreadableReason
from facerec.errors import (
    InvalidInputError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    UnreadablePhotoError,
)
from facerec.imports.compreface import Example
from facerec.imports.copy_blocks import Row, copied_rows

_TABLES = frozenset({"embedding", "img", "model", "subject"})
_HEX = rb"\\x"
"""Prefix of a photo: ``\\x``, whose backslash is escaped."""

_PLAIN = "write a plain dump with `pg_dump -f frs.sql frs`"
_FORMATS = {
    b"PGDMP": ("in PostgreSQL's custom format", "convert it with `pg_restore -f frs.sql FILE`"),
    b"\x1f\x8b": ("compressed", "decompress it with gunzip first"),
    b"\x28\xb5\x2f\xfd": ("compressed", "decompress it with zstd first"),
    b"BZh": ("compressed", "decompress it with bunzip2 first"),
    b"\xfd7zXZ": ("compressed", "decompress it with unxz first"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it first"),
    b"\xff\xfe": ("UTF-16 text, as PowerShell's > writes it", _PLAIN),
}
"""First bytes of files that are not a plain dump, each with the format and the remedy."""


@dataclass(slots=True)
class ComprefaceDump:
    """Reads one face recognition service from a plain dump.

    Attributes:
        models: Number of faces by the network that computed their embeddings.
    """

    _path: Path
    _names: dict[str, str] = field(default_factory=dict)
    _faces: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Ids of the embedding, the subject, and the photo."""

    _photos: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Offset and length of each photo's text in the file."""

    models: dict[str, int] = field(default_factory=dict)

    def subjects(self) -> list[str]:
        """Return the names of all people, including those without photos."""
        return list(self._names.values())

    def examples(self) -> Iterator[Example]:
        """Yield all saved photos, in the order of the dump."""
        for face_id, subject_id, _ in self._faces:
            yield Example(face_id, self._names[subject_id])

    def address_of(self, example: Example) -> str:
        """Return the address of a photo: the name of the dump and the id of the embedding."""
        return f"{self._path.name}#embedding={example.image_id}"

    def photo(self, example: Example) -> bytes:
        """Read a photo.

        Raises:
            ObjectNotFoundError: The dump does not have the photo.
            UnreadablePhotoError: The photo is not in PostgreSQL's hex format, or is damaged.
            PhotoTooLargeError: The photo has too many bytes.
            InvalidInputError: The dump cannot be read any more.
            ReadTimedOutError: The file system does not answer.
        """
        address = self.address_of(example)
        offset, length = self._photos.get(example.image_id, (0, 0))
        if length <= len(_HEX):
            raise ObjectNotFoundError(address)
        if length - len(_HEX) > 2 * MAX_PHOTO_BYTES:
            raise PhotoTooLargeError(f"{address} is larger than {MAX_PHOTO_BYTES >> 20} MiB")
        with open_input(self._path, MAX_DUMP_BYTES) as file:
            file.seek(offset)
            text = file.read(length)
        if not text.startswith(_HEX):
            raise UnreadablePhotoError(
                address,
                UnreadableReason.UNSUPPORTED_FORMAT,
                "it is not in PostgreSQL's hex format",
            )
        try:
            return bytes.fromhex(text[len(_HEX) :].decode("ascii"))
        except ValueError:
            raise UnreadablePhotoError(
                address, UnreadableReason.CORRUPT, "its hexadecimal digits are damaged"
            ) from None


def read_dump(path: Path, api_key: str | None = None) -> ComprefaceDump:
    """Read the people in a dump and the positions of its photos; the photos stay in the file.

    Args:
        path: A plain dump of PostgreSQL.
        api_key: Key of the face recognition service; None for the only service that has people.

    Raises:
        InvalidInputError: The file cannot be read, is not a plain dump of CompreFace, is truncated,
            lacks a table or has an invalid row, no service with people has the key, or there is no
            key and several services have people.
        ReadTimedOutError: The file system does not answer.
    """
    _check_form(path)
    subjects: dict[str, tuple[str, str]] = {}
    faces: list[tuple[str, str, str | None, str]] = []
    photos: dict[str, tuple[int, int]] = {}
    services: dict[str, str] = {}
    found: set[str] = set()
    with open_input(path, MAX_DUMP_BYTES) as file:
        for row in copied_rows(file, _TABLES):
            found.add(row.table)
            if row.table == "subject":
                subjects[_id(row, "id")] = (_text(row, "api_key"), _text(row, "subject_name"))
            elif row.table == "embedding":
                photo_id = None if row.text("img_id") is None else _id(row, "img_id")
                ids = (_id(row, "id"), _id(row, "subject_id"))
                faces.append((*ids, photo_id, _text(row, "calculator")))
            elif row.table == "model":
                services[_text(row, "api_key")] = _text(row, "name")
            elif list(row.fields) == ["id", "content"]:
                photos[row.fields["id"].decode("ascii", "replace")] = (
                    row.last_offset,
                    row.last_length,
                )
    if "subject" not in found or "embedding" not in found:
        raise _no_rows(path, found)
    key = _chosen(api_key, subjects, services)
    names = {each: name for each, (owner, name) in subjects.items() if owner == key}
    own = [face for face in faces if face[1] in names]
    return ComprefaceDump(
        path,
        names,
        [face[:3] for face in own],
        {face[0]: photos[face[2]] for face in own if face[2] in photos},
        dict(Counter(face[3] for face in own)),
    )


def _check_form(path: Path) -> None:
    """Check, by its beginning, that a file is a plain dump.

    Raises:
        InvalidInputError: The file is not a plain dump; the hint shows how to make one.
    """
    if path.is_dir():
        if (path / "toc.dat").exists():
            raise InvalidInputError(
                f"{path} is a dump in PostgreSQL's directory format",
                "convert it with `pg_restore -f frs.sql FOLDER`",
            )
        raise InvalidInputError(
            f"{path} is a folder, not a dump of CompreFace's database",
            "a folder of photos is not an export of CompreFace; index it, with its people",
        )
    if not path.is_file():
        raise InvalidInputError(
            f"{path} is not a regular file", "write the dump to a file first: it is read twice"
        )
    with open_input(path, MAX_DUMP_BYTES) as file:
        start = file.read(512)
    for signature, (form, hint) in _FORMATS.items():
        if start.startswith(signature):
            raise InvalidInputError(f"{path} is {form}", hint)
    if start[257:262] == b"ustar":
        raise InvalidInputError(
            f"{path} is a tar archive",
            "if pg_dump made it, convert it with `pg_restore -f frs.sql FILE`",
        )


def _no_rows(path: Path, found: set[str]) -> InvalidInputError:
    missing = "subject" if "subject" not in found else "embedding"
    if not found & {"subject", "embedding", "img"}:
        return InvalidInputError(
            f"{path} is not a plain dump of CompreFace's database",
            f"{_PLAIN}, with the data, and without INSERT statements",
        )
    return InvalidInputError(
        f"{path} has no rows of the table {missing}", f"{_PLAIN}; it needs the whole database"
    )


def _chosen(
    api_key: str | None, subjects: dict[str, tuple[str, str]], services: dict[str, str]
) -> str:
    """Return the key of the service to import.

    Raises:
        InvalidInputError: No key is given and several services have people, or none has the key.
    """
    people = Counter(owner for owner, _ in subjects.values())
    if api_key is not None and api_key in people:
        return api_key
    if api_key is None and len(people) == 1:
        return next(iter(people))
    listed = "; ".join(
        f"{services.get(owner, 'a service without a name')}: {number:,}"
        for owner, number in people.most_common()
    )
    if api_key is None:
        raise InvalidInputError(
            f"the dump has the people of {len(people)} face recognition services ({listed})",
            "choose one by its API key, which CompreFace shows beside its name",
        )
    raise InvalidInputError(
        f"no face recognition service with people in the dump has this API key ({listed})",
        "use the key that CompreFace shows beside the name of a service",
    )


def _id(row: Row, column: str) -> str:
    value = _text(row, column)
    if not is_uuid(value):
        raise InvalidInputError(f"a row of the table {row.table} has a {column} that is not a UUID")
    return value


def _text(row: Row, column: str) -> str:
    value = row.text(column)
    if value is None:
        raise InvalidInputError(f"a row of the table {row.table} has no {column}")
    return value
