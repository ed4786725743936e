"""Access policy for object addresses in client requests."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from facerec.errors import AccessDeniedError, ObjectNotFoundError
from facerec.storage.objects.protocol import S3_ADDRESS


@dataclass(frozen=True, slots=True)
class ResolvedUri:
    """The real address of an object.

    Attributes:
        requested: The uri that the caller used.
        uri: The path or ``s3://`` address for the backend.
        folder: The local folder that is served as the bucket of ``requested``, or None.
    """

    requested: str
    uri: str
    folder: Path | None = None

    def requested_uri(self, uri: str) -> str:
        """Convert a uri listed by a backend to the form that the caller uses."""
        if self.folder is None:
            return uri
        bucket = self.requested.removeprefix("s3://").partition("/")[0]
        return f"s3://{bucket}/{uri[len(str(self.folder)) + 1 :]}"

    def leaves_folder(self, uri: str) -> bool:
        """Return whether a listed file is a link to a file outside the folder."""
        return self.folder is not None and not Path(uri).resolve().is_relative_to(self.folder)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Permissions to read and write objects; any other access raises ``AccessDeniedError``.

    A local folder can be served as a bucket: ``s3://NAME/key`` is then the file ``key`` in the
    folder. No key and no link in the folder leads out of it.

    Attributes:
        folders: Local folders that are served as buckets, by bucket name; read only.
        buckets: Names of S3 buckets that can be read; None for all that the credentials allow.
        own_folder: Path or address, ending in ``/``, of a folder that can be read and written;
            None for no folder.
        reads_paths: Whether any local path can be read.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    buckets: Set[str] | None = None
    own_folder: str | None = None
    reads_paths: bool = False

    def resolve_read(self, uri: str) -> ResolvedUri:
        """Return the real address of an object to read.

        Raises:
            AccessDeniedError: Reading it is not allowed.
            ObjectNotFoundError: The key cannot be a file of the bucket's folder.
        """
        address = S3_ADDRESS.fullmatch(uri)
        if address is not None and address[1] in self.folders:
            return self._resolve_in_folder(uri, self.folders[address[1]].resolve(), address[2])
        if address is not None and (self.buckets is None or address[1] in self.buckets):
            return ResolvedUri(uri, uri)
        if self.reads_paths and uri.startswith("/"):
            return ResolvedUri(uri, uri)
        return self.resolve_write(uri)

    def resolve_list(self, prefix: str) -> ResolvedUri:
        """Return the real address of objects to list; for errors, see ``resolve_read``."""
        resolved = self.resolve_read(prefix)
        if resolved.folder is None:
            return resolved
        # Resolving removes a final slash and follows links.
        key = prefix.removeprefix("s3://").partition("/")[2]
        return ResolvedUri(prefix, f"{resolved.folder}/{key}", resolved.folder)

    def resolve_write(self, uri: str) -> ResolvedUri:
        """Return the real address of an object to write.

        Raises:
            AccessDeniedError: Writing it is not allowed.
        """
        own = self.own_folder
        if own is None or not uri.startswith(own) or ".." in uri.split("/"):
            raise AccessDeniedError(uri)
        return ResolvedUri(uri, uri)

    @staticmethod
    def _resolve_in_folder(uri: str, folder: Path, key: str) -> ResolvedUri:
        if ".." in key.split("/"):
            # No object of a bucket has this key, but ``../`` and the folder's own name would lead
            # to a file in the folder.
            raise AccessDeniedError(uri)
        try:
            path = (folder / key).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            # The path contains a zero byte or a loop of links.
            raise ObjectNotFoundError(uri) from error
        if not path.is_relative_to(folder):
            raise AccessDeniedError(uri)
        return ResolvedUri(uri, str(path), folder)
