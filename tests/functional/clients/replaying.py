"""A server that answers requests as another did, if a generated client sends the same requests."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.support.rest_server import Answered
from tests.support.server import running


class Replay:
    """An application that expects requests in their order; it describes those that differ."""

    def __init__(self, document: dict[str, Any], calls: list[Answered]) -> None:
        self.document = document
        self.expected = iter(calls)
        self.differences: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = next(self.expected, None)
        if call is None:
            self.differences.append(f"no more requests expected: {request.url}")
            return
        sent, recorded = await _sent(request), _recorded(call)
        for name, value in _defaults(self.document, call).items():
            for query in (sent["query"], recorded["query"]):
                query.setdefault(name, value)
        if sent != recorded:
            self.differences.append(f"{call.operation_id}: {sent}\ninstead of {recorded}")
        answer = Response(call.content, call.status, media_type=call.media_type or None)
        await answer(scope, receive, send)


@contextmanager
def replaying(document: dict[str, Any], calls: list[Answered]) -> Iterator[str]:
    """Serve recorded answers to recorded requests, and yield the address.

    Args:
        document: The OpenAPI document of the server that has answered.
        calls: The requests with their answers, in order.
    """
    replay = Replay(document, calls)
    with running(replay) as address:
        yield address
    assert replay.differences == []
    assert next(replay.expected, None) is None, "requests are missing"


def calls_json(calls: list[Answered]) -> str:
    """Return the calls as JSON for programs, with bytes in base64."""
    return json.dumps(
        [
            {
                "id": call.operation_id,
                "path": call.parameters,
                "query": call.request.get("params", {}),
                "json": call.request.get("json"),
                "form": call.request.get("data"),
                "files": {
                    name: base64.b64encode(content).decode()
                    for name, content in call.request.get("files", {}).items()
                },
                "status": call.status,
                "document": call.document,
                "content": base64.b64encode(call.content).decode(),
            }
            for call in calls
        ]
    )


def _defaults(document: dict[str, Any], call: Answered) -> dict[str, str]:
    """Return the defaults of the query's parameters, which some clients send and some omit."""
    described = document["paths"][call.path][call.method].get("parameters", [])
    return {
        each["name"]: _text(each["schema"]["default"])
        for each in described
        if each["in"] == "query" and "default" in each["schema"]
    }


async def _sent(request: Request) -> dict[str, Any]:
    body = await request.body()
    return {
        "method": request.method.lower(),
        "path": request.url.path,
        "query": dict(request.query_params),
        "body": _body(request.headers.get("content-type", ""), body),
    }


def _recorded(call: Answered) -> dict[str, Any]:
    body = call.request.get("json")
    if "files" in call.request:
        parts = {**call.request.get("data", {}), **call.request["files"]}
        body = {name: _bytes(value) for name, value in parts.items()}
    return {
        "method": call.method,
        "path": call.path.format(**call.parameters),
        "query": {name: _text(value) for name, value in call.request.get("params", {}).items()},
        "body": body,
    }


def _body(content_type: str, body: bytes) -> Any:  # noqa: ANN401 - JSON
    if not body:
        return None
    if "json" in content_type:
        return json.loads(body)
    if "boundary" not in content_type:
        first_line = body.partition(b"\r\n")[0].decode()
        content_type += f"; boundary={first_line.removeprefix('--')}"
    form = BytesParser(policy=HTTP).parsebytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + body
    )
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.iter_parts()
    }


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
