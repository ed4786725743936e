"""Finds all paths of a photo, since several may lead to it through symbolic links."""

from __future__ import annotations

import os
from collections.abc import Iterable


def paths_of_photo(path: str, recorded: Iterable[str]) -> frozenset[str]:
    """Return all paths and addresses under which a photo may be recorded.

    Photos are recorded by the path that was used to index them, which may contain symbolic links. A
    later request may use another path to the same file.

    Args:
        path: An absolute path, or an address; of an address, no other path is looked for.
        recorded: Paths of the collection's photos. Their folders are also searched, because a photo
            without faces has no recorded path.
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
        resolved = f"{folders[folder]}/{own_name}"
        is_link = os.path.islink(resolved)  # noqa: PTH114
        if resolved == target or (is_link and os.path.realpath(resolved) == target):
            found.add(each)
    return frozenset(found)
