"""Authentication behind API Gateway: requires the identity that the gateway verified.

The gateway authenticates, but the function does not rely on it. A stage that still serves an
earlier deployment, or a route that somebody opened manually, forwards requests without the fields
that identify the caller. These requests are refused. The names of the fields:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from facerec.api.auth.access import BodyCheck, Principal, RefusedError, RequestHead
from facerec.api.auth.grants import AccessTable, Caller
from facerec.errors import InvalidInputError


class ApiAuthorization(StrEnum):
    """How API Gateway authenticates callers."""

    AWS_IAM = "AWS_IAM"
    COGNITO = "COGNITO"


@dataclass(frozen=True, slots=True)
class GatewayGuard:
    """Accepts requests that API Gateway has authenticated, from callers in the access table.

    Attributes:
        mode: How the gateway must have authenticated the caller.
        table: The permissions of callers.
        issuer: Issuer of the tokens of the Cognito user pool; None with ``AWS_IAM``.
    """

    mode: ApiAuthorization
    table: AccessTable
    issuer: str | None = None

    def admit(self, head: RequestHead) -> BodyCheck:
        """Check the caller's identity in the gateway's event.

        Raises:
            RefusedError: The event does not identify the caller, or no grant is for the caller.
            FacerecError: The access table cannot be read.
        """
        principal = self._find_principal(head.gateway or {})
        return lambda _body: principal

    def _find_principal(self, context: Mapping[str, Any]) -> Principal:
        if self.mode is ApiAuthorization.AWS_IAM:
            caller = _iam_caller(context)
        else:
            caller = self._cognito_caller(context)
        principal = self.table.find_principal(caller)
        if principal is None:
            raise RefusedError(
                "AccessDeniedException",
                "The access table has no grant for the caller; see docs/security.md.",
                403,
                caller.name,
            )
        return principal

    def _cognito_caller(self, context: Mapping[str, Any]) -> Caller:
        claims = _mapping(_mapping(context.get("authorizer")).get("claims"))
        subject, issuer = claims.get("sub"), claims.get("iss")
        if not isinstance(subject, str) or not subject or issuer != self.issuer:
            raise _unproven()
        return Caller(subject, groups=_groups(claims.get("cognito:groups")))


def issuer_of(pool_arn: str) -> str:
    """Return the issuer of a user pool's tokens.

    https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html

    Raises:
        InvalidInputError: The ARN does not name a user pool.
    """
    parts = pool_arn.split(":")
    if len(parts) != 6 or parts[2] != "cognito-idp" or not parts[5].startswith("userpool/"):
        raise InvalidInputError(
            f"{pool_arn!r} is not the ARN of a Cognito user pool",
            "use the ARN of the pool, such as arn:aws:cognito-idp:REGION:ACCOUNT:userpool/ID",
        )
    suffix = "amazonaws.com.cn" if parts[1] == "aws-cn" else "amazonaws.com"
    return f"https://cognito-idp.{parts[3]}.{suffix}/{parts[5].removeprefix('userpool/')}"


def _iam_caller(context: Mapping[str, Any]) -> Caller:
    arn = _mapping(context.get("identity")).get("userArn")
    if not isinstance(arn, str) or not arn.startswith("arn:"):
        raise _unproven()
    return Caller(arn, arn=arn)


def _groups(claim: object) -> frozenset[str]:
    """Return the groups in a claim, which is a list, or text such as ``[a b]`` or ``a,b``.

    Names of groups contain no space, but may contain a comma. Text without brackets does not show
    which commas separate names, so ``docs/deploy.md`` asks for names without commas.
    """
    if isinstance(claim, list):
        return frozenset(name for name in claim if isinstance(name, str))
    text = claim if isinstance(claim, str) else ""
    if text.startswith("[") and text.endswith("]"):
        return frozenset(text[1:-1].split())
    return frozenset(text.split(","))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _unproven() -> RefusedError:
    return RefusedError(
        "AccessDeniedException", "API Gateway did not name the sender of the request.", 403
    )
