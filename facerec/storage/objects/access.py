"""Which objects may be touched, for addresses that come from other people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from facerec.errors import AccessDeniedError, ObjectNotFoundError

_ADDRESS = re.compile(r"s3://([^/]+)/(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ResolvedUri:
    """Where an object really is.

    Attributes:
        requested: the uri that the caller used.
        uri: the path or ``s3://`` address that the backend takes.
        folder: the local folder that stands in for the bucket of ``requested``, or None.
    """

    requested: str
    uri: str
    folder: Path | None = None

    def requested_uri(self, uri: str) -> str:
        """Return the uri by which the caller knows what a backend listed."""
        if self.folder is None:
            return uri
        bucket = self.requested.removeprefix("s3://").partition("/")[0]
        return f"s3://{bucket}/{uri[len(str(self.folder)) + 1 :]}"

    def leaves_folder(self, uri: str) -> bool:
        """Return whether a listed file is a link to something outside of the folder."""
        return self.folder is not None and not Path(uri).resolve().is_relative_to(self.folder)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What may be read and written. Everything else is refused with ``AccessDeniedError``.

    A local folder may stand in for a bucket: ``s3://NAME/key`` is then the file ``key`` below the
    folder, and nothing outside of it, whatever the key or a link in the folder says.

    Attributes:
        folders: local folders that stand in for buckets, by bucket name; read only.
        buckets: names of S3 buckets that may be read; None allows all that the credentials do.
        own_folder: path or address, ending in ``/``, below which everything may be read and
            written; None if there is none.
        reads_paths: whether any local path may be read.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    buckets: Set[str] | None = None
    own_folder: str | None = None
    reads_paths: bool = False

    def resolve_read(self, uri: str) -> ResolvedUri:
        """Return where an object is that may be read.

        Raises:
            AccessDeniedError: it may not be read.
            ObjectNotFoundError: the key cannot be a file of the bucket's folder.
        """
        address = _ADDRESS.fullmatch(uri)
        if address is not None and address[1] in self.folders:
            return self._resolve_in_folder(uri, self.folders[address[1]].resolve(), address[2])
        if address is not None and (self.buckets is None or address[1] in self.buckets):
            return ResolvedUri(uri, uri)
        if self.reads_paths and uri.startswith("/"):
            return ResolvedUri(uri, uri)
        return self.resolve_write(uri)

    def resolve_list(self, prefix: str) -> ResolvedUri:
        """Return where the objects are that may be listed; raises as ``resolve_read`` does."""
        place = self.resolve_read(prefix)
        if place.folder is None:
            return place
        # Resolving takes away a final slash, or names a folder by the target of a link.
        key = prefix.removeprefix("s3://").partition("/")[2]
        return ResolvedUri(prefix, f"{place.folder}/{key}", place.folder)

    def resolve_write(self, uri: str) -> ResolvedUri:
        """Return where an object is that may be written.

        Raises:
            AccessDeniedError: it may not be written.
        """
        own = self.own_folder
        if own is None or not uri.startswith(own) or ".." in uri.split("/"):
            raise AccessDeniedError(uri)
        return ResolvedUri(uri, uri)

    @staticmethod
    def _resolve_in_folder(uri: str, folder: Path, key: str) -> ResolvedUri:
        try:
            path = (folder / key).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            # a zero byte, or links that form a circle
            raise ObjectNotFoundError(uri) from error
        if not path.is_relative_to(folder):
            raise AccessDeniedError(uri)
        return ResolvedUri(uri, str(path), folder)
