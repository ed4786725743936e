"""Refuses unknown query parameters, since a misspelt one must not be ignored."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

PREFIX = "/api/"
"""Prefix of the paths of the REST API."""


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a request whose query has parameters that its route does not have.

    Raises:
        RequestValidationError: The query has unknown parameters; the error names each of them.
    """
    route: APIRoute = request.scope["route"]
    if not route.path.startswith(PREFIX):
        return
    used = (route.dependant, *route.dependant.dependencies)
    known = {parameter.alias for each in used for parameter in each.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise RequestValidationError([_violation(name, route) for name in unknown])


def _violation(name: str, route: APIRoute) -> dict[str, Any]:
    place = ("query", name[:100])
    body = route.body_field
    if body and name in getattr(body.field_info.annotation, "model_fields", ()):
        return {"loc": place, "msg": "move it into the JSON document", "type": "value_error"}
    return {"loc": place, "msg": "unknown parameter", "type": "extra_forbidden"}
