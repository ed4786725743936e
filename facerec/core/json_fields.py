"""Creates dataclasses from JSON objects of this and other releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

Read = TypeVar("Read")


def from_fields(kind: type[Read], document: Mapping[str, Any]) -> Read:
    """Create an instance of a dataclass from a JSON object with its fields.

    Other fields are ignored, and those with a default may be missing: the object may come from a
    later or an earlier release.

    Raises:
        KeyError: A field without a default is missing.
    """
    named = {
        each.name: each.default is MISSING and each.default_factory is MISSING
        for each in fields(kind)  # type: ignore[arg-type]  # a dataclass
        if each.init
    }
    wanted = [name for name, required in named.items() if required or name in document]
    return kind(**{name: document[name] for name in wanted})
