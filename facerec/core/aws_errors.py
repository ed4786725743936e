"""Translates AWS errors into errors of facerec; no other module does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from facerec.errors import (
    AccessDeniedError,
    ConfigurationError,
    FacerecError,
    InvalidInputError,
    NoCredentialsError,
    NotFoundError,
    ServiceDeniedError,
    StoreThrottledError,
    StoreUnavailableError,
)

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Codes of requests without permission or valid credentials:
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html"""

_MISSING = frozenset(
    {"ExecutionDoesNotExist", "InvalidArn", "InvalidName", "ResourceNotFoundException"}
)

_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes of requests above a rate limit:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"""

_THROTTLED_TRANSACTIONS = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})
"""Reasons for which DynamoDB cancels a transaction:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""

_TRANSIENT_STATUSES = frozenset({408, 409, 429})

_NO_CODES: Mapping[str, FacerecError] = MappingProxyType({})


def is_repeated(error: Any) -> bool:  # noqa: ANN401 - boto3 has no static types
    """Return whether botocore repeated the request that failed with a ``ClientError``.

    If the response to a conditional write is lost, the repeated request fails, since the first one
    succeeded.
    """
    return bool(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))


@contextmanager
def aws_errors(
    service: str,
    resource: str | None = None,
    *,
    missing: FacerecError | None = None,
    refused: FacerecError | None = None,
    denied: type[AccessDeniedError] = ServiceDeniedError,
    codes: Mapping[str, FacerecError] = _NO_CODES,
) -> Iterator[None]:
    """Raise the errors of boto3 as errors of facerec.

    Args:
        service: Name of the service, for messages.
        resource: Name of the requested resource, for messages; None for the service itself.
        missing: Raised if the resource does not exist, or boto3 rejects its name; by default a
            ``NotFoundError`` or an ``InvalidInputError``.
        refused: Raised for other errors of the client (HTTP 4xx, except 408, 409 and 429), also if
            the service throttles with such a status; by default a ``StoreUnavailableError``, or a
            ``StoreThrottledError``.
        denied: Class of the error if the credentials do not allow the request; it is created with
            ``resource``.
        codes: Errors to raise for single error codes, before all other rules.

    Raises:
        FacerecError: One of ``codes``, ``missing`` or ``refused``.
        AccessDeniedError: ``denied``: the credentials do not allow the request.
        NoCredentialsError: There are no credentials.
        ConfigurationError: No region is set.
        NotFoundError: The resource does not exist.
        InvalidInputError: boto3 rejects an argument, and ``missing`` is None.
        StoreThrottledError: The service refuses requests above its rate limit, and ``refused``
            does not cover this.
        StoreUnavailableError: The service does not respond or fails, or refuses the request and
            ``refused`` is None.
    """
    from botocore import exceptions as botocore

    about = f" for {resource}" if resource else ""
    resource = resource or service
    try:
        yield
    except botocore.ClientError as error:
        code = error.response["Error"].get("Code", "")
        if code in codes:
            raise codes[code] from error
        if _is_missing(error.response["Error"]):
            raise missing or NotFoundError(f"{resource} does not exist") from error
        if code in _DENIED:
            raise denied(resource) from error
        if refused is not None and not _is_transient(error.response):
            raise refused from error
        kind = StoreThrottledError if _is_throttled(error.response) else StoreUnavailableError
        raise kind(f"{service} returned {code}{about}") from error
    except (
        botocore.NoCredentialsError,
        botocore.PartialCredentialsError,
        botocore.ProfileNotFound,
    ) as error:
        raise NoCredentialsError from error
    except botocore.NoRegionError as error:
        raise ConfigurationError("no AWS region is set", "set AWS_REGION") from error
    except (botocore.ParamValidationError, UnicodeEncodeError) as error:
        # JSON may hold half of a character, which no name on AWS contains.
        invalid = InvalidInputError(
            f"the request to {service}{about} is not valid", "check the name"
        )
        raise missing or invalid from error
    except botocore.BotoCoreError as error:
        raise StoreUnavailableError(
            f"the request to {service}{about} failed: {type(error).__name__}",
            "check the network, AWS_REGION and the credentials",
        ) from error


def _is_missing(error: Mapping[str, str]) -> bool:
    code = error.get("Code")
    # CloudFormation returns the same code for every invalid request.
    return code in _MISSING or (
        code == "ValidationError" and "does not exist" in error.get("Message", "")
    )


def _is_throttled(response: Mapping[str, Any]) -> bool:
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())}
    return response["Error"].get("Code") in _THROTTLED or bool(reasons & _THROTTLED_TRANSACTIONS)


def _is_transient(response: Mapping[str, Any]) -> bool:
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or status in _TRANSIENT_STATUSES
