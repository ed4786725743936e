"""Reads the saved examples of a face collection of CompreFace through its REST API.

https://github.com/exadel-inc/CompreFace/blob/master/docs/Rest-API-description.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from facerec.core.ids import is_uuid
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.core.photos import UnreadableReason
from facerec.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    ObjectNotFoundError,
    PhotoTooLargeError,
    StoreUnavailableError,
    UnreadablePhotoError,
)

PAGE_SIZE = 500
"""Number of examples per page."""

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""Maximum size of a list in bytes: subjects are listed without pages."""

ATTEMPTS = 3
"""Maximum number of requests for a photo while the server fails."""

_CHECK = "check that the address and its port are those of a CompreFace server"
"""Hint for a response that does not look like CompreFace's."""

TIMEOUT = 60.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True, slots=True)
class Example:
    """A saved photo of a person.

    Attributes:
        image_id: Id of the photo, a lowercase UUID.
        subject: Name of the person; it may contain any characters.
    """

    image_id: str
    subject: str


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirects, because one could send the key to another server."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Return nothing, so that the redirect is an error."""


class ComprefaceServer:
    """Reads one face recognition service of a CompreFace server."""

    def __init__(self, address: str, api_key: str) -> None:
        """Create a reader; nothing is read yet.

        Args:
            address: Address of CompreFace, such as ``http://localhost:8000``.
            api_key: Key of the face recognition service.

        Raises:
            InvalidInputError: The address is not an http:// or https:// address, or the key
                contains characters that are invalid in keys.
        """
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = urlsplit("")
        if not (api_key.isascii() and api_key.isprintable()):
            raise InvalidInputError(
                "the API key contains characters that are invalid in keys of CompreFace",
                "copy the key of the recognition service again",
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInputError(
                f"{address!r} is not the address of a CompreFace server, nor a file that exists",
                "use an address such as http://localhost:8000, or the path of a plain dump",
            )
        self._root = f"{address.rstrip('/')}/api/v1/recognition"
        self._api_key = api_key
        self._opener = build_opener(_NoRedirects)
        self.models: dict[str, int] = {}
        """Empty, since the REST API does not state which network described a face."""

    def subjects(self) -> list[str]:
        """Return the names of all people, including those without photos.

        Raises:
            AccessDeniedError: The server does not accept the key.
            StoreUnavailableError: The server cannot be reached, or fails.
            NotFoundError: The server does not have this API.
            InvalidInputError: The server does not respond like CompreFace.
        """
        listed = self._document("subjects")
        return [str(subject) for subject in _list_of(listed, "subjects")]

    def examples(self) -> Iterator[Example]:
        """Yield all saved photos, with one page in memory at a time.

        Raises:
            AccessDeniedError: The server does not accept the key.
            StoreUnavailableError: The server cannot be reached, or fails.
            NotFoundError: The server does not have this API.
            InvalidInputError: The server does not respond like CompreFace.
        """
        number, pages = 0, 1
        seen: set[str] = set()
        while number < pages:
            page = self._document(f"faces?page={number}&size={PAGE_SIZE}")
            pages = page.get("total_pages", 1)
            examples = [_example(face) for face in _list_of(page, "faces")]
            ids = {example.image_id for example in examples}
            # True is an int; a server that repeats a page would never end
            if type(pages) is not int or pages < 0 or (ids and ids <= seen):
                raise self._unknown()
            if not ids:
                return
            seen |= ids
            yield from examples
            number += 1

    def address_of(self, example: Example) -> str:
        """Return the address of a photo."""
        return f"{self._root}/faces/{quote(example.image_id)}/img"

    def photo(self, example: Example) -> bytes:
        """Download a photo.

        Raises:
            ObjectNotFoundError: The server does not have the photo.
            UnreadablePhotoError: The server returned an error for this photo each time.
            PhotoTooLargeError: The photo has too many bytes.
            AccessDeniedError: The server does not accept the key.
            StoreUnavailableError: The server cannot be reached.
        """
        address = self.address_of(example)
        try:
            content = self._get_again(address)
        except NotFoundError:
            content = b""
        if not content:
            raise ObjectNotFoundError(address)
        if len(content) > MAX_PHOTO_BYTES:
            raise PhotoTooLargeError(f"{address} is larger than {MAX_PHOTO_BYTES >> 20} MiB")
        return content

    def _get_again(self, address: str, attempt: int = 1) -> bytes:
        try:
            return self._get(address, MAX_PHOTO_BYTES)
        except StoreUnavailableError as error:
            # without an answer, the server is down for all photos
            if not isinstance(error.__cause__, HTTPError):
                raise
            if attempt == ATTEMPTS:
                raise UnreadablePhotoError(
                    address, UnreadableReason.CORRUPT, error.message
                ) from error
        return self._get_again(address, attempt + 1)

    def _document(self, path: str) -> dict[str, Any]:
        content = self._get(f"{self._root}/{path}", MAX_DOCUMENT_BYTES)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._unknown() from error
        if not isinstance(document, dict):
            raise self._unknown()
        return document

    def _get(self, address: str, max_bytes: int) -> bytes:
        """Return the content at an address, up to one byte more than a maximum."""
        request = Request(address, headers={"x-api-key": self._api_key})  # noqa: S310 - checked
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                content: bytes = answer.read(max_bytes + 1)
                return content
        except HTTPError as error:
            error.close()
            if error.code in (401, 403):
                raise AccessDeniedError(
                    self._root,
                    "CompreFace rejected the API key",
                    "use the key of a face recognition service",
                ) from error
            if error.code == 404:
                raise NotFoundError(f"{address} does not exist") from error
            raise StoreUnavailableError(
                f"CompreFace returned status {error.code} for {address}",
                "run the import again to resume it",
            ) from error
        except (URLError, OSError, HTTPException) as error:
            raise StoreUnavailableError(
                f"CompreFace cannot be reached at {self._root}: {type(error).__name__}",
                "check the address; run the import again to resume it",
            ) from error

    def _unknown(self) -> InvalidInputError:
        return InvalidInputError(
            f"{self._root} does not respond like a CompreFace server",
            _CHECK,
        )


def _list_of(document: dict[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    if not isinstance(found, list):
        raise InvalidInputError(
            f"the response of CompreFace does not contain a list of {name}", _CHECK
        )
    return found


def _example(face: object) -> Example:
    image_id = face.get("image_id") if isinstance(face, dict) else None
    subject = face.get("subject") if isinstance(face, dict) else None
    if not isinstance(subject, str) or not is_uuid(str(image_id)):
        raise InvalidInputError(
            "the response of CompreFace lists a face without a valid image_id or without a subject",
            _CHECK,
        )
    return Example(str(image_id), subject)
