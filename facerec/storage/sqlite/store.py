"""Faces and records in one SQLite file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from facerec.core.override import override
from facerec.core.records import Collection
from facerec.storage.faces import FaceStore
from facerec.storage.file_search import search_files
from facerec.storage.sqlite.approximate import LARGE
from facerec.storage.sqlite.cluster_store import SqliteClusters
from facerec.storage.sqlite.database import Database
from facerec.storage.sqlite.migration_store import SqliteMigrations
from facerec.storage.sqlite.record_store import SqliteRecords
from facerec.storage.sqlite.registration_store import SqliteRegistrations
from facerec.storage.sqlite.thumbnail_store import SqliteThumbnails
from facerec.storage.sqlite.vector_store import SqliteVectors


class SqliteStore(
    FaceStore,
    SqliteRecords,
    SqliteClusters,
    SqliteMigrations,
    SqliteRegistrations,
    SqliteThumbnails,
):
    """All stores of one machine in one file.

    They contain faces, records, access keys, clusters, migrations, registered people, events and
    thumbnails.

    Any number of threads and processes may use it. The file must be on a local disk: write-ahead
    logging does not work over a network (https://www.sqlite.org/wal.html).
    """

    def __init__(self, path: Path, *, large: int = LARGE) -> None:
        """Open the store at ``path``; create the file if it does not exist.

        Args:
            path: Path of the file.
            large: Minimum number of faces of a collection to search with an index, if faiss is
                installed.

        Raises:
            ConfigurationError: The file is not from facerec, or from a later version.
            StoreDamagedError: The file is damaged, or is not a database.
            StoreUnavailableError: The file cannot be opened or created.
        """
        database = Database(path)
        self._vectors = SqliteVectors(database, large=large)
        FaceStore.__init__(self, self._vectors)
        SqliteRecords.__init__(self, database)
        SqliteClusters.__init__(self, database)
        SqliteMigrations.__init__(self, database, self._vectors)
        SqliteRegistrations.__init__(self, database)
        SqliteThumbnails.__init__(self, database)
        self._file = database

    @override
    def of(self, collection: Collection) -> FaceStore:
        return FaceStore(self._vectors.of(collection))

    @override
    def left_of(self, deleted: Sequence[Collection]) -> list[Collection]:
        """Return the collections that have vectors but no record; ``deleted`` is not used.

        Writers check that their collection exists, so such vectors are in a damaged file, or in one
        of an earlier release. Their model version is "" and their creation time 0: both are
        unknown.
        """
        return [Collection(each, "", 0.0) for each in self._vectors.deleted_collections()]

    @override
    def erase_copies(self, names: Sequence[str]) -> None:
        """Rewrite the file if it still contains one of the names as JSON text.

        SQLite may leave a copy of a row in an unused part of a page when it moves rows, and the
        file contains the earlier contents of pages until the log is written to it.

        Raises:
            StoreUnavailableError: See ``FaceStore.erase_copies``.
        """
        self._file.clear_log()
        texts = [json.dumps(name, ensure_ascii=False).encode(errors="replace") for name in names]
        if texts and search_files([self._file.path], texts):
            self._file.rewrite()
