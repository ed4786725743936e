"""Reads the small JSON documents of job folders and of remembered photos."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from facerec.core.limits import MAX_JSON_BYTES
from facerec.core.stored_json import stored_json
from facerec.errors import RESTORE_FILE, JobFolderError, ObjectNotFoundError
from facerec.storage.objects.protocol import folder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.storage.objects.protocol import ObjectStore

Parsed = TypeVar("Parsed")

_RESTORE_OR_DELETE = f"{RESTORE_FILE}; if there is none, delete the file and start the job again"


def read_document(
    objects: ObjectStore,
    uri: str,
    parse: Callable[[Any], Parsed],
    *,
    max_bytes: int = MAX_JSON_BYTES,
) -> Parsed:
    """Read a JSON document, and return it as converted by ``parse``.

    Args:
        objects: Contains the document.
        uri: Address of the document.
        parse: Converts the document; a ``ValueError``, ``KeyError``, ``TypeError`` or
            ``AttributeError`` means that it is damaged.
        max_bytes: Maximum size of the document; a larger one is damaged.

    Raises:
        ObjectNotFoundError: The document does not exist.
        JobFolderError: The document is damaged.
    """
    return parse_document(uri, objects.read(uri, end=max_bytes), parse)


def read_if_exists(objects: ObjectStore, uri: str, parse: Callable[[Any], Parsed]) -> Parsed | None:
    """Read a JSON document; return what ``parse`` returns for it, or None if there is none.

    Raises:
        JobFolderError: The document is damaged.
    """
    try:
        return read_document(objects, uri, parse)
    except ObjectNotFoundError:
        return None


def parse_document(uri: str, content: bytes, parse: Callable[[Any], Parsed]) -> Parsed:
    """Return the content of a JSON document, as converted by ``parse``.

    Args:
        uri: Address of the document, for the error.
        content: The content of the document.
        parse: See ``read_document``.

    Raises:
        JobFolderError: The document is damaged.
    """
    try:
        return parse(stored_json(content, uri))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged_file(uri) from error


def to_record(kind: type[Parsed], document: Any) -> Parsed:  # noqa: ANN401 - any JSON value
    """Return the record that a JSON document contains.

    Args:
        kind: A dataclass whose fields are strings, numbers, booleans, dictionaries, or None.
        document: The document, with the names of the fields.

    Raises:
        AttributeError: The document is not an object.
        KeyError: The document has a member that is not a field.
        TypeError: A field is missing, or has a value of another type.
    """
    types = get_type_hints(kind)
    for name, value in document.items():
        if not _is_of_type(value, types[name]):
            raise TypeError(f"{name} has a value of another type")
    return kind(**document)


def _is_of_type(value: object, wanted: Any) -> bool:  # noqa: ANN401 - a type, or a union of types
    if isinstance(wanted, UnionType):
        return any(_is_of_type(value, each) for each in get_args(wanted))
    if isinstance(value, bool):
        return wanted is bool
    # JSON does not distinguish 1.0 from 1.
    return isinstance(value, (int, float) if wanted is float else get_origin(wanted) or wanted)


def damaged_file(uri: str, hint: str = _RESTORE_OR_DELETE) -> JobFolderError:
    """Return the error for a damaged file of a job folder or of remembered photos."""
    folder = folder_of(uri)
    return JobFolderError(folder, f"has a damaged file: {uri.removeprefix(folder)}", hint)
