"""Bulk imports: Pinecone reads files in S3 into a namespace that does not exist yet.

https://docs.pinecone.io/guides/index-data/import-data. A storage integration of the Pinecone
project gives it access to the bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from facerec.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinecone import Index
    from pinecone.models.imports.model import ImportModel

    from facerec.storage.pinecone.requests import Requests


class ImportState(StrEnum):
    """The state of an import. An import that Pinecone has not started counts as RUNNING."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    """The import failed or was cancelled."""


_STATES = {"Completed": ImportState.COMPLETED, "Failed": ImportState.FAILED}
_STATES["Cancelled"] = ImportState.FAILED


@dataclass(frozen=True, slots=True)
class Import:
    """A bulk import.

    Attributes:
        import_id: Id that Pinecone gave the import.
        uri: The folder that it reads, without the final ``/``.
        state: Its state.
        records: Number of records that were imported so far.
    """

    import_id: str
    uri: str
    state: ImportState
    records: int


class PineconeImports:
    """The bulk imports of an index; see ``open_pinecone_imports``.

    Methods raise the errors of ``facerec.storage.pinecone.errors``.
    """

    def __init__(self, index: Index, requests: Requests) -> None:
        self._index, self._requests = index, requests

    def start(self, uri: str, integration_id: str) -> Import:
        """Import the files of a folder, or return the existing import of the folder.

        One record that cannot be imported fails the whole import.

        Args:
            uri: Address of the folder, which has a folder of Parquet files for each namespace.
            integration_id: Id of the storage integration.

        Raises:
            AccessDeniedError: Pinecone does not accept the key, or denies the request.
            ConfigurationError: Pinecone refuses the import.
            StoreUnavailableError: Pinecone cannot be reached, or throttles.
        """
        folder = uri.rstrip("/")

        def start_once() -> Import:
            started = None
            if not self._of(folder):
                started = self._index.start_import(
                    uri=folder, error_mode="abort", integration_id=integration_id
                )
            found = self._of(folder)
            if not found and started is not None:
                # The list of imports does not contain it yet.
                return Import(started.id, folder, ImportState.RUNNING, 0)
            # If a response was lost, the client has sent the request again, and so started another
            # import.
            for another in found[1:]:
                if another.state is ImportState.RUNNING:
                    self._index.cancel_import(another.import_id)
            return found[0]

        try:
            return self._requests.send(start_once)
        except ConfigurationError as error:
            raise ConfigurationError(
                "Pinecone refuses the import",
                "check that the plan is Standard or Enterprise, that the index is on AWS, and the "
                "id of the storage integration",
            ) from error

    def of_folder(self, uri: str) -> Import | None:
        """Return the import of a folder that has not failed; None if there is none."""
        found = self._requests.send(lambda: self._of(uri.rstrip("/")))
        return found[0] if found else None

    def get(self, import_id: str) -> Import | None:
        """Return an import; None if Pinecone does not have it."""
        try:
            return _import(self._requests.send(lambda: self._index.describe_import(import_id)))
        except NotFoundError:
            return None

    def cancel_inside(self, path: str) -> int:
        """Cancel the running imports of folders inside a path; return their number.

        Args:
            path: A part of the addresses of these folders, with a ``/`` at both ends.
        """
        running = [
            found
            for found in self._requests.send(lambda: list(self._list()))
            if path in f"{found.uri}/" and found.state is ImportState.RUNNING
        ]
        for found in running:
            self._requests.send(lambda: self._index.cancel_import(found.import_id))  # noqa: B023
        return len(running)

    def count(self, namespace: str) -> int | None:
        """Return the number of vectors of a namespace; None if it does not exist.

        Recent writes may be missing.
        """
        stats = self._requests.send(self._index.describe_index_stats)
        summary = stats.namespaces.get(namespace)
        return None if summary is None else summary.vector_count

    def close(self) -> None:
        """Close threads and connections."""
        self._requests.close()
        self._index.close()

    def _of(self, folder: str) -> list[Import]:
        """Return the imports of a folder that have not failed, completed ones first."""
        found = [
            each
            for each in self._list()
            if each.uri == folder and each.state is not ImportState.FAILED
        ]
        return sorted(found, key=lambda each: (each.state is ImportState.RUNNING, each.import_id))

    def _list(self) -> Iterator[Import]:
        """Yield the recent imports of the index."""
        return map(_import, self._index.list_imports())


def _import(found: ImportModel) -> Import:
    state = _STATES.get(found.status, ImportState.RUNNING)
    return Import(found.id, found.uri.rstrip("/"), state, found.records_imported or 0)
