"""Escapes names so that a terminal can print them safely."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape the characters of a text that control a terminal, such as escapes in a file name.

    Characters that cannot be printed, and those that change the writing direction, are shown as in
    a Python literal: ``\\x1b``.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )
