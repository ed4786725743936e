"""The outermost layer of the application: checks who sent a request before any costly work."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facerec.api.access_log import Access, note_access, note_principal, record_access
from facerec.api.auth.access import BodyCheck, Guard, RefusedError, RequestHead
from facerec.api.called_operation import called_operation
from facerec.api.limits import (
    MAX_BODIES,
    MAX_BODY,
    MAX_BODY_SECONDS,
    MAX_DISCARD_SECONDS,
    MAX_JSON_TOKENS,
    MAX_PUBLIC_BODY,
)
from facerec.api.logging import log_unchecked_sender
from facerec.api.rekognition.service import error_response
from facerec.api.rest.uploads import is_upload
from facerec.errors import FacerecError

Refusal = tuple[int, dict[str, str], bytes]

RETRY_AFTER = 5
"""Seconds after which a client may retry a request that was refused with 503. This is longer than
``facerec.api.rest.problems.RETRY_AFTER``, since several large requests have to end first, or the
access table must become readable again."""

_DECIDING_HEADERS = frozenset(
    {"authorization", "content-length", "content-type", "host", "origin", "sec-fetch-site"}
)
"""Headers that determine the meaning or the sender of a request, besides AWS's (``x-amz-*``)."""


class AccessControl:
    """ASGI middleware that checks a request before its body is parsed.

    The head of a request is checked before its body is read, and the number of values in its JSON
    before the JSON is parsed. Requests that name an operation of Rekognition are sent to ``/``,
    regardless of the path of the client's endpoint.
    """

    def __init__(
        self,
        app: ASGIApp,
        guard: Guard,
        public: Callable[[str, str], bool],
        max_body: int = MAX_BODY,
        max_bodies: int = MAX_BODIES,
        access_log: Callable[[Access], None] | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        """Create the middleware of an application.

        Args:
            app: The application.
            guard: Identifies the sender of a request.
            public: Returns whether a method and a path need no authentication.
            max_body: Maximum size of a request in bytes.
            max_bodies: Maximum size in bytes of all requests that are being received or answered.
            access_log: Called with each request once it is answered.
            routes: Routes of the application, for the access log.
        """
        self._app = app
        self._guard = guard
        self._public = public
        self._max_body = max_body
        self._max_bodies = max_bodies
        self._access_log = access_log
        self._routes = routes
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._access_log is None:
            await self._answer_or_end(scope, receive, send)
        else:
            with record_access(self._access_log) as access:
                # Refused and invalid requests do not reach the code that records the exact
                # operation.
                note_access(*called_operation(scope, self._routes))
                await self._answer_or_end(scope, receive, access.watch(send))

    async def _answer_or_end(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; answer 503 if the server ends first."""
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._answer(scope, receive, note)
        except asyncio.CancelledError:
            # The server cancels requests that do not end in time; otherwise it would log a
            # traceback.
            if not started:
                await PlainTextResponse("the server is shutting down", 503)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _request_head(scope)
        rekognition = head.method == "POST" and "x-amz-target" in head.headers
        public = not rekognition and self._public(head.method, scope["path"])
        receive = _Body(receive)
        with self._holding() as hold:
            try:
                _check_repeated_headers(scope)
                # The look-up of a key may wait for a store.
                check = None if public else await run_in_threadpool(self._admit, head)
                limit = MAX_PUBLIC_BODY if public else self._max_body
                body = await _read_body(head, receive, limit, hold)
                if body is None:
                    return
                if check is not None:
                    principal = await run_in_threadpool(check, body)
                    note_principal(principal.name)
                    scope.setdefault("state", {})["principal"] = principal
                if rekognition or not is_upload(head.headers.get("content-type", "")):
                    await _check_json(body)
            except RefusedError as error:
                note_principal(error.sender)
                await receive.discard_rest()
                await _send(send, refusal(error, rekognition=rekognition))
                return
            if rekognition:
                scope = {**scope, "path": "/", "raw_path": b"/"}
            await self._app(scope, _replay(body, receive), send)

    def _admit(self, head: RequestHead) -> BodyCheck:
        """Check the head of a request, and return the check of the body.

        Raises:
            RefusedError: The sender has no permission at all, or cannot be checked.
        """
        try:
            return self._guard.admit(head)
        except FacerecError as error:
            log_unchecked_sender(error)
            raise RefusedError(
                "InternalServerError",
                "The server cannot check who sent the request. Try again later.",
                503,
            ) from error

    @contextmanager
    def _holding(self) -> Iterator[Callable[[int], None]]:
        """Yield a function that reserves bytes for a request until the end of the block.

        The function raises ``RefusedError`` if all requests together have too many bytes.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if self._held + size > self._max_bodies:
                raise RefusedError(
                    "ThrottlingException", "The server is receiving too many large requests.", 503
                )
            self._held += size
            held += size

        try:
            yield hold
        finally:
            self._held -= held


class _Body:
    """The body of a request, as it is received."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._complete = message["type"] == "http.disconnect" or not message.get("more_body")
        return message

    async def discard_rest(self) -> None:
        """Receive and discard the rest of the body, for at most ``MAX_DISCARD_SECONDS``.

        A client that is still sending when the connection closes may never see the answer.
        """
        discarded = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_DISCARD_SECONDS):
                while not self._complete and discarded < MAX_BODIES:
                    discarded += len((await self()).get("body", b""))


def _request_head(scope: Scope) -> RequestHead:
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    query = scope.get("query_string", b"").decode("latin-1")
    gateway = scope.get("aws.event", {}).get("requestContext")
    return RequestHead(scope["method"], _signed_path(scope), query, headers, gateway)


def _check_repeated_headers(scope: Scope) -> None:
    """Refuse a request that repeats a header, since checks could then read different values.

    Raises:
        RefusedError: A header that determines the meaning or the sender of the request is repeated.
    """
    counts = Counter(name.decode("latin-1").lower() for name, _ in scope["headers"])
    for name, count in counts.items():
        if count > 1 and (name in _DECIDING_HEADERS or name.startswith("x-amz-")):
            raise RefusedError(
                "InvalidSignatureException", f"The header {name!r} is sent more than once.", 400
            )


async def _read_body(
    head: RequestHead, receive: Receive, limit: int, hold: Callable[[int], None]
) -> bytes | None:
    """Return the body of a request, or None if the client disconnects before it is complete.

    Raises:
        RefusedError: The body is too large, is not complete after ``MAX_BODY_SECONDS``, or too many
            requests are being received.
    """
    announced = head.headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > 20 or int(announced) > limit:
        raise _too_large(limit)
    content = bytearray()
    try:
        async with asyncio.timeout(MAX_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                chunk = message.get("body", b"")
                if len(content) + len(chunk) > limit:
                    raise _too_large(limit)
                hold(len(chunk))
                content += chunk
                if not message.get("more_body"):
                    return bytes(content)
    except TimeoutError:
        raise RefusedError(
            "RequestTimeoutException",
            f"The request was not complete after {MAX_BODY_SECONDS} seconds.",
            408,
        ) from None


async def _check_json(body: bytes) -> None:
    """Refuse JSON that would take many times its size in memory once parsed.

    Raises:
        RefusedError: The JSON contains too many values.
    """
    if len(body) > MAX_JSON_TOKENS and await run_in_threadpool(_tokens, body) > MAX_JSON_TOKENS:
        raise RefusedError(
            "SerializationException",
            f"The request has more than {MAX_JSON_TOKENS} values.",
            413,
        )


def _tokens(body: bytes) -> int:
    """Estimate the number of values in a JSON text from characters that base64 does not contain."""
    return sum(body.count(character) for character in (b",", b":", b"[", b"{"))


def _too_large(limit: int) -> RefusedError:
    return RefusedError(
        "RequestEntityTooLargeException",
        f"The request has more than {limit} bytes. Name larger photos by bucket and key instead "
        "of sending them.",
        413,
    )


def _signed_path(scope: Scope) -> str:
    """Return the path that the client signed: API Gateway removes the name of the stage from it."""
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
    if error.status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    return error.status, headers, json.dumps(document).encode()


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that first repeats the body, then returns the client's next messages."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _send(send: Send, refusal: Refusal) -> None:
    """Send a refusal, after which the server closes the connection."""
    status, headers, body = refusal
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                *((name.encode(), value.encode()) for name, value in headers.items()),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
