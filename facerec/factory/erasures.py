"""Builds the erasures of one machine and of a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.storage.objects import AccessPolicy, Objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from facerec.gallery.receipts import Erasures


def open_erasures(root: str, start: Callable[[str], None] | None = None) -> Erasures:
    """Return the erasures whose receipts are in a folder.

    Args:
        root: the folder, with the final ``/``.
        start: starts another process that finishes an erasure; None to finish it here.
    """
    from facerec.gallery.receipts import Erasures

    return Erasures(Objects(AccessPolicy(buckets=frozenset(), own_folder=root)), root, start)
