"""The operation that a request calls, found before the request is authenticated or parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from facerec.api.rekognition.model import TARGET_PREFIX
from facerec.api.rekognition.operations import OPERATIONS

_COLLECTION_ID = re.compile(r"[a-zA-Z0-9_.-]{1,255}")


def called_operation(scope: Scope, routes: Iterable[BaseRoute]) -> tuple[str, str | None]:
    """Return the operation and the collection that the head of a request names, for the access log.

    The operation is empty if there is none with this name, and the collection None if the path
    names none: bodies are not read. Text of the sender is returned only if it is a valid id.
    """
    target = dict(scope["headers"]).get(b"x-amz-target")
    if scope["method"] == "POST" and target is not None:
        name = target.decode("latin-1").removeprefix(TARGET_PREFIX)
        return (f"rekognition:{name}" if name in OPERATIONS else ""), None
    for route in routes:
        if isinstance(route, Route):
            match, found = route.matches(scope)
            if match is Match.FULL:
                collection_id = found["path_params"].get("collection_id", "")
                is_id = _COLLECTION_ID.fullmatch(collection_id) is not None
                return f"{scope['method']} {route.path}", collection_id if is_id else None
    return "", None
