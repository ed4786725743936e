"""Objects on this machine and in S3, within an access policy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.core.override import override
from facerec.errors import (
    AccessDeniedError,
    ObjectChangedError,
    ObjectNotFoundError,
    ReadFailedError,
    ReadTimedOutError,
    StoreUnavailableError,
)
from facerec.storage.objects.access import AccessPolicy, ResolvedUri
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore, scheme_of

if TYPE_CHECKING:
    from facerec.storage.objects import local
else:
    local = DeferredModule("facerec.storage.objects.local")


def _local_objects() -> ObjectStore:
    return local.LocalObjects()


def _s3_objects(*, reads_other_regions: bool) -> ObjectStore:
    from facerec.storage.objects.s3 import S3Objects

    return S3Objects(reads_other_regions=reads_other_regions)


def _folder_objects() -> ObjectStore:
    # The paths are resolved.
    return local.LocalObjects(follow_links=False)


_FOLDER = "folder"
_BACKENDS: Mapping[str, Callable[[], ObjectStore]] = {
    "file": _local_objects,
    _FOLDER: _folder_objects,
}
"""Factory of the backend for each scheme except ``s3``; paths have the scheme ``file``. A folder
that is served as a bucket has a separate backend."""


@contextmanager
def _errors_of(resolved: ResolvedUri) -> Iterator[None]:
    """Convert a backend's errors to errors with the address that the caller used.

    Clients must not see the path of a folder that is served as a bucket.
    """
    try:
        yield
    except (ObjectNotFoundError, AccessDeniedError, ObjectChangedError) as error:
        if resolved.folder is None:
            raise
        raise type(error)(resolved.requested) from error
    except ReadTimedOutError as error:
        if resolved.folder is None:
            raise
        raise ReadTimedOutError(resolved.requested, error.seconds) from error
    except ReadFailedError as error:
        if resolved.folder is None:
            raise
        raise ReadFailedError(resolved.requested, error.reason) from error
    except StoreUnavailableError as error:
        if resolved.folder is None:
            raise
        raise StoreUnavailableError(f"{resolved.requested} is temporarily unavailable") from error


class Objects(ObjectStore):
    """An ``ObjectStore`` of local files and S3 objects.

    A backend is created by the first uri that needs it, so a job of local photos never imports
    boto3. Safe to share between threads.
    """

    def __init__(
        self, policy: AccessPolicy | None = None, *, reads_other_regions: bool = True
    ) -> None:
        """Create the store.

        Args:
            policy: Permissions to read and write; None allows everything.
            reads_other_regions: Whether objects are read from buckets of other regions too. If not,
                such a read raises ``OtherRegionError``.
        """
        self._policy = policy
        s3 = partial(_s3_objects, reads_other_regions=reads_other_regions)
        self._factories: dict[str, Callable[[], ObjectStore]] = {**_BACKENDS, "s3": s3}
        self._backends: dict[str, ObjectStore] = {}
        self._lock = threading.Lock()

    @override
    def head(self, uri: str) -> ObjectInfo:
        backend, resolved = self._resolve(uri, AccessPolicy.resolve_read)
        with _errors_of(resolved):
            found = backend.head(resolved.uri)
        return found._replace(uri=uri)

    @override
    def fetch(
        self, uri: str, *, end: int | None = None, version_id: str | None = None
    ) -> tuple[bytes, ObjectInfo]:
        backend, resolved = self._resolve(uri, AccessPolicy.resolve_read)
        with _errors_of(resolved):
            content, found = backend.fetch(resolved.uri, end=end, version_id=version_id)
        return content, found._replace(uri=uri)

    @override
    def read(
        self,
        uri: str,
        *,
        start: int = 0,
        end: int | None = None,
        version: str | None = None,
        version_id: str | None = None,
    ) -> bytes:
        backend, resolved = self._resolve(uri, AccessPolicy.resolve_read)
        with _errors_of(resolved):
            return backend.read(
                resolved.uri, start=start, end=end, version=version, version_id=version_id
            )

    @override
    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        backend, resolved = self._resolve(uri, AccessPolicy.resolve_write)
        return backend.write(resolved.uri, content, if_absent=if_absent)

    @override
    def write_file(self, uri: str, path: Path) -> None:
        backend, resolved = self._resolve(uri, AccessPolicy.resolve_write)
        backend.write_file(resolved.uri, path)

    @override
    def replace(self, uri: str, content: bytes | Path, *, version: str) -> bool:
        backend, resolved = self._resolve(uri, AccessPolicy.resolve_write)
        return backend.replace(resolved.uri, content, version=version)

    @override
    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        backend, resolved = self._resolve(prefix, AccessPolicy.resolve_list)
        with _errors_of(resolved):
            if resolved.folder is None:
                yield from backend.list(resolved.uri, after=after)
                return
            for found in backend.list(resolved.uri):
                uri = resolved.requested_uri(found.uri)
                if uri > after and not resolved.leaves_folder(found.uri):
                    yield found._replace(uri=uri)

    @override
    def folders(self, prefix: str) -> Iterator[str]:
        backend, resolved = self._resolve(prefix, AccessPolicy.resolve_list)
        with _errors_of(resolved):
            for found in backend.folders(resolved.uri):
                yield resolved.requested_uri(found)

    @override
    def delete(self, uri: str) -> None:
        backend, resolved = self._resolve(uri, AccessPolicy.resolve_write)
        backend.delete(resolved.uri)

    @override
    def delete_folder(self, prefix: str) -> None:
        backend, resolved = self._resolve(prefix, AccessPolicy.resolve_write)
        backend.delete_folder(resolved.uri)

    def _resolve(
        self, uri: str, resolve: Callable[[AccessPolicy, str], ResolvedUri]
    ) -> tuple[ObjectStore, ResolvedUri]:
        """Return the backend and the real address of an object."""
        resolved = ResolvedUri(uri, uri) if self._policy is None else resolve(self._policy, uri)
        return self._backend(resolved), resolved

    def _backend(self, resolved: ResolvedUri) -> ObjectStore:
        scheme = scheme_of(resolved.uri)
        if resolved.folder is not None:
            scheme = _FOLDER
        with self._lock:
            if scheme not in self._backends:
                if scheme not in self._factories:
                    raise ObjectNotFoundError(resolved.requested)
                self._backends[scheme] = self._factories[scheme]()
            return self._backends[scheme]
