"""What a store knows of the ids of groups from its own listings and writes.

Listings lag behind writes and cost a request for each group. So what this process wrote itself is
remembered beside what it listed. Remembered ids are only ever added to: an id too many costs at
most the deletion of a vector that is gone already, one too few would leave a vector undeleted.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping

SECONDS_LISTED = 600.0
"""How long a listing counts: as a step of a job may take from looking up its groups to putting
them."""

MAX_GROUPS = 10_000
"""Groups that are remembered, at some hundred bytes each."""


class GroupMemory:
    """The ids of vectors by namespace and group; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: OrderedDict[tuple[str, str], tuple[float, frozenset[str]]] = OrderedDict()

    def add(self, namespace: str, groups: Mapping[str, Iterable[str]], *, listed: bool) -> None:
        """Add ids to what is known of groups.

        Args:
            namespace: the namespace.
            groups: ids by group.
            listed: these are all that a listing shows now, as opposed to ids that are written.
        """
        never = float("-inf")
        with self._lock:
            for group, ids in groups.items():
                since, known = self._groups.pop((namespace, group), (never, frozenset()))
                since = time.monotonic() if listed else since
                self._groups[namespace, group] = (since, known.union(ids))
            while len(self._groups) > MAX_GROUPS:
                self._groups.popitem(last=False)

    def recall(
        self, namespace: str, groups: Iterable[str]
    ) -> tuple[dict[str, frozenset[str]], list[str]]:
        """Return what is known of groups, and which of them were not listed lately."""
        oldest = time.monotonic() - SECONDS_LISTED
        nothing = (float("-inf"), frozenset[str]())
        known, unlisted = {}, []
        with self._lock:
            for group in groups:
                since, known[group] = self._groups.get((namespace, group), nothing)
                if since < oldest:
                    unlisted.append(group)
        return known, unlisted
