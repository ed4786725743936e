"""The log on AWS: one JSON object per line, without photos, vectors or names."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools import Logger

_FIELDS = "fields"
_CALLER = 3
"""Number of stack frames from the logger of Powertools to the code that logs."""


@cache
def logger() -> Log:
    """Return the log, named after POWERTOOLS_SERVICE_NAME."""
    from aws_lambda_powertools import Logger

    return Log(Logger(json_serializer=_to_json))


class Log:
    """Writes lines with fields.

    A field may have any name. Python's logging refuses fields that are named like attributes of its
    records, such as ``created``, so it gets all fields as one attribute. A field that is named like
    a key of every line, such as ``level``, gets an underscore.
    """

    def __init__(self, lines: Logger) -> None:
        """Create the log over a logger whose formatter is ``_to_json``."""
        self._lines = lines
        self._appended: dict[str, object] = {}

    def append_keys(self, /, **fields: object) -> None:
        """Add fields to all later lines."""
        self._appended.update(fields)

    def info(self, message: str, /, **fields: object) -> None:
        """Write a line about a normal event."""
        self._lines.info(message, extra=self._extra(fields), stacklevel=_CALLER)

    def warning(self, message: str, /, **fields: object) -> None:
        """Write a line about an event that an operator should check."""
        self._lines.warning(message, extra=self._extra(fields), stacklevel=_CALLER)

    def error(self, message: str, /, **fields: object) -> None:
        """Write a line about a failure."""
        self._lines.error(message, extra=self._extra(fields), stacklevel=_CALLER)

    def _extra(self, fields: Mapping[str, object]) -> dict[str, object]:
        return {_FIELDS: {**self._appended, **fields}}


def _to_json(line: dict[str, Any]) -> str:
    """Return a line as JSON; fields without a value are omitted."""
    fields: dict[str, object] = line.pop(_FIELDS, {})
    for name, value in fields.items():
        if value is not None:
            line[f"{name}_" if name in line else name] = value
    return json.dumps(line, default=str, separators=(",", ":"), ensure_ascii=False)
