"""The settings of the API function, in addition to the deployment's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facerec.api.auth.gateway import ApiAuthorization, issuer_of
from facerec.config import required_setting
from facerec.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Settings of the function; each attribute names its variable.

    Attributes:
        photo_buckets: PHOTO_BUCKETS, comma-separated names or ARNs of buckets from which photos may
            be read, in addition to AWS_S3_BUCKET.
        state_machine: STATE_MACHINE_ARN, ARN of the state machine that runs jobs; None if jobs
            cannot be started.
        authorization: API_AUTHORIZATION, how API Gateway authenticates callers: ``AWS_IAM`` or
            ``COGNITO``. Without it the function refuses to start.
        issuer: Issuer of the tokens of COGNITO_USER_POOL_ARN, which ``COGNITO`` needs.
        access_table: ACCESS_TABLE, the address of the table that grants collections to callers.
    """

    authorization: ApiAuthorization
    access_table: str
    photo_buckets: frozenset[str] = frozenset()
    state_machine: str | None = None
    issuer: str | None = None


def read_api_settings(environment: Mapping[str, str]) -> ApiSettings:
    """Read the settings; an empty variable counts as unset.

    Raises:
        InvalidInputError: API_AUTHORIZATION or COGNITO_USER_POOL_ARN is wrong.
        ConfigurationError: A required variable is not set.
    """

    def text(name: str) -> str:
        return environment.get(name, "").strip()

    try:
        authorization = ApiAuthorization(text("API_AUTHORIZATION"))
    except ValueError as error:
        names = " or ".join(ApiAuthorization)
        raise InvalidInputError(
            f"the environment variable API_AUTHORIZATION must be {names}", "deploy the stack again"
        ) from error
    issuer = None
    if authorization is ApiAuthorization.COGNITO:
        issuer = issuer_of(
            required_setting(text("COGNITO_USER_POOL_ARN") or None, "COGNITO_USER_POOL_ARN")
        )
    buckets = text("PHOTO_BUCKETS").replace(",", " ").split()
    return ApiSettings(
        authorization=authorization,
        access_table=required_setting(text("ACCESS_TABLE") or None, "ACCESS_TABLE"),
        photo_buckets=frozenset(bucket.rpartition(":")[2] for bucket in buckets),
        state_machine=text("STATE_MACHINE_ARN") or None,
        issuer=issuer,
    )
