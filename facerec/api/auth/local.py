"""Guards for a server that only this machine can reach, and for a server with a token."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from facerec.api.auth.access import (
    BodyCheck,
    Guard,
    RefusedError,
    RequestHead,
    allow_everything,
)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class LoopbackGuard:
    """Accepts requests of programs on this machine, but not of other sites' pages.

    A browser runs on this machine too: any page can send requests to a loopback address, directly
    or by a host name that resolves to one (DNS rebinding). So a request must name this server as
    its host, and a page that sends it must come from this server or an allowed origin.

    Attributes:
        names: Host names of the server, without port.
        origins: Origins of other pages that can call it.
    """

    names: frozenset[str] = LOOPBACK_NAMES
    origins: frozenset[str] = frozenset()

    def admit(self, head: RequestHead) -> BodyCheck:
        """Admit the request with all permissions.

        Raises:
            RefusedError: The request names another host, or comes from a page of another site.
        """
        host = head.headers.get("host", "")
        if _name(host) not in self.names:
            raise RefusedError(
                "AccessDeniedException",
                "This server only accepts requests from its own machine, addressed to localhost or "
                "127.0.0.1. To use another host name, such as a container's, start it on the "
                "address 0.0.0.0 with a token.",
                403,
            )
        origin = head.headers.get("origin")
        same = origin is not None and urlsplit(origin).netloc == host
        if origin is not None and not same and origin not in self.origins:
            raise _foreign_page()
        # For images and links, browsers send no Origin, but this header shows whether a page of
        # another site requests them (https://www.w3.org/TR/fetch-metadata/).
        site = head.headers.get("sec-fetch-site", "none")
        if origin is None and site not in ("none", "same-origin"):
            raise _foreign_page()
        return allow_everything


@dataclass(frozen=True, slots=True)
class TokenGuard:
    """Accepts requests that carry a token, or are signed with an access key.

    Attributes:
        token: The token that ``Authorization: Bearer ...`` must contain.
        signatures: The guard of signed requests.
    """

    token: str = field(repr=False)
    signatures: Guard

    def admit(self, head: RequestHead) -> BodyCheck:
        """Accept the token with all permissions, or a signed request with those of its key.

        Raises:
            RefusedError: The token or signature is missing or wrong.
            FacerecError: The access key cannot be read.
        """
        authorization = head.headers.get("authorization", "")
        if authorization.startswith("AWS4-HMAC-SHA256 "):
            return self.signatures.admit(head)
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            given.strip().encode(), self.token.encode()
        ):
            raise RefusedError(
                "UnrecognizedClientException",
                "The request needs the header `Authorization: Bearer TOKEN`, or a signature made "
                "with an access key of this server.",
                401,
            )
        return allow_everything


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _foreign_page() -> RefusedError:
    return RefusedError(
        "AccessDeniedException", "Web pages of other origins may not call this server.", 403
    )
