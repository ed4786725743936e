"""Photos that a command names: paths and ``s3://`` addresses."""

from __future__ import annotations


def read_photo(uri: str) -> bytes:
    """Return the bytes of a photo.

    Raises:
        ObjectNotFoundError: there is none.
        AccessDeniedError: it may not be read.
        StoreUnavailableError: it cannot be read for now.
    """
    from facerec.storage.objects.routed import open_objects

    return open_objects().read(uri)
