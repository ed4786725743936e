"""Changes objects that other processes may change concurrently."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from facerec.errors import ObjectChangedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

Result = TypeVar("Result")

MAX_ATTEMPTS = 20
"""Maximum number of attempts to change an object that other processes change too."""


def change_object(
    objects: ObjectStore, uri: str, change: Callable[[bytes], tuple[bytes | None, Result]]
) -> Result:
    """Read, change and write an object; repeat this if another process changes it in between.

    Args:
        objects: Contains the object.
        uri: The object.
        change: Returns the new content and a result; it may be called several times. If the new
            content is None, the object is deleted, even if another process has changed it since.

    Returns:
        The result of the change that was written. Content that stays the same is not written.

    Raises:
        ObjectNotFoundError: The object does not exist, or was deleted in the meantime.
        AccessDeniedError: The object may not be read or written.
        StoreUnavailableError: Others have changed it during each of ``MAX_ATTEMPTS`` attempts.
    """
    last: tuple[bytes | None, Result] | None = None
    for _ in range(MAX_ATTEMPTS):
        content, found = objects.fetch(uri)
        if last is not None and last[0] == content:
            # The object was written, but the response was lost and the request repeated.
            return last[1]
        last = change(content)
        if last[0] is None:
            objects.delete(uri)
            return last[1]
        if last[0] == content or objects.replace(uri, last[0], version=found.version):
            return last[1]
    raise _is_busy(uri)


def change_file(
    objects: ObjectStore, uri: str, change: Callable[[ObjectInfo, IO[bytes]], int]
) -> int:
    """Change an object of any size through a local file, like ``change_object``.

    Args:
        objects: Contains the object.
        uri: The object.
        change: Reads the given version of the object, writes the new content into an empty file,
            and returns the number of changes. It may be called several times, also after it has
            raised ``ObjectChangedError``.

    Returns:
        The number of changes. Without any, nothing is written.

    Raises:
        ObjectNotFoundError: The object does not exist, or was deleted in the meantime.
        AccessDeniedError: The object may not be read or written.
        StoreUnavailableError: Others have changed it during each of ``MAX_ATTEMPTS`` attempts.
    """
    for _ in range(MAX_ATTEMPTS):
        found = objects.head(uri)
        with tempfile.NamedTemporaryFile() as file:
            try:
                changes = change(found, file)
            except ObjectChangedError:
                continue
            file.flush()
            if not changes or objects.replace(uri, Path(file.name), version=found.version):
                return changes
    raise _is_busy(uri)


def _is_busy(uri: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"other processes keep changing {uri}", "try again")
