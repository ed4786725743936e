"""The outermost layer: reads each request whole, decides about its sender, then lets it in."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facerec.api.auth.access import Guard, RawRequest, RefusedError
from facerec.api.rekognition.service import error_response

LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of a request: two photos of 5 MB each in base64, as CompareFaces may send."""

Refusal = tuple[int, dict[str, str], bytes]


class AccessControl:
    """ASGI middleware that checks a request before anything of it is parsed.

    Requests that name an operation of Rekognition go to ``/``, whatever path the client's
    endpoint has.
    """

    def __init__(
        self,
        app: ASGIApp,
        guard: Guard,
        public: Callable[[str, str], bool],
        largest_body: int = LARGEST_BODY,
    ) -> None:
        """Take the parts.

        Args:
            app: what is guarded.
            guard: decides who sends a request.
            public: tells by method and path what anybody may have.
            largest_body: bytes of a request that are read.
        """
        self._app = app
        self._guard = guard
        self._public = public
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        rekognition = scope["method"] == "POST" and "x-amz-target" in headers
        try:
            body = await self._body(headers, receive)
            if body is None:
                return
            if rekognition or not self._public(scope["method"], scope["path"]):
                request = RawRequest(
                    scope["method"],
                    _signed_path(scope),
                    scope.get("query_string", b"").decode("latin-1"),
                    headers,
                    body,
                )
                # looking up a key may wait for a store
                principal = await run_in_threadpool(self._guard.check, request)
                scope.setdefault("state", {})["principal"] = principal
        except RefusedError as error:
            await _send(send, refusal(error, rekognition=rekognition))
            return
        if rekognition:
            scope = {**scope, "path": "/", "raw_path": b"/"}
        await self._app(scope, _replay(body, receive), send)

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes | None:
        """Return the body, or None if the client left before it was whole."""
        announced = headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._largest_body:
            raise self._too_large()
        content = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            content += message.get("body", b"")
            if len(content) > self._largest_body:
                raise self._too_large()
            if not message.get("more_body"):
                return bytes(content)

    def _too_large(self) -> RefusedError:
        return RefusedError(
            "RequestEntityTooLargeException",
            f"The request has more than {self._largest_body} bytes. Name larger photos by bucket "
            "and key instead of sending them.",
            413,
        )


def _signed_path(scope: Scope) -> str:
    """Return the path that the client signed, which API Gateway shortens by the stage's name."""
    context = scope.get("aws.event", {}).get("requestContext", {})
    path = context.get("path") or context.get("http", {}).get("path")
    if isinstance(path, str):
        return path
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def refusal(error: RefusedError, *, rekognition: bool) -> Refusal:
    """Return status, headers and body of a refusal, in the protocol of the request."""
    if rekognition:
        return error_response(error)
    document = {
        "type": "about:blank",
        "title": error.kind.removesuffix("Exception"),
        "status": error.status,
        "detail": error.message,
    }
    headers = {"Content-Type": "application/problem+json"}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return error.status, headers, json.dumps(document).encode()


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body once more, and then what comes behind it."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _send(send: Send, refusal: Refusal) -> None:
    status, headers, body = refusal
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                *((name.encode(), value.encode()) for name, value in headers.items()),
                (b"content-length", str(len(body)).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
