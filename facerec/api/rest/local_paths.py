"""Removes the folders of the server's machine from answers.

If the command line has indexed a photo, the source of its faces is a local path. Clients of the
server see the name of the file, but not the folders of its path.
"""

from __future__ import annotations

from typing import Any

from facerec.core.sources import UPLOADED

ADDRESS_FIELDS = frozenset({"photo", "source"})
"""Names of the fields with the address of a photo, in rows of jobs and in faces."""


def without_local_paths(document: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON document in which no photo has a folder of this machine."""
    if isinstance(document, list):
        return [without_local_paths(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        name: _file_name(value)
        if name in ADDRESS_FIELDS and isinstance(value, str)
        else without_local_paths(value)
        for name, value in document.items()
    }


def _file_name(source: str) -> str:
    return source if source.startswith(("s3://", UPLOADED)) else source.rpartition("/")[2]
