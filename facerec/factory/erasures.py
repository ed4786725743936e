"""Builds the erasures of one machine and of a deployment."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from facerec.storage.objects import AccessPolicy, Objects

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from facerec.gallery.receipts import Erasures
    from facerec.storage.objects import ObjectStore


def open_erasures(
    root: str,
    start: Callable[[str], None] | None = None,
    *,
    objects: ObjectStore | None = None,
    space: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Erasures:
    """Return the erasures whose receipts are in a folder.

    Args:
        root: The folder, with the final ``/``.
        start: Starts another process that finishes an erasure; None to finish it here.
        objects: Contains the folder; None for the store of its address.
        space: See ``Erasures.space``.
    """
    from facerec.gallery.receipts import Erasures

    if objects is None:
        objects = Objects(AccessPolicy(buckets=frozenset(), own_folder=root))
    return Erasures(objects, root, start, space)
