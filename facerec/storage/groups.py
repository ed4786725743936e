"""Groups stored vectors, for stores that list the ids of a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core.vectors import VectorRecord


def records_by_group(
    members: Mapping[str, Iterable[str]], records: Mapping[str, VectorRecord]
) -> dict[str, list[VectorRecord]]:
    """Return the records of each group in the order of their ids, without empty groups.

    Args:
        members: Ids of each group's vectors; some may have been deleted since they were listed.
        records: Records of the stored vectors by id.
    """
    found = {
        group: [records[each] for each in sorted(ids) if each in records]
        for group, ids in members.items()
    }
    return {group: own for group, own in found.items() if own}
