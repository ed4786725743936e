"""The stored source of a face: the address of its photo, or the name of an upload.

A photo that was passed as bytes has no address. Its caller can name it, so that people recognise
it in lists: the source is then ``upload://`` and the name.
"""

from __future__ import annotations

from facerec.core.names import checked_photo_name

UPLOADED = "upload://"


def source_of_upload(photo_name: str) -> str:
    """Return the source of the faces of a photo that was passed as bytes.

    Raises:
        InvalidInputError: The name is empty, too long, or has characters that cannot be shown.
    """
    return UPLOADED + checked_photo_name(photo_name)


def is_address(source: str) -> bool:
    """Return whether a source is an address from which the photo may be read."""
    return source != "" and not source.startswith(UPLOADED)
