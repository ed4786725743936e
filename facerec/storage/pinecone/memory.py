"""Caches the ids of groups that a store has listed or written.

Listings are eventually consistent, and cost a request per group. So the ids that this process wrote
are cached together with the ids that it listed. Ids are only added: an extra id costs at most the
deletion of a vector that does not exist, but a missing one would leave a vector undeleted.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping

SECONDS_LISTED = 600.0
"""Seconds for which a listing is used: a step of a job may take this long from looking up its
groups to storing them."""

MAX_GROUPS = 10_000
"""Maximum number of cached groups, at a few hundred bytes each."""


class GroupMemory:
    """Known ids of vectors by namespace and group. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: OrderedDict[tuple[str, str], tuple[float, frozenset[str]]] = OrderedDict()

    def add(self, namespace: str, groups: Mapping[str, Iterable[str]], *, listed: bool) -> None:
        """Add ids to the known ids of groups.

        Args:
            namespace: The namespace.
            groups: Ids by group.
            listed: Whether the ids are a complete listing, as opposed to written ids.
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
        """Return the known ids of groups, and the groups that were not listed recently."""
        oldest = time.monotonic() - SECONDS_LISTED
        nothing = (float("-inf"), frozenset[str]())
        known, unlisted = {}, []
        with self._lock:
            for group in groups:
                since, known[group] = self._groups.get((namespace, group), nothing)
                if since < oldest:
                    unlisted.append(group)
        return known, unlisted
