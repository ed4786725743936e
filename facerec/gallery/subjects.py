"""Reads the texts by which callers name people and what to erase or export."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.names import checked_user_id, checked_user_name, derived_user_id
from facerec.errors import InvalidInputError, UserNotFoundError
from facerec.gallery.deferred import erasures

if TYPE_CHECKING:
    from facerec.core.erasures import SubjectKind
    from facerec.gallery.gallery import Gallery


def subject_name(gallery: Gallery, collection_id: str, subject: SubjectKind, text: str) -> str:
    """Return the name of a subject for ``Gallery.erase``; for a person, this is the id.

    An id that nobody has is returned too, since job folders and the history may still contain data
    about it. A name of somebody who was deleted, or whose erasure was interrupted, gives the former
    id.

    Raises:
        InvalidInputError: ``collection_id`` is not a valid collection id, or the name of a person
            is empty or too long.
        CollectionNotFoundError: The collection does not exist.
        UserNotFoundError: The text is not a valid id, and no person has this name.
        AmbiguousPersonError: One person has this id, and another has this name.
    """
    if subject is not erasures.SubjectKind.USER:
        return text
    try:
        return gallery.resolve_user(collection_id, text).user_id
    except UserNotFoundError:
        unfinished = gallery.person_being_erased(collection_id, text)
        if unfinished is not None:
            return unfinished
        page = gallery.list_history(collection_id, person=text, limit=1)
        if page.entries and page.person is not None:
            return page.person
        with suppress(InvalidInputError):
            return checked_user_id(text)
        raise


def new_or_known(gallery: Gallery, collection_id: str, person: str) -> tuple[str, str | None]:
    """Return the id of a person who may not exist yet, and the display name of a new one.

    A text that is not an id is the name of a new person; the id is derived from the name. The name
    is None if the person exists, or if the text is an id.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        AmbiguousPersonError: One person has this id, and another has this name.
        InvalidInputError: ``collection_id`` is not a valid collection id, or the text is neither an
            id nor a valid name.
    """
    with suppress(UserNotFoundError):
        return gallery.resolve_user(collection_id, person).user_id, None
    with suppress(InvalidInputError):
        return checked_user_id(person), None
    name = checked_user_name(person)
    return derived_user_id(name), name


def known_name(gallery: Gallery, collection_id: str, person: str) -> str:
    """Return the name of a person for a correction: the id, or another name that faces have.

    These are external image ids, their parts before the colon, and ids of faces.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        UserNotFoundError: Nobody has this id or name, and no face has it; similar people are named.
        AmbiguousPersonError: One person has this id, and another has this name.
        InvalidInputError: ``collection_id`` is not a valid collection id.
    """
    try:
        return gallery.resolve_user(collection_id, person).user_id
    except UserNotFoundError:
        if gallery.is_name_of_face(collection_id, person):
            return person
        raise


def known_id(gallery: Gallery, collection_id: str, person: str) -> str:
    """Return what ``known_name`` returns, of a text that is never read as a display name.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        UserNotFoundError: Nobody has this id, and no face has it.
        InvalidInputError: ``collection_id`` is not a valid collection id.
    """
    if gallery.is_name_of_face(collection_id, person):
        return person
    raise UserNotFoundError(person)


def corrected_name(gallery: Gallery, collection_id: str, person: str) -> str:
    """Return the id of a person, or the text itself, which a correction may still have.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        AmbiguousPersonError: One person has this id, and another has this name.
        InvalidInputError: ``collection_id`` is not a valid collection id.
    """
    with suppress(UserNotFoundError):
        return gallery.resolve_user(collection_id, person).user_id
    return person
