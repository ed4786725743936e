"""Joins the photos of a source with the remembered lines of their addresses."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from facerec.jobs.manifest.listing import ListedPhoto
    from facerec.jobs.remembered.newest import Remembered

Group: TypeAlias = tuple[str, list["ListedPhoto"], list["Remembered"]]
"""An address, the photos of the source there, and the remembered lines of the address. There are
several photos if they have different external image ids, and under "" the malformed lines of a
manifest."""


def joined(listed: Iterable[ListedPhoto], remembered: Iterator[Remembered]) -> Iterator[Group]:
    """Yield a group for each address in the source or the memory, in the order of addresses.

    Both arguments must be sorted by address.
    """
    by_uri = groupby(remembered, key=itemgetter(0))
    uri, lines = next_group(by_uri)
    for photos in _by_address(listed):
        current = photos[0][0]
        while uri is not None and uri < current:
            yield uri, [], lines
            uri, lines = next_group(by_uri)
        if uri == current:
            yield current, photos, lines
            uri, lines = next_group(by_uri)
        else:
            yield current, photos, []
    while uri is not None:
        yield uri, [], lines
        uri, lines = next_group(by_uri)


def _by_address(listed: Iterable[ListedPhoto]) -> Iterator[list[ListedPhoto]]:
    photos: list[ListedPhoto] = []
    for photo in listed:
        if photos and photo[0] == photos[0][0]:
            photos.append(photo)
            continue
        if photos:
            yield photos
        photos = [photo]
    if photos:
        yield photos


def next_group(
    groups: Iterator[tuple[str, Iterator[Remembered]]],
) -> tuple[str | None, list[Remembered]]:
    """Return the next address with its lines; None and no lines at the end."""
    for uri, members in groups:
        return uri, list(members)
    return None, []
