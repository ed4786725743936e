"""Answers without the folders of the server's machine.

A face that the command line has indexed has the path of its photo as its source. Clients of the
server see the name of the file, and nothing of the folders that it is in.
"""

from __future__ import annotations

from typing import Any

SOURCE = "source"
"""Name of the field with the address of a photo, wherever it is."""


def without_local_paths(document: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON document in which each source is an ``s3://`` address or a file's name."""
    if isinstance(document, list):
        return [without_local_paths(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        name: _file_name(value)
        if name == SOURCE and isinstance(value, str)
        else without_local_paths(value)
        for name, value in document.items()
    }


def _file_name(source: str) -> str:
    return source if source.startswith("s3://") else source.rpartition("/")[2]
