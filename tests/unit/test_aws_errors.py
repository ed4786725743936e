"""Errors of AWS are translated in one place."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from facerec import errors
from facerec.api.rekognition.errors import rekognition_error
from facerec.api.rest import problems
from facerec.cli.exit_codes import ExitCode, exit_code_of
from facerec.core.aws_errors import aws_errors
from facerec.errors import (
    ConfigurationError,
    ConflictError,
    FacerecError,
    InvalidInputError,
    JobNotFoundError,
    NotFoundError,
    ServiceDeniedError,
    StoreThrottledError,
    StoreUnavailableError,
)


def client_error(code: str, status: int = 400, message: str = "") -> ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "Operation")  # type: ignore[arg-type]


def cancelled(*reasons: str) -> ClientError:
    error = client_error("TransactionCanceledException")
    given = [{"Code": reason} for reason in reasons]
    error.response["CancellationReasons"] = given  # type: ignore[typeddict-item]
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (client_error("AccessDeniedException"), ServiceDeniedError),
        (client_error("ExpiredTokenException"), ServiceDeniedError),
        (client_error("ExecutionDoesNotExist"), NotFoundError),
        (client_error("ResourceNotFoundException"), NotFoundError),
        (
            client_error("ValidationError", message="Stack with id x does not exist"),
            NotFoundError,
        ),
        (client_error("ValidationError", message="too long"), StoreUnavailableError),
        (client_error("ThrottlingException"), StoreThrottledError),
        (client_error("SlowDown", 503), StoreThrottledError),
        (cancelled("None", "ThrottlingError"), StoreThrottledError),
        (cancelled("ValidationError"), StoreUnavailableError),
        (client_error("InternalServerError", 500), StoreUnavailableError),
        (client_error("SomethingNew"), StoreUnavailableError),
        (NoCredentialsError(), errors.NoCredentialsError),
        (PartialCredentialsError(provider="env", cred_var="x"), errors.NoCredentialsError),
        (ProfileNotFound(profile="x"), errors.NoCredentialsError),
        (NoRegionError(), ConfigurationError),
        (ParamValidationError(report="x"), InvalidInputError),
        (EndpointConnectionError(endpoint_url="https://x"), StoreUnavailableError),
    ],
    ids=repr,
)
def test_an_error_of_aws_becomes_one_of_ours(
    error: Exception, expected: type[FacerecError]
) -> None:
    with pytest.raises(FacerecError) as raised, aws_errors("The service", "the thing"):
        raise error
    assert type(raised.value) is expected
    assert raised.value.__cause__ is error


def test_callers_name_what_is_missing_refused_or_special() -> None:
    missing, refused = JobNotFoundError("one"), ServiceDeniedError("s3://bucket/key")
    conflict = ConflictError("changed")
    for error, expected in (
        (client_error("ExecutionDoesNotExist"), missing),
        (ParamValidationError(report="x"), missing),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), missing),
        (client_error("InvalidObjectState", 403), refused),
        (client_error("Conditional", 400), conflict),
    ):
        with (
            pytest.raises(FacerecError) as raised,
            aws_errors("S3", missing=missing, refused=refused, codes={"Conditional": conflict}),
        ):
            raise error
        assert raised.value is expected
    for status in (408, 409, 429, 500, 503):
        with (
            pytest.raises(StoreUnavailableError),
            aws_errors("S3", missing=missing, refused=refused),
        ):
            raise client_error("SlowDown", status)


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(KeyError), aws_errors("S3"):
        raise KeyError("x")
    with pytest.raises(NotFoundError, match="ours"), aws_errors("S3"):
        raise NotFoundError("ours")


def test_missing_credentials_refuse_what_a_client_names() -> None:
    with pytest.raises(errors.NoCredentialsError) as raised, aws_errors("S3", "s3://photos/a.jpg"):
        raise NoCredentialsError
    assert problems._status_of(raised.value) == 403
    assert rekognition_error(raised.value).kind == "InvalidS3ObjectException"
    assert exit_code_of(raised.value) == ExitCode.INVALID_INPUT
