"""Names of people in the addresses and external image ids of photos.

The id of a person may also be an ordinary word: the name of a folder, or a part of all file names.
Such a word names nobody if photos of other people have it at the same place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from facerec.core.addresses import storable_source
from facerec.core.derived_names import readable_name

if TYPE_CHECKING:
    from collections.abc import Callable


def pattern_of(names: Collection[str]) -> re.Pattern[str]:
    """Return a pattern that finds names as words: "ann" is in ann/1.jpg, but not in anna/1.jpg."""
    words = "|".join(re.escape(name) for name in sorted(names))
    return re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])")


def places_in_address(address: str, sought: re.Pattern[str]) -> set[str]:
    """Return where an address contains a name, such that addresses can be compared.

    A name in a folder's name has the path of this folder as its place, in a file name the found
    text alone.
    """
    readable = unicodedata.normalize("NFC", storable_source(address))
    *folders, file = readable.split("/")
    places = {found.group() for found in sought.finditer(file)}
    for number, folder in enumerate(folders, 1):
        if sought.search(folder):
            places.add("/".join(folders[:number]) + "/")
    # A name may contain a slash.
    return places or {found.group() for found in sought.finditer(readable)}


def places_in_id(name: str, sought: re.Pattern[str]) -> set[str]:
    """Return the names that an external image id contains as words."""
    texts = (name, readable_name(name))
    return {found.group() for text in texts for found in sought.finditer(text)}


def without_shared(
    named: Iterable[str],
    others: Iterable[str],
    sought: re.Pattern[str],
    places_in: Callable[[str, re.Pattern[str]], set[str]],
) -> frozenset[str]:
    """Return the addresses or ids with a name at a place where those of other people have none.

    Args:
        named: The addresses or external image ids that contain a name of the person.
        others: The addresses or ids of photos with faces of other people, without the person.
        sought: Finds the names.
        places_in: ``places_in_address`` or ``places_in_id``.
    """
    shared = {place for other in set(others) for place in places_in(other, sought)}
    return frozenset(each for each in named if not places_in(each, sought) <= shared)
