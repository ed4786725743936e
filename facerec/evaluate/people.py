"""Decides which photos of labelled pairs show the same person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from facerec.evaluate.pairs import LabelledPair


def people_of(pairs: Sequence[LabelledPair]) -> tuple[dict[str, str], bool]:
    """Return a person for each photo, and whether all pairs of photos can be judged by them.

    The labelled pairs may show that each folder contains the photos of one person, and that no
    person is in two folders. Then folders name people, and any two photos form a pair. Otherwise
    only the labelled pairs are known, and photos show one person if labelled pairs connect them.
    """
    names = sorted({name for pair in pairs for name in (pair.image_a, pair.image_b)})
    folders = {name: str(PurePosixPath(name).parent) for name in names}
    if all((folders[pair.image_a] == folders[pair.image_b]) == pair.same for pair in pairs):
        return folders, True
    return _connected(names, pairs), False


def _connected(names: Sequence[str], pairs: Sequence[LabelledPair]) -> dict[str, str]:
    parents = {name: name for name in names}

    def root(name: str) -> str:
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    for pair in pairs:
        if pair.same:
            parents[root(pair.image_a)] = root(pair.image_b)
    return {name: root(name) for name in names}
