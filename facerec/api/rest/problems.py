"""Returns errors as problem documents (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from facerec.api.auth.access import RefusedError
from facerec.api.capacity import CLIENT_GONE, ClientGoneError
from facerec.api.client_messages import message_for_clients
from facerec.api.logging import log_error
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.violations import sentences_of
from facerec.core.photos import UnreadableReason
from facerec.errors import (
    AccessDeniedError,
    BusyError,
    CollectionExistsError,
    ConfigurationError,
    ConflictError,
    FaceInUseError,
    FacerecError,
    JobEndedError,
    MigrationError,
    NoCredentialsError,
    NotFoundError,
    PersonChangeError,
    PhotoTooLargeError,
    RecipeUnavailableError,
    ServiceDeniedError,
    StoreDamagedError,
    StoreUnavailableError,
    UnreadablePhotoError,
    UserExistsError,
    UserNameExistsError,
    WeightsError,
)

RETRY_AFTER = 2
"""Seconds after which a client may retry a request that was answered with 503."""

MEDIA_TYPE = "application/problem+json"

_STATUSES: tuple[tuple[type[FacerecError], int], ...] = (
    (ServiceDeniedError, 500),
    (AccessDeniedError, 403),
    # a server without credentials works, but cannot read the buckets that clients name
    (NoCredentialsError, 403),
    (NotFoundError, 404),
    (CollectionExistsError, 409),
    (ConflictError, 409),
    (FaceInUseError, 409),
    (JobEndedError, 409),
    (MigrationError, 409),
    (RecipeUnavailableError, 409),
    (UserExistsError, 409),
    (UserNameExistsError, 409),
    (PersonChangeError, 409),
    (PhotoTooLargeError, 413),
    (StoreUnavailableError, 503),
    (BusyError, 503),
    (ConfigurationError, 500),
    (WeightsError, 500),
    (StoreDamagedError, 500),
)
"""HTTP status of each error; 422 for all others."""

_COMMON: dict[int | str, dict[str, Any]] = {
    400: response_doc("The request is malformed.", "problem"),
    401: response_doc("The request needs a token or a signature.", "problem"),
    403: response_doc("Permission denied.", "problem"),
    413: response_doc("The request or the photo is too large.", "problem"),
    422: response_doc("The request is invalid.", "problem"),
    500: response_doc("An unexpected error of the server.", "problem"),
    503: response_doc("A store is unavailable, or too many requests are queued.", "problem"),
}


def problems(*more: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of a route's problems for the OpenAPI document.

    Args:
        more: Statuses in addition to those that every route may return.
    """
    described = dict(_COMMON)
    for status in more:
        described[status] = response_doc(HTTPStatus(status).phrase, "problem")
    return described


def handle_problems(app: FastAPI) -> None:
    """Register handlers that return errors as problem documents."""

    @app.exception_handler(FacerecError)
    def facerec_error(_request: Request, error: FacerecError) -> Response:
        log_error(error)
        status = _status_of(error)
        # Advice for the operator is useless to a client.
        hint = None if error.hint_is_for_operator else error.hint
        return _problem(status, message_for_clients(error), hint)

    @app.exception_handler(RefusedError)
    def refused(_request: Request, error: RefusedError) -> Response:
        return _problem(error.status, error.message)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> Response:
        return _problem(422, sentences_of(list(error.errors())))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        headers, detail, hint = dict(error.headers or {}), str(error.detail), None
        if error.status_code == 404:
            detail, hint = "the API does not have this path", "see /openapi.json for all paths"
        if error.status_code == 405:
            # the framework lists the methods of one route only, but each method of a path is a
            # route
            headers["Allow"] = ", ".join(_allowed_methods(app, request))
            detail = f"this path supports {headers['Allow']}, not {request.method:.20}"
        return _problem(error.status_code, detail, hint, headers)

    @app.exception_handler(ClientGoneError)
    def client_gone(_request: Request, _error: ClientGoneError) -> Response:
        return Response(status_code=CLIENT_GONE)

    @app.exception_handler(Exception)
    def unexpected(_request: Request, error: Exception) -> Response:
        log_error(error)
        return _problem(500, "an unexpected error; the server's log has details")


def _allowed_methods(app: FastAPI, request: Request) -> list[str]:
    return [
        method
        for method in ("DELETE", "GET", "POST", "PUT")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in app.routes
        )
    ]


def _status_of(error: FacerecError) -> int:
    if isinstance(error, UnreadablePhotoError) and error.reason is UnreadableReason.TOO_LARGE:
        return 413
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return 422


def _problem(
    status: int,
    detail: str,
    hint: str | None = None,
    headers: Any = None,  # noqa: ANN401 - starlette's own type
) -> Response:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if hint is not None:
        document["hint"] = hint
    headers = dict(headers or {})
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return JSONResponse(document, status, headers, media_type=MEDIA_TYPE)
