"""Paths of photos, which may lead through links to the file that another path names."""

from __future__ import annotations

import os
from collections.abc import Iterable


def paths_of_photo(path: str, recorded: Iterable[str]) -> frozenset[str]:
    """Return all paths and addresses under which a photo may be recorded.

    Photos are recorded as they were named, with links. Somebody may name the file by another path
    later: without the links, or through others.

    Args:
        path: an absolute path, or an address, which is returned alone.
        recorded: paths of photos of the same collection. A photo without faces is found beside
            them.
    """
    if not path.startswith("/"):
        return frozenset((path,))
    target = os.path.realpath(path)
    name = target.rpartition("/")[2]
    found, folders = {path, target}, dict[str, str]()
    for each in set(recorded):
        folder, _, own_name = each.rpartition("/")
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
            if os.path.realpath(f"{folder}/{name}") == target:
                found.add(f"{folder}/{name}")
        place = f"{folders[folder]}/{own_name}"
        if place == target or (os.path.islink(place) and os.path.realpath(place) == target):  # noqa: PTH114
            found.add(each)
    return frozenset(found)
