"""Reads rows of the first release's ledgers, in which some members have other names.

Jobs of that release are neither read nor resumed, but their rows are exported and erased like any
other rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = {"photo": "image", "line_in_slice": "line", "rejected": "left_out"}
"""Names of the first release, by the names in ``schemas/ledger-row.json``."""


def name_in(row: Mapping[str, Any], name: str) -> str:
    """Return the key under which a row stores a field, in the naming of the row's release.

    ``name`` is the field's name in ``schemas/ledger-row.json``.
    """
    return name if name in row else _NAMES.get(name, name)


def with_current_names(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of any release with the names of ``schemas/ledger-row.json``."""
    renamed = {name_in(row, name): name for name in _NAMES}
    return {renamed.get(name, name): value for name, value in row.items()}
