"""The contract of stores of records, tested with two collections."""

from __future__ import annotations

from facerec.testing.records.collection_settings import CollectionSettingsContract
from facerec.testing.records.corrections import CorrectionContract
from facerec.testing.records.history import HistoryContract
from facerec.testing.records.requests import RequestContract
from facerec.testing.records.tombstones import TombstoneContract
from facerec.testing.records.users import UserContract


class RecordStoreContract(
    UserContract,
    CorrectionContract,
    HistoryContract,
    TombstoneContract,
    CollectionSettingsContract,
    RequestContract,
):
    """Tests of records; subclasses provide ``records``, an empty store that threads may share.

    ``CollectionContract`` tests operations on collections themselves.
    """
