"""Reads the external image ids under which unfinished jobs index their photos."""

from __future__ import annotations

from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.jobs.manifest.entries import LineParser
from facerec.jobs.planning.named_photos import lines_of, named_photos
from facerec.jobs.remembered.photos import is_chosen_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from facerec.jobs.plan import Plan
    from facerec.storage.objects.protocol import ObjectStore


class PlannedIds:
    """The external image ids under which jobs read photos, by address.

    Args:
        plans: The jobs. One whose manifest was changed or deleted is omitted: it cannot continue.
        objects: Contains their manifests.
    """

    def __init__(self, plans: Iterable[Plan], objects: ObjectStore) -> None:
        named = merge(*(_named_by(plan, objects) for plan in plans))
        self._groups = groupby(named, key=itemgetter(0))
        self._next = next(self._groups, None)

    def at(self, uri: str) -> Mapping[str, bool]:
        """Return the ids of the photo at an address, and whether somebody chose each.

        "" stands for none. Call it with addresses in ascending order, and only once for each.
        """
        while self._next is not None and self._next[0] < uri:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != uri:
            return {}
        ids: dict[str, bool] = {}
        for _, name, is_chosen in self._next[1]:
            ids[name] = is_chosen or ids.get(name, False)
        self._next = next(self._groups, None)
        return ids


def _named_by(plan: Plan, objects: ObjectStore) -> Iterator[tuple[str, str, bool]]:
    source = plan.source
    parser = LineParser(source.format, source.columns, plan.base, plan.local)
    try:
        for photo in named_photos(lines_of(objects, source), parser):
            uri, name = photo.uri, photo.external_image_id
            yield uri, name, is_chosen_by(plan, name, uri)
    except (ObjectNotFoundError, InvalidInputError):
        return
