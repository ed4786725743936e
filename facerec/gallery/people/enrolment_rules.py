"""Rules that derive the names of people from the addresses of their photos."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from facerec.core.addresses import escaped_name, storable_source
from facerec.errors import InvalidInputError

NameOf: TypeAlias = Callable[[str], str | None]
"""Returns the name of the person in the photo at an address; "" if the photo belongs to the source
but names nobody, and None if it does not belong to the source."""

PLACEHOLDER = "{person}"


def name_by_folder(root: str) -> NameOf:
    """Return a rule that names photos after their folders: ``Ann Lee/1.jpg`` shows Ann Lee.

    The name is the whole path of the folder below ``root``: ``Ann Lee/2019/1.jpg`` shows a person
    named ``Ann Lee/2019``. For nested folders, use ``name_by_pattern``.

    Args:
        root: Address of a folder or prefix with its final ``/``; photos directly in it name nobody.
    """

    def name_of(source: str) -> str | None:
        if not source.startswith(root):
            return None
        folder = source[len(root) :].rpartition("/")[0]
        return _name(folder) if folder else ""

    return name_of


def name_by_pattern(root: str, pattern: str) -> NameOf:
    """Return a rule that names photos by a pattern of their paths below a folder.

    Args:
        root: Address of a folder or prefix with its final ``/``.
        pattern: A path with ``{person}`` once, and ``*`` for any characters but ``/``:
            ``{person}_*.jpg``. Case is ignored.

    Raises:
        InvalidInputError: The pattern does not contain ``{person}`` exactly once.
    """
    if pattern.count(PLACEHOLDER) != 1:
        raise InvalidInputError(
            f"the pattern {pattern!r} must contain {PLACEHOLDER} once",
            "use one such as '{person}_*.jpg'",
        )
    pieces = (re.escape(piece) for piece in pattern.replace(PLACEHOLDER, "\0").split("*"))
    text = "[^/]*".join(pieces).replace(re.escape("\0"), "([^/]+)")
    expression = re.compile(text, re.IGNORECASE)

    def name_of(source: str) -> str | None:
        if not source.startswith(root):
            return None
        found = expression.fullmatch(source[len(root) :])
        return "" if found is None else _name(found[1])

    return name_of


def _name(part: str) -> str:
    """Return the name that a part of an address gives; different parts give different names.

    Only Unicode normal forms of the same text are one name: macOS and Linux write
    different forms.
    """
    return escaped_name(storable_source(part))
