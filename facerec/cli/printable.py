"""Escapes names so that a terminal can print them safely, in one line."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape the characters of a text that control a terminal, such as escapes in a file name.

    Characters that cannot be printed, line breaks, and characters that change the writing direction
    are shown as in a Python literal: ``\\x1b``. So a name cannot be printed as a line of its own.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
