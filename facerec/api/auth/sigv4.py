"""AWS's Signature Version 4, checked with botocore's own signer.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from calendar import timegm
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import strptime
from typing import Any

from facerec.api.auth.access import BodyCheck, Principal, RefusedError, RequestHead
from facerec.errors import NotFoundError
from facerec.storage.access_keys import AccessKey

CLOCK_SKEW = 300.0
"""Seconds by which the clocks of client and server may differ, as with AWS."""

SERVICES = frozenset({"rekognition", "execute-api"})
"""Names of services that clients sign for: Rekognition's, and API Gateway's."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[A-Za-z0-9]{16,128})/(?P<date>\d{8})/"
    r"(?P<region>[a-z0-9-]{1,64})/(?P<service>[a-z0-9-]{1,64})/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class SignatureGuard:
    """Accepts requests that are signed with an access key of this installation.

    Attributes:
        find_key: Returns a key by its id, or raises a ``NotFoundError``.
        clock: Returns the time in seconds since 1970.
    """

    find_key: Callable[[str], AccessKey]
    clock: Callable[[], float]

    def admit(self, head: RequestHead) -> BodyCheck:
        """Check a signature, except whether it matches the body.

        Raises:
            RefusedError: The signature is missing or malformed, is for another service, or has a
                time that is more than ``CLOCK_SKEW`` seconds from the clock's; its key is unknown;
                or it does not cover the request. The check of the body raises it if the signature
                is wrong.
            FacerecError: The key cannot be read.
        """
        claim = _claim(head)
        _check_time(head.headers, claim["date"], self.clock())
        _check_coverage(head, claim["headers"].split(";"))
        try:
            key = self.find_key(claim["key"])
        except NotFoundError as error:
            raise _refused(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ) from error

        def check(body: bytes) -> Principal:
            _check_body_hash(head.headers, body)
            expected = _signature(head, body, claim, key.secret)
            if not hmac.compare_digest(expected, claim["signature"]):
                raise _refused(
                    "InvalidSignatureException",
                    "The request signature we calculated does not match the signature you "
                    "provided. Check your secret access key and signing method.",
                )
            return Principal(frozenset(key.collections) or None, key.writes, name=claim["key"])

        return check


def _claim(head: RequestHead) -> dict[str, str]:
    authorization = head.headers.get("authorization")
    if not authorization:
        raise _refused("MissingAuthenticationTokenException", "The request is not signed.")
    claim = _AUTHORIZATION.fullmatch(authorization)
    if not claim:
        raise _refused(
            "IncompleteSignatureException",
            "The Authorization header is not one of Signature Version 4.",
        )
    if claim["service"] not in SERVICES:
        raise _refused(
            "InvalidSignatureException", "The credential is not scoped to the service rekognition."
        )
    return claim.groupdict()


def _check_time(headers: Mapping[str, str], date: str, now: float) -> None:
    sent = headers.get("x-amz-date", "")
    try:
        signed_at = timegm(strptime(sent, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise _refused(
            "IncompleteSignatureException", "X-Amz-Date is missing or not a time."
        ) from error
    if not sent.startswith(date):
        raise _refused(
            "InvalidSignatureException", "The credential's date is not that of X-Amz-Date."
        )
    if abs(now - signed_at) > CLOCK_SKEW:
        raise _refused(
            "InvalidSignatureException",
            f"Signature expired: {sent} is more than {CLOCK_SKEW:.0f} seconds away from the "
            "server's clock.",
        )


def _check_coverage(head: RequestHead, signed: list[str]) -> None:
    """Check that the signature covers every header that can change what the request means."""
    required = {name for name in head.headers if name.startswith("x-amz-")} | {"host"}
    missing = sorted(required - set(signed)) or sorted(set(signed) - set(head.headers))
    if missing:
        raise _refused(
            "InvalidSignatureException", f"The header {missing[0]!r} must be sent and signed."
        )


def _check_body_hash(headers: Mapping[str, str], body: bytes) -> None:
    stated = headers.get("x-amz-content-sha256")
    if stated is not None and not hmac.compare_digest(
        stated.encode(), hashlib.sha256(body).hexdigest().encode()
    ):
        raise _refused("InvalidSignatureException", "The body does not match its signature.")


def _signature(head: RequestHead, body: bytes, claim: Mapping[str, str], secret: str) -> str:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.compat import HTTPHeaders
    from botocore.credentials import Credentials

    class Signer(SigV4Auth):  # type: ignore[misc]
        def headers_to_sign(self, request: Any) -> Any:  # noqa: ANN401 - botocore's own types
            # botocore never signs some headers, such as User-Agent, that other SDKs sign
            headers = HTTPHeaders()
            for name, value in request.headers.items():
                headers[name.lower()] = value
            return headers

    query = f"?{head.query}" if head.query else ""
    signed = AWSRequest(
        method=head.method,
        url=f"https://{head.headers['host']}{head.path}{query}",
        headers={name: head.headers[name] for name in claim["headers"].split(";")},
        data=body,
    )
    signed.context["timestamp"] = head.headers["x-amz-date"]
    signer = Signer(Credentials(claim["key"], secret), claim["service"], claim["region"])
    canonical = signer.canonical_request(signed)
    signature: str = signer.signature(signer.string_to_sign(signed, canonical), signed)
    return signature


def _refused(kind: str, message: str) -> RefusedError:
    return RefusedError(kind, message, 403)
