"""Creates people under the names that they have in another program."""

from __future__ import annotations

from contextlib import suppress

from facerec.core.derived_names import derived_user_id
from facerec.errors import InvalidInputError, UserExistsError
from facerec.gallery.gallery import Gallery


def create_person(gallery: Gallery, collection_id: str, name: str, created: set[str]) -> None:
    """Create a person if nobody has the id, without a name that is invalid or somebody else's.

    Args:
        gallery: The gallery of the collection.
        collection_id: The collection.
        name: Name of the person; it may contain any characters. The person's id is derived from
            it.
        created: Names of people that the import has already created; receives this name.

    Raises:
        CollectionNotFoundError: The collection does not exist.
        ConflictError: Too many concurrent changes, or the deletion of the collection is not
            finished.
        DeletedCollectionError: The collection was deleted, but an older copy of the database
            brought it back.
    """
    if name in created:
        return
    created.add(name)
    user_id = derived_user_id(name)
    try:
        gallery.create_user(collection_id, user_id, name=name, any_case=True)
    except UserExistsError:
        return
    except InvalidInputError:
        # not a valid name, or another person's, such as "ann" beside "Ann"
        with suppress(UserExistsError):
            gallery.create_user(collection_id, user_id)
