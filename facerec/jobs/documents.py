"""Reads the small JSON documents of job folders, and of what jobs remember."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from facerec.core.limits import MAX_JSON_BYTES
from facerec.errors import RESTORE_FILE, JobFolderError
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
    """Read a JSON document and return what ``parse`` returns for it.

    Args:
        objects: Contains the document.
        uri: Address of the document.
        parse: Converts the document; a ``ValueError``, ``KeyError``, ``TypeError`` or
            ``AttributeError`` means that it is damaged.
        max_bytes: Maximum size of the document; a larger one is damaged.

    Raises:
        ObjectNotFoundError: It does not exist.
        JobFolderError: It is damaged.
    """
    return parse_document(uri, objects.read(uri, end=max_bytes), parse)


def parse_document(uri: str, content: bytes, parse: Callable[[Any], Parsed]) -> Parsed:
    """Return what ``parse`` returns for the content of a JSON document.

    Args:
        uri: Address of the document, for the error.
        content: The content of the document.
        parse: See ``read_document``.

    Raises:
        JobFolderError: The document is damaged.
    """
    try:
        return parse(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged_file(uri) from error


def damaged_file(uri: str, hint: str = _RESTORE_OR_DELETE) -> JobFolderError:
    """Return the error of a damaged file in a job folder, or of what jobs remember."""
    folder = folder_of(uri)
    return JobFolderError(folder, f"has a damaged file: {uri.removeprefix(folder)}", hint)
