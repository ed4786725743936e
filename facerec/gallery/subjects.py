"""Resolves the texts with which callers refer to people and to the data to erase or export.

One rule applies to all of them: a text is an id or a display name. A text that is the id of one
person and the name of another is refused (``AmbiguousPersonError``). Ids of people whose erasure
was interrupted, and of people in corrections who no longer exist, are still found. Corrections may
also contain external image ids. These are often names of the same people, so they are tried last.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from facerec.core.derived_names import derived_user_id
from facerec.core.names import checked_user_id, checked_user_name
from facerec.errors import AmbiguousPersonError, InvalidInputError, UserNotFoundError
from facerec.gallery.deferred import erasures

if TYPE_CHECKING:
    from facerec.core.erasures import SubjectKind
    from facerec.gallery.gallery import Gallery


def subject_name(gallery: Gallery, collection_id: str, subject: SubjectKind, text: str) -> str:
    """Return the name of a subject for ``Gallery.erase``; for a person, this is the id.

    An id that nobody has is returned too, since job folders and the history may still contain data
    about it. For the name of somebody who was deleted, or whose erasure was interrupted, the former
    id is returned.

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
        user = gallery.resolve_user(collection_id, text)
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
    if user.user_id != text and gallery.person_being_erased(collection_id, text) == text:
        raise AmbiguousPersonError(text, [text, user.user_id])
    return user.user_id


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

    Other names are external image ids, their parts before the colon, and ids of faces.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        UserNotFoundError: No person and no face has this id or name; the message lists similar
            people.
        AmbiguousPersonError: One person has this id, and another has this name.
        InvalidInputError: ``collection_id`` is not a valid collection id.
    """
    try:
        return gallery.resolve_user(collection_id, person).user_id
    except UserNotFoundError:
        if gallery.is_name_of_face(collection_id, person):
            return person
        raise


def corrected_name(gallery: Gallery, collection_id: str, face_id: str, person: str) -> str:
    """Return the name by which a correction of a face refers to a person: the id, or the text.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        AmbiguousPersonError: One person has this id, and another has this name; or the face has a
            correction about each.
        InvalidInputError: ``collection_id`` is not a valid collection id.
    """
    try:
        user_id = gallery.resolve_user(collection_id, person).user_id
    except UserNotFoundError:
        return person
    if user_id == person or not gallery.is_corrected(collection_id, face_id, person):
        return user_id
    if gallery.is_corrected(collection_id, face_id, user_id):
        raise AmbiguousPersonError(person, [person, user_id])
    return person
