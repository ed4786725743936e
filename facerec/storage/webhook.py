"""Sends signed events to a webhook, an address of the operator."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from facerec.core.events import SEND_SECONDS
from facerec.core.hosts import is_loopback
from facerec.core.override import override
from facerec.errors import InvalidInputError, WebhookError

if TYPE_CHECKING:
    from facerec.core.events import MatchEvent

SIGNATURE_HEADER = "Facerec-Signature"
"""Header with the time ``t`` in seconds since 1970, and ``v1``, the HMAC-SHA256 of ``t``, a dot and
the body, in hexadecimal digits; the same form as Stripe's
(https://docs.stripe.com/webhooks#verify-manually)."""

TIMEOUT = SEND_SECONDS
"""Seconds to wait for a complete answer."""

MIN_SECRET_LENGTH = 16
"""Minimum number of characters of a secret."""


class Webhook:
    """Sends events to one address, by POST. Redirects are not followed."""

    def __init__(
        self,
        address: str,
        secret: str,
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create a webhook.

        Args:
            address: ``https://`` address, or an ``http://`` one of this machine.
            secret: Key of the signature, which the receiver has too.
            timeout: Seconds to wait for a complete answer.
            clock: Returns the time in seconds since 1970.

        Raises:
            InvalidInputError: The address or the secret is not valid.
        """
        loopback = _checked_address(address)
        if len(secret.strip()) < MIN_SECRET_LENGTH:
            raise InvalidInputError(
                "the secret of the webhook is missing or too short",
                f"set FACEREC_WEBHOOK_SECRET to a random string of at least {MIN_SECRET_LENGTH} "
                "characters",
            )
        # the secret may be any bytes from the environment
        self._address, self._secret = address, secret.encode(errors="surrogateescape")
        self._timeout, self._clock = timeout, clock
        # A proxy must not receive events for this machine.
        proxies = [urllib.request.ProxyHandler({})] if loopback else []
        self._opener = urllib.request.build_opener(
            _NoRedirects(), _HttpHandler(), _HttpsHandler(), *proxies
        )

    def __repr__(self) -> str:
        return "Webhook()"

    def send(self, event: MatchEvent) -> None:
        """Send an event.

        Raises:
            WebhookError: The event was not accepted, or the answer was not complete in time.
        """
        body = json.dumps(event.to_json(), ensure_ascii=False, sort_keys=True).encode()
        request = urllib.request.Request(  # noqa: S310 - checked in the constructor
            self._address,
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": "facerec",
                SIGNATURE_HEADER: signature(self._secret, body, int(self._clock())),
            },
        )
        try:
            with self._opener.open(request, timeout=self._timeout):
                return
        except urllib.error.HTTPError as error:
            error.close()
            raise WebhookError(_refusal(error.code)) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            name = type(reason if isinstance(reason, Exception) else error).__name__
            raise WebhookError(
                f"the event could not be sent to the webhook ({name})",
                "check the address, the network and the certificate",
            ) from None


def signature(secret: bytes, body: bytes, at: int) -> str:
    """Return the signature of a body that is sent at a time in seconds since 1970."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class _Connection(HTTPConnection):
    """A connection whose answer must be complete in time.

    The timeout of a socket applies to each read, so an answer that arrives byte by byte would never
    time out.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - http.client's
        super().__init__(*args, **options)
        self._late = False
        self._timer = threading.Timer(self.timeout or TIMEOUT, self._give_up)
        self._timer.daemon = True
        self._timer.start()

    @override
    def connect(self) -> None:
        super().connect()
        if self._late:
            raise TimeoutError

    @override
    def getresponse(self) -> HTTPResponse:
        try:
            answer = super().getresponse()
        except (OSError, HTTPException):
            if self._late:
                raise TimeoutError from None
            raise
        finally:
            self._timer.cancel()
        if self._late:
            answer.close()
            raise TimeoutError
        return answer

    @override
    def close(self) -> None:
        self._timer.cancel()
        super().close()

    def _give_up(self) -> None:
        self._late = True
        with suppress(OSError, AttributeError):  # not connected, or already closed
            self.sock.shutdown(socket.SHUT_RDWR)


class _TlsConnection(_Connection, HTTPSConnection):
    """A ``_Connection`` over TLS."""


class _HttpHandler(urllib.request.HTTPHandler):
    @override
    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    @override
    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_TlsConnection, req)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    @override
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect: the operator chose the address, and the answer is not trusted."""


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"the webhook redirects to another address (status {status}), which is not followed"
    return f"the webhook responded with status {status}"


def _checked_address(address: str) -> bool:
    """Check the address of a webhook, and return whether it is on this machine.

    Raises:
        InvalidInputError: Events may not be sent to the address.
    """
    hint = "use an https:// address, or an http:// one of this machine"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
        sendable = _is_sendable(address, host or "", parts.path + parts.query)
    except ValueError:
        raise InvalidInputError("the address of the webhook is not valid", hint) from None
    if not (host and sendable):
        raise InvalidInputError("the address of the webhook is not valid", hint)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInputError(
            "the address of the webhook is not valid", f"{hint}, without credentials and without #"
        )
    loopback = is_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise InvalidInputError("events would be sent to the webhook without encryption", hint)
    return loopback


def _is_sendable(address: str, host: str, selector: str) -> bool:
    """Return whether an address can be sent as a part of a request, without escapes.

    Raises:
        ValueError: The name of the machine is not valid.
    """
    if ":" not in host:
        host.encode("idna")
    return selector.isascii() and re.search(r"[\x00-\x20\x7f]", address) is None
