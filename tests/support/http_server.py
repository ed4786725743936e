"""The frame of a service that tests run over HTTP on this machine, in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass
class Response:
    """An answer: a JSON document with a status, and headers of its own."""

    document: dict[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpServer:
    """A service on a free port; subclasses implement ``respond``."""

    def __init__(self, *, port: int = 0) -> None:
        self._faults: list[tuple[str, int]] = []
        self._lock = threading.RLock()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fail(self, operation: str, status: int, times: int) -> None:
        """Answer the next requests of an operation with an error."""
        self._faults += [(operation, status)] * times

    def respond(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """Answer a request; called in several threads."""
        raise NotImplementedError

    def _next_failure(self, operation: str) -> int | None:
        """Return the status with which this request of an operation is to fail, if it is."""
        for failure in self._faults:
            if failure[0] == operation:
                self._faults.remove(failure)
                return failure[1]
        return None


def _handler(server: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = server.respond(self.command, self.path, self.headers, body)
            content = json.dumps(response.document).encode()
            self.send_response(response.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_DELETE = do_GET  # noqa: N815 - names that the base class looks for

        def log_message(self, format: str, *values: object) -> None:
            """Print nothing."""

    return Handler
