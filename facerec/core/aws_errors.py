"""What AWS says when something fails, as facerec's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from facerec.errors import (
    AccessDeniedError,
    FacerecError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
)

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_MISSING = {"ExecutionDoesNotExist", "InvalidArn", "ResourceNotFoundException"}


@contextmanager
def faults_of(what: str, *, missing: str | None = None) -> Iterator[None]:
    """Turn the errors of boto3 into facerec's.

    Args:
        what: is asked for, as an error names it.
        missing: a code that says that there is no such thing, beside the usual ones.

    Raises:
        AccessDeniedError: there are no credentials, or they do not allow it.
        InvalidInputError: no region is set.
        NotFoundError: it does not exist.
        StoreUnavailableError: the service does not answer, or refuses for now.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        NoRegionError,
        ProfileNotFound,
    )

    try:
        yield
    except ClientError as error:
        raise _error_of(error.response["Error"], what, missing) from error
    except (NoCredentialsError, ProfileNotFound) as error:
        raise FacerecError(
            "there are no AWS credentials", "set AWS_PROFILE, or run `aws configure`"
        ) from error
    except NoRegionError as error:
        raise InvalidInputError("no AWS region is set", "set AWS_REGION") from error
    except BotoCoreError as error:
        raise StoreUnavailableError(
            f"{what} cannot be reached: {error}", "check the network and AWS_REGION"
        ) from error


def _error_of(answer: dict[str, str], what: str, missing: str | None) -> FacerecError:
    code, message = answer.get("Code", ""), answer.get("Message", "")
    # CloudFormation has one code for whatever is wrong with a request.
    if code in _MISSING or (code == missing and "does not exist" in message):
        return NotFoundError(f"{what} does not exist")
    if code in _DENIED:
        return AccessDeniedError(what)
    return StoreUnavailableError(f"{what}: AWS answers {code}: {message}")
