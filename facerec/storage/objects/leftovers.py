"""Deletes temporary files of killed processes, which may contain names or embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.storage.objects.local_writing import TEMPORARY_PREFIX

if TYPE_CHECKING:
    from facerec.storage.objects.protocol import ObjectStore


def delete_leftovers(objects: ObjectStore, folder: str, *, below: bool = False) -> None:
    """Delete the temporary files in a folder; S3 has none.

    This may delete the file of a process that is still writing; ``LocalObjects`` then writes it
    again.

    Args:
        objects: Contains the folder.
        folder: Uri of the folder, with the final ``/``.
        below: Whether to search subfolders too.
    """
    for found in list(objects.list(folder if below else folder + TEMPORARY_PREFIX)):
        if found.uri.rpartition("/")[2].startswith(TEMPORARY_PREFIX):
            objects.delete(found.uri)
