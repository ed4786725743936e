"""An example of each error of facerec, created from the types of its fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from facerec import errors
from facerec.core.photos import UnreadableReason
from facerec.errors import FacerecError

VALUES: dict[str, Callable[[str], Any]] = {
    "str": lambda name: f"the {name.replace('_', ' ')}",
    "float": lambda _: 0.25,
    "int": lambda _: 7,
    "Sequence[str]": lambda name: [f"one of the {name}", f"another of the {name}"],
    "UnreadableReason": lambda _: UnreadableReason.EMPTY,
}
"""Returns a value of a type for a required argument of a name."""

MAY_HOLD_PATHS = ("message", "uri", "resource", "job_folder", "problem", "photo", "detail", "path")
"""Names of arguments that may be, or contain, a path; the others are ids and names of clients."""

ERRORS = tuple(
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, FacerecError)
)


def example_of(kind: type[FacerecError], text: str | None = None) -> FacerecError:
    """Return an error of a class, with a text in each field that may hold a path, if given."""
    required = {
        name: text
        if text is not None and name in MAY_HOLD_PATHS
        else VALUES[parameter.annotation](name)
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    return kind(**required)
