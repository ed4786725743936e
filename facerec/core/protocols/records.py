"""The protocol of stores of records."""

from __future__ import annotations

from typing import Protocol

from facerec.core.protocols.collections import CollectionRecords
from facerec.core.protocols.corrections import CorrectionRecords
from facerec.core.protocols.history import HistoryRecords
from facerec.core.protocols.requests import RequestRecords
from facerec.core.protocols.tombstones import TombstoneRecords
from facerec.core.protocols.users import UserRecords


class RecordStore(
    CollectionRecords,
    UserRecords,
    CorrectionRecords,
    HistoryRecords,
    TombstoneRecords,
    RequestRecords,
    Protocol,
):
    """Strongly consistent records of collections and of all data that belongs to them.

    A collection's tags, people, history, corrections and tombstones are deleted with the
    collection. The store also keeps answered requests. Each method raises a ``FacerecError``, such
    as ``StoreUnavailableError``, if the store fails.
    """
