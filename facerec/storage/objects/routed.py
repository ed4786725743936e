"""One store of objects over several, chosen by the scheme of the uri."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from facerec.errors import ObjectNotFoundError
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore, scheme_of


class RoutedObjects:
    """An ``ObjectStore`` that hands each call to the store of the uri's scheme.

    Stores are built when the first uri asks for them, so that a job of local photos never
    imports boto3. Safe to share between threads.
    """

    def __init__(self, builders: Mapping[str, Callable[[], ObjectStore]]) -> None:
        """Take what builds the store of each scheme; paths have the scheme ``file``."""
        self._builders = builders
        self._stores: dict[str, ObjectStore] = {}
        self._lock = threading.Lock()

    def head(self, uri: str) -> ObjectInfo:
        """Return an object's size and version."""
        return self._store(uri).head(uri)

    def read(
        self,
        uri: str,
        *,
        start: int = 0,
        end: int | None = None,
        version: str | None = None,
        version_id: str | None = None,
    ) -> bytes:
        """Return a range of an object's bytes."""
        return self._store(uri).read(
            uri, start=start, end=end, version=version, version_id=version_id
        )

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Write an object."""
        return self._store(uri).write(uri, content, if_absent=if_absent)

    def write_file(self, uri: str, path: Path) -> None:
        """Write an object from a local file."""
        self._store(uri).write_file(uri, path)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects below a prefix."""
        return self._store(prefix).list(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders right below a folder."""
        return self._store(prefix).folders(prefix)

    def delete(self, uri: str) -> None:
        """Delete an object."""
        self._store(uri).delete(uri)

    def delete_folder(self, prefix: str) -> None:
        """Delete the objects below a prefix."""
        self._store(prefix).delete_folder(prefix)

    def _store(self, uri: str) -> ObjectStore:
        scheme = scheme_of(uri)
        with self._lock:
            if scheme not in self._stores:
                if scheme not in self._builders:
                    raise ObjectNotFoundError(uri)
                self._stores[scheme] = self._builders[scheme]()
            return self._stores[scheme]


def local_objects() -> ObjectStore:
    """Build the store of this machine's files."""
    from facerec.storage.objects.local import LocalObjects

    return LocalObjects()


def s3_objects() -> ObjectStore:
    """Build the store of S3 objects from the environment's region and credentials."""
    from facerec.storage.objects.s3 import S3Objects

    return S3Objects()


def open_objects() -> ObjectStore:
    """Return a store of local files and of S3 objects."""
    return RoutedObjects({"file": local_objects, "s3": s3_objects})
