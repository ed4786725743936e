"""The settings of the function of the API, beside those of the deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facerec.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the function is set to; each attribute says which variable it comes from.

    Attributes:
        photo_buckets: PHOTO_BUCKETS, names or ARNs of buckets that photos may be read from beside
            AWS_S3_BUCKET, with commas between them.
        state_machine: STATE_MACHINE_ARN, which runs jobs, or None where jobs cannot be started.
        access_keys: ACCESS_KEYS_PREFIX, the name in Secrets Manager under which facerec's own
            access keys are. Where it is set, requests must be signed with one, and API Gateway
            must let all requests pass; where it is not, API Gateway checks who sends them.
        page: API_PAGE, ``true`` to show the page at ``/``.
    """

    photo_buckets: frozenset[str] = frozenset()
    state_machine: str | None = None
    access_keys: str | None = None
    page: bool = False


def read_api_settings(environment: Mapping[str, str]) -> ApiSettings:
    """Read the settings; an empty variable counts as unset.

    Raises:
        InvalidInputError: with the variable that is wrong.
    """

    def text(name: str) -> str:
        return environment.get(name, "").strip()

    page = text("API_PAGE").lower() or "false"
    if page not in ("true", "false"):
        raise InvalidInputError("the environment variable API_PAGE is neither true nor false")
    buckets = text("PHOTO_BUCKETS").replace(",", " ").split()
    return ApiSettings(
        photo_buckets=frozenset(bucket.rpartition(":")[2] for bucket in buckets),
        state_machine=text("STATE_MACHINE_ARN") or None,
        access_keys=text("ACCESS_KEYS_PREFIX") or None,
        page=page == "true",
    )
