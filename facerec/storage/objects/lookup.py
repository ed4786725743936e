"""Looks up many objects: named files one by one, named objects of S3 by listings.

A page of a listing has 1,000 objects and costs as much as 12 requests for one object
(https://aws.amazon.com/s3/pricing/). So objects of S3 are listed from one named object on, as long
as the pages contain enough of the named ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from facerec.errors import AccessDeniedError, ObjectNotFoundError
from facerec.storage.objects.protocol import ObjectInfo, scheme_of

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore

PAGE = 1000
"""Number of objects in a page of a listing, and of named objects that are looked up together."""

WORTH_A_PAGE = 12
"""Minimum number of named objects in a page for which it costs less than a request for each."""

THREADS = 16
"""Number of concurrent requests."""

MAX_REQUESTS = 100_000
"""Maximum number of requests of one ``Lookup`` for single objects. A function of the stack can send
this many within a few minutes."""


@dataclass(slots=True)
class Lookup:
    """Looks up objects, with a limited number of requests for single objects.

    Attributes:
        objects: Contains the objects.
        max_requests: Maximum number of further requests for single objects of S3; each request
            reduces it.
    """

    objects: ObjectStore
    max_requests: int = MAX_REQUESTS
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def get(self, uris: Sequence[str]) -> dict[str, ObjectInfo | None]:
        """Return the facts about objects by uri; None for one that does not exist.

        Objects that could not be looked up are omitted: access to them is denied, or the limit of
        requests is reached.

        Args:
            uris: The objects, in order, each once.

        Raises:
            StoreUnavailableError: The store does not respond.
        """
        found: dict[str, ObjectInfo | None] = {}
        remote = [uri for uri in uris if scheme_of(uri) != "file"]
        for uri in uris if not remote else [uri for uri in uris if scheme_of(uri) == "file"]:
            found.update(self._ask(uri))
        parts = list(_parts(remote))
        if len(parts) == 1:
            found.update(self._part(parts[0]))
        elif parts:
            with ThreadPoolExecutor(THREADS, thread_name_prefix="lookup") as pool:
                for part in pool.map(self._part, parts):
                    found.update(part)
        return found

    def _part(self, uris: Sequence[str]) -> dict[str, ObjectInfo | None]:
        """Look up objects of one bucket."""
        found: dict[str, ObjectInfo | None] = {}
        prefix = _common_start(uris[0], uris[-1])
        first = 0
        while len(uris) - first > WORTH_A_PAGE:
            # The page begins just before the named object, at an address that need not exist.
            before = uris[first][:-1]
            after = before if len(before) >= len(prefix) else ""
            try:
                page = list(islice(self.objects.list(prefix, after=after), PAGE))
            except (AccessDeniedError, ObjectNotFoundError):
                # The objects may still be readable one by one.
                break
            listed = {each.uri: each for each in page}
            last = page[-1].uri if len(page) == PAGE else None
            end = first
            while end < len(uris) and (last is None or uris[end] <= last):
                found[uris[end]] = listed.get(uris[end])
                end += 1
            is_worth, first = end - first >= WORTH_A_PAGE, end
            if not is_worth:
                break
        for uri in uris[first:]:
            with self._lock:
                if self.max_requests <= 0:
                    break
                self.max_requests -= 1
            found.update(self._ask(uri))
        return found

    def _ask(self, uri: str) -> dict[str, ObjectInfo | None]:
        try:
            return {uri: self.objects.head(uri)}
        except ObjectNotFoundError:
            return {uri: None}
        except AccessDeniedError:
            return {}


def _common_start(first: str, last: str) -> str:
    """Return the common start of two addresses, and so of all between them."""
    length = min(len(first), len(last))
    return first[: next((n for n in range(length) if first[n] != last[n]), length)]


def _parts(uris: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield parts of at most ``PAGE`` addresses, each with addresses in one bucket."""
    part: list[str] = []
    bucket = ""
    for uri in uris:
        end = uri.find("/", len("s3://")) + 1
        if part and (len(part) == PAGE or uri[:end] != bucket):
            yield part
            part = []
        bucket = uri[:end]
        part.append(uri)
    if part:
        yield part
