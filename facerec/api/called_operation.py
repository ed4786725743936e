"""The operation that a request calls, found before the request is authenticated or parsed."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from facerec.api.rekognition.errors import RekognitionError
from facerec.api.rekognition.service import find_operation
from facerec.core.names import checked_collection_id
from facerec.errors import InvalidInputError


def called_operation(scope: Scope, routes: Iterable[BaseRoute]) -> tuple[str, str | None]:
    """Return the operation and the collection that the head of a request names, for the access log.

    The operation is empty if it does not exist. The collection is None if the path names none:
    bodies are not read. An id from the path is returned only if it is valid.
    """
    target = dict(scope["headers"]).get(b"x-amz-target")
    if scope["method"] == "POST" and target is not None:
        try:
            name, _ = find_operation(target.decode("latin-1"))
        except RekognitionError:
            return "", None
        return f"rekognition:{name}", None
    for route in routes:
        if isinstance(route, Route):
            match, found = route.matches(scope)
            if match is Match.FULL:
                operation = f"{scope['method']} {route.path}"
                try:
                    return operation, checked_collection_id(found["path_params"]["collection_id"])
                except (InvalidInputError, KeyError):
                    return operation, None
    return "", None
