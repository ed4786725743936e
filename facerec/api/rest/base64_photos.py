"""Decodes photos from base64, in all variants that programs send."""

from __future__ import annotations

import base64
import binascii
import re

_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_URL_SAFE = str.maketrans("-_", "+/")
_LINE_BREAKS = str.maketrans("", "", "\r\n")


def decode_photo(text: str) -> bytes:
    """Return the bytes of a photo in base64.

    The text may be a data URL (RFC 2397), use the URL-safe alphabet (RFC 4648, section 5), lack
    the padding, and have line breaks, as the command ``base64`` writes them.

    Raises:
        ValueError: The text is not base64.
    """
    prefix = _DATA_URL.match(text)
    if prefix is None and text[:5].lower() == "data:":
        raise ValueError("a data URL must be in base64: data:image/jpeg;base64,...")
    encoded = text[prefix.end() if prefix else 0 :].translate(_LINE_BREAKS).rstrip("=")
    encoded = encoded.translate(_URL_SAFE)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(
            "not base64; to send the file itself, use multipart/form-data or Content-Type: "
            "image/jpeg"
        ) from error
