"""Detects names in free text, such as the reason of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.names import folded_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def mentions(text: str, names: Iterable[str]) -> bool:
    """Return whether a text contains one of the names as separate words, in upper or lower case.

    Scripts without upper and lower case may put no spaces between words: there, a name is also
    found between other characters.
    """
    folded = folded_name(text)
    return bool(folded) and any(_contains(folded, folded_name(name)) for name in names)


def _contains(text: str, name: str) -> bool:
    start = text.find(name) if name else -1
    while start >= 0:
        end = start + len(name)
        before, after = text[:start][-1:], text[end:][:1]
        if not (_is_one_word(before, name[0]) or _is_one_word(name[-1], after)):
            return True
        start = text.find(name, start + 1)
    return False


def _is_one_word(left: str, right: str) -> bool:
    """Return whether two neighbouring characters, or "" at an end, belong to the same word."""
    return all(each.isdecimal() or each.upper() != each.lower() for each in (left, right))
