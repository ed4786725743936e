"""Answers the requests of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from facerec.errors import NotFoundError
from facerec.gallery.requests import clusters, collections, history, people, registrations

if TYPE_CHECKING:
    from facerec.gallery.gallery import Gallery
    from facerec.gallery.presenting.faces import Json

Operation = Callable[["Gallery", str, Mapping[str, Any]], "Json"]

_OPERATIONS: dict[str, Operation] = {
    **clusters.OPERATIONS,
    **collections.OPERATIONS,
    **history.OPERATIONS,
    **people.OPERATIONS,
    **registrations.OPERATIONS,
}


def answer_request(gallery: Gallery, request: Mapping[str, Any]) -> Json:
    """Perform the operation of a request, and return its result as JSON values.

    Args:
        gallery: The gallery.
        request: ``operation``, a name of one of the tables ``OPERATIONS`` of this package;
            ``collection``, the id of a collection, or an empty text for the list of all; and the
            arguments of the operation. A ``person`` is an id or a display name.

    Raises:
        NotFoundError: There is no such operation: the command belongs to another release.
        FacerecError: See the operations of ``Gallery``.
    """
    operation = str(request["operation"])
    if operation not in _OPERATIONS:
        raise NotFoundError(
            f"the stack is of another release than this command: it has no {operation!r}",
            "update the stack to this release",
        )
    return _OPERATIONS[operation](gallery, str(request["collection"]), request)
