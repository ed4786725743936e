"""Reads arguments that name a person by id or display name, or a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from facerec.cli.deferred import objects
from facerec.errors import InvalidInputError, NotFoundError, UserNotFoundError

if TYPE_CHECKING:
    from facerec.core.records import User
    from facerec.gallery.gallery import Gallery

_PATHS = ("/", "./", "../")
"""Beginnings of arguments that are never the name of a person."""


def user_id_of(gallery: Gallery, collection: str, person: str) -> str:
    """Return the id of the person with this id or display name.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        UserNotFoundError: Nobody has this id or name.
        AmbiguousPersonError: One person has this id, and another has this name.
    """
    return gallery.resolve_user(collection, person).user_id


def photo_or_person(gallery: Gallery, collection: str, text: str) -> User | str:
    """Return the person, or the address of the photo, that a text names.

    Raises:
        InvalidInputError: The text is both an existing file and a person.
        CollectionNotFoundError: The collection does not exist.
        NotFoundError: The text is neither.
        AmbiguousPersonError: One person has this id, and another has this name.
    """
    if objects.scheme_of(text) != "file" or text.startswith(_PATHS):
        return text
    is_photo = Path(text).is_file()
    try:
        user = gallery.resolve_user(collection, text)
    except UserNotFoundError as error:
        if is_photo or "/" in text:
            return text
        raise NotFoundError(
            f"{error.message}; there is no photo of this name either",
            "check the path of the photo, or see `facerec people list`",
        ) from error
    if is_photo:
        raise InvalidInputError(
            f"{text!r} is both a photo in this folder and a person",
            f"write ./{text} for the photo; for the person, run the command in another folder",
        )
    return user
