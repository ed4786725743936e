"""Names as a terminal may print them."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text without what a terminal would act on, such as escapes in a file's name.

    Characters that cannot be printed, and those that turn the direction of what follows, are shown
    as a Python literal has them: ``\\x1b``.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )
