"""Limits the number of connections of a local server, and the time that they may be idle."""

from __future__ import annotations

import asyncio
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from facerec.api.limits import MAX_CONNECTIONS, MAX_HEAD_SECONDS, MAX_STALL_SECONDS


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP protocol with the limits that uvicorn leaves to a proxy.

    A client must send the head of a request within ``MAX_HEAD_SECONDS``, and must not pause for
    ``MAX_STALL_SECONDS`` while it reads an answer. If there are ``MAX_CONNECTIONS`` already, the
    one that has been idle longest is closed for a new one; if none is idle, the new one is closed.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _unread = 0
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection, or close it."""
        if len(self.connections) >= MAX_CONNECTIONS and not self._close_idle():
            transport.abort()
            return
        super().connection_made(transport)
        self._await_head()
        self._watch_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._stall_timer = None
        if self.transport is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle what the client sent, and start or stop waiting for the rest of a head."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._await_head()
        elif self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_response_complete(self) -> None:
        """Keep the connection for the next request, which may already have arrived in part."""
        self._idle_since = self.loop.time()
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._await_head()

    @property
    def _is_idle(self) -> bool:
        return self.timeout_keep_alive_task is not None

    def _close_idle(self) -> bool:
        """Close the connection that has been idle longest; return whether there was an idle one."""
        connections = cast("set[BoundedProtocol]", self.connections)
        idle = [connection for connection in connections if connection._is_idle]
        if not idle:
            return False
        oldest = min(idle, key=lambda connection: connection._idle_since)
        self.connections.discard(oldest)
        oldest.transport.abort()
        return True

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(MAX_HEAD_SECONDS, self.transport.abort)

    def _watch_reader(self) -> None:
        """Close the connection if its client has read nothing of an answer since the last call.

        Calls itself again after ``MAX_STALL_SECONDS``.
        """
        unread = self.transport.get_write_buffer_size()
        if unread and unread == self._unread:
            self.transport.abort()
            return
        self._unread = unread
        self._stall_timer = self.loop.call_later(MAX_STALL_SECONDS, self._watch_reader)
