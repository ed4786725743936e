r"""Addresses of photos in the form in which stores keep them: text that is valid Unicode.

A file name may not be valid UTF-8: Python represents each invalid byte by a surrogate.
"""

from __future__ import annotations

import re

_AMBIGUOUS = re.compile(r"\\(?=x[0-9a-f]{2})")
_ESCAPED = re.compile(r"(?:\\x[0-9a-f]{2})+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""Control characters and line breaks."""


def storable_source(address: str) -> str:
    r"""Return the address of a photo as text that every store accepts.

    Bytes that are not UTF-8 are written as ``\xfc``. A backslash that is part of the name and would
    look like such a byte is written as ``\x5c``. So different addresses stay different, which
    matters if a folder is the name of a person.
    """
    text = _AMBIGUOUS.sub(r"\\x5c", address) if "\\" in address else address
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def address_of_source(source: str) -> str:
    """Return the address from which ``storable_source`` created a source."""
    return _ESCAPED.sub(_unescape, source) if "\\x" in source else source


def escaped_name(name: str) -> str:
    r"""Return a name from a stored address; escape characters that display names cannot have.

    These characters are spaces at the ends, line breaks and other control characters. They become
    escapes such as ``\x20`` and ``\x0a``, since the names of two folders may differ only in these.
    """
    inner = name.strip()
    start, _, end = name.partition(inner) if inner else (name, "", "")
    inner = _CONTROL.sub(lambda found: _escape(found[0]), inner)
    return f"{_escape(start)}{inner}{_escape(end)}"


def _escape(spaces: str) -> str:
    return "".join(rf"\x{byte:02x}" for byte in spaces.encode())


def _unescape(match: re.Match[str]) -> str:
    content = bytes.fromhex(match[0].replace("\\x", ""))
    return content.decode("utf-8", "surrogateescape")
