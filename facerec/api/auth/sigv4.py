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

from facerec.api.auth.access import Principal, RawRequest, RefusedError
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
    """Accepts requests that are signed with an access key of our own.

    Attributes:
        find_key: returns a key by its id, or raises a ``NotFoundError``.
        clock: seconds since 1970.
    """

    find_key: Callable[[str], AccessKey]
    clock: Callable[[], float]

    def check(self, request: RawRequest) -> Principal:
        """Return what the key allows that the request is signed with.

        Raises:
            RefusedError: the signature is missing, wrong, too old, or does not cover the request.
        """
        claim = _claim(request)
        _check_time(request.headers, claim["date"], self.clock())
        _check_coverage(request, claim["headers"].split(";"))
        try:
            key = self.find_key(claim["key"])
        except NotFoundError as error:
            raise _refused(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ) from error
        expected = _signature(request, claim, key.secret)
        if not hmac.compare_digest(expected, claim["signature"]):
            raise _refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. "
                "Check your secret access key and signing method.",
            )
        return Principal(frozenset(key.collections) or None, key.writes)


def _claim(request: RawRequest) -> dict[str, str]:
    authorization = request.headers.get("authorization")
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


def _check_coverage(request: RawRequest, signed: list[str]) -> None:
    """Check that whatever decides about the request's meaning is part of what was signed."""
    required = {name for name in request.headers if name.startswith("x-amz-")} | {"host"}
    missing = sorted(required - set(signed)) or sorted(set(signed) - set(request.headers))
    if missing:
        raise _refused(
            "InvalidSignatureException", f"The header {missing[0]!r} must be sent and signed."
        )
    stated = request.headers.get("x-amz-content-sha256")
    if stated is not None and not hmac.compare_digest(
        stated.encode(), hashlib.sha256(request.body).hexdigest().encode()
    ):
        raise _refused("InvalidSignatureException", "The body is not the one that was signed.")


def _signature(request: RawRequest, claim: Mapping[str, str], secret: str) -> str:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.compat import HTTPHeaders
    from botocore.credentials import Credentials

    class Signer(SigV4Auth):  # type: ignore[misc]
        def headers_to_sign(self, request: Any) -> Any:  # noqa: ANN401 - botocore's own types
            # botocore never signs some headers (User-Agent, ...) that other SDKs do sign
            headers = HTTPHeaders()
            for name, value in request.headers.items():
                headers[name.lower()] = value
            return headers

    query = f"?{request.query}" if request.query else ""
    signed = AWSRequest(
        method=request.method,
        url=f"https://{request.headers['host']}{request.path}{query}",
        headers={name: request.headers[name] for name in claim["headers"].split(";")},
        data=request.body,
    )
    signed.context["timestamp"] = request.headers["x-amz-date"]
    signer = Signer(Credentials(claim["key"], secret), claim["service"], claim["region"])
    canonical = signer.canonical_request(signed)
    signature: str = signer.signature(signer.string_to_sign(signed, canonical), signed)
    return signature


def _refused(kind: str, message: str) -> RefusedError:
    return RefusedError(kind, message, 403)
