"""The only objects that a server touches: buckets that it is allowed, and its own folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from facerec.errors import AccessDeniedError, ObjectNotFoundError
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

_ADDRESS = re.compile(r"s3://([^/]+)/(.*)", re.DOTALL)


class BucketObjects:
    """An ``ObjectStore`` of some buckets, for addresses that come from other people.

    Local folders may stand in for buckets: ``s3://NAME/key`` is then the file ``key`` below the
    folder, and nothing outside of it, whatever the key or a link in the folder says. Paths are
    refused but for those below the server's own folder.
    """

    def __init__(
        self,
        objects: ObjectStore,
        *,
        folders: Mapping[str, Path] | None = None,
        allowed: Set[str] | None = None,
        own_folder: str | None = None,
    ) -> None:
        """Take the parts.

        Args:
            objects: reads paths and ``s3://`` addresses.
            folders: the local folders that stand in for buckets, by the bucket's name.
            allowed: names of buckets in S3; None: whatever the credentials allow.
            own_folder: path or address, ending in ``/``, below which everything is allowed.
        """
        self._objects = objects
        self._folders = {name: folder.resolve() for name, folder in (folders or {}).items()}
        self._allowed = allowed
        self._own_folder = own_folder

    def head(self, uri: str) -> ObjectInfo:
        """Return an object's size and version."""
        found = self._objects.head(self._place(uri))
        return ObjectInfo(uri, found.size, found.version)

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
        return self._objects.read(
            self._place(uri), start=start, end=end, version=version, version_id=version_id
        )

    def write(self, uri: str, content: bytes, *, if_absent: bool = False) -> bool:
        """Write an object below the server's own folder."""
        return self._objects.write(self._own(uri), content, if_absent=if_absent)

    def write_file(self, uri: str, path: Path) -> None:
        """Write an object below the server's own folder from a local file."""
        self._objects.write_file(self._own(uri), path)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects below a prefix, but for links that leave a folder."""
        folder, key = self._folder(prefix)
        if folder is None:
            yield from self._objects.list(self._place(prefix))
            return
        self._place(prefix)
        for found in self._objects.list(f"{folder}/{key}"):
            if Path(found.uri).resolve().is_relative_to(folder):
                uri = self._address(prefix, folder, found.uri)
                yield ObjectInfo(uri, found.size, found.version)

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders right below a folder."""
        folder, key = self._folder(prefix)
        if folder is None:
            yield from self._objects.folders(self._place(prefix))
            return
        self._place(prefix)
        for found in self._objects.folders(f"{folder}/{key}"):
            yield self._address(prefix, folder, found)

    def delete(self, uri: str) -> None:
        """Delete an object below the server's own folder."""
        self._objects.delete(self._own(uri))

    def delete_folder(self, prefix: str) -> None:
        """Delete the objects below a prefix in the server's own folder."""
        self._objects.delete_folder(self._own(prefix))

    def _folder(self, uri: str) -> tuple[Path | None, str]:
        address = _ADDRESS.fullmatch(uri)
        if address is None:
            return None, uri
        return self._folders.get(address[1]), address[2]

    def _place(self, uri: str) -> str:
        """Return where an object that may be read really is."""
        folder, key = self._folder(uri)
        if folder is not None:
            try:
                path = (folder / key).resolve()
            except (OSError, ValueError, RuntimeError) as error:
                # a zero byte, or links that go in circles
                raise ObjectNotFoundError(uri) from error
            if not path.is_relative_to(folder):
                raise AccessDeniedError(uri)
            return str(path)
        address = _ADDRESS.fullmatch(uri)
        if address is None or (self._allowed is not None and address[1] not in self._allowed):
            return self._own(uri)
        return uri

    def _own(self, uri: str) -> str:
        own = self._own_folder
        if own is None or not uri.startswith(own) or ".." in uri.split("/"):
            raise AccessDeniedError(uri)
        return uri

    @staticmethod
    def _address(prefix: str, folder: Path, path: str) -> str:
        address = _ADDRESS.fullmatch(prefix)
        bucket = address[1] if address else ""
        return f"s3://{bucket}/{path[len(str(folder)) + 1 :]}"
