"""The fixtures that the contracts of records share."""

from __future__ import annotations

import pytest

from facerec.core.protocols.records import RecordStore
from facerec.core.records import Collection


class TwoCollections:
    """Two collections; subclasses provide ``records``, an empty store that threads may share."""

    @pytest.fixture
    def records(self) -> RecordStore:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def collections(self, records: RecordStore) -> None:
        for name in ("staff", "guests"):
            records.create_collection(Collection(name, "dlib-1", 1.0))
