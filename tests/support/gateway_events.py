"""Events of API Gateway, with the fields that its documentation names for each authorization.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

ACCOUNT = "123456789012"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/tests"
POOL_ARN = f"arn:aws:cognito-idp:eu-west-1:{ACCOUNT}:userpool/eu-west-1_Abc123"
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc123"
HOST = "abc123.execute-api.eu-west-1.amazonaws.com"
STAGE = "v1"

OPEN = "NONE"
"""The authorization of a method that is open to everybody."""


def rest_event(
    method: str,
    path: str,
    document: object = None,
    *,
    authorization: str,
    headers: Mapping[str, str] | None = None,
    arn: str = USER_ARN,
    claims: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the event of a request that a REST API passes on.

    Args:
        method: Method of the request.
        path: Path without the stage.
        document: The body; text is sent unchanged.
        authorization: Authorization of the method: ``NONE``, ``AWS_IAM`` or ``COGNITO``.
        headers: Headers in addition to those of every client.
        arn: ARN of the caller, with ``AWS_IAM``.
        claims: Claims of the caller's token in addition to ``sub`` and ``iss``, with ``COGNITO``.
    """
    sent = {"Host": HOST, "Content-Type": "application/json", **(headers or {})}
    # "The Authorization header is dropped if it contains a Signature Version 4 signature or if
    # AWS_IAM authorization is used":
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
    passed = {
        name: value
        for name, value in sent.items()
        if name.lower() != "authorization"
        or not (authorization == "AWS_IAM" or value.startswith("AWS4-"))
    }
    context: dict[str, Any] = {
        "accountId": ACCOUNT,
        "resourcePath": "/{proxy+}",
        "httpMethod": method,
        "path": f"/{STAGE}{path}",
        "stage": STAGE,
        "identity": {"sourceIp": "192.0.2.1", "userArn": None, "accountId": None},
    }
    if authorization == "AWS_IAM":
        context["identity"] |= {"userArn": arn, "accountId": ACCOUNT, "caller": "AIDATESTS"}
    if authorization == "COGNITO":
        context["authorizer"] = {"claims": {"sub": "user-1", "iss": ISSUER, **(claims or {})}}
    body = document if isinstance(document, str) or document is None else json.dumps(document)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": passed,
        "multiValueHeaders": {name: [value] for name, value in passed.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": context,
        # Every media type is declared binary, which that of any body matches.
        "body": None if body is None else base64.b64encode(body.encode()).decode(),
        "isBase64Encoded": body is not None,
    }
