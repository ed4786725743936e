"""The embedded store with an index beside its file, however few faces there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.storage.sqlite import SqliteStore
from facerec.testing.face_store import FaceStoreContract

pytest.importorskip("faiss", reason="needs the extra: pip install 'facerec[faiss]'")


class TestApproximateFaceStore(FaceStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
        monkeypatch.setattr("facerec.storage.sqlite.approximate.LEAST_FACES", 16)
        with SqliteStore(tmp_path / "facerec.db", large=1) as store:
            yield store
