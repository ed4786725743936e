"""The ARNs of collections, as Rekognition's operations on tags use them."""

from __future__ import annotations

import re
from typing import Any

from facerec.api.rekognition.errors import invalid_parameter
from facerec.core.names import COLLECTION_ID_CHARACTER, MAX_NAME_LENGTH

ACCOUNT = "000000000000"
"""Placeholder for the account number; ARNs of any account and region are accepted."""

UNSIGNED_REGION = "local"
"""Region in the ARNs of answers to requests that are not signed for a region."""

PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
"""Partition by the prefix of a region's name, from botocore's ``partitions.json``. All other
regions are in ``aws``."""

_CREDENTIAL = re.compile(r"Credential=[^/,\s]+/[0-9]+/([a-z0-9-]{1,64})/")
_UNSIGNED = f"arn:aws:rekognition:{UNSIGNED_REGION}:"
_ARN_MEMBERS = frozenset({"CollectionArn", "CollectionARN"})
_ARN = re.compile(
    r"(?:aws|arn:[a-z-]+):rekognition:[a-z0-9-]*:[0-9]*:collection/"
    rf"({COLLECTION_ID_CHARACTER}{{1,{MAX_NAME_LENGTH}}})"
)


def collection_arn(collection_id: str) -> str:
    """Return the ARN of a collection, for requests without a region; see ``in_region``."""
    return f"{_UNSIGNED}{ACCOUNT}:collection/{collection_id}"


def signed_region(authorization: str) -> str:
    """Return the region that a request is signed for, by its header ``Authorization``.

    The region is ``UNSIGNED_REGION`` if the request is not signed.
    """
    signed = _CREDENTIAL.search(authorization)
    return signed[1] if signed else UNSIGNED_REGION


def in_region(answer: dict[str, Any], region: str) -> dict[str, Any]:
    """Return an answer whose ARNs have the region of the request, and the region's partition."""
    partition = next(
        (name for prefix, name in PARTITIONS.items() if region.startswith(prefix)), "aws"
    )
    signed = f"arn:{partition}:rekognition:{region}:"
    return {
        member: value.replace(_UNSIGNED, signed, 1) if member in _ARN_MEMBERS else value
        for member, value in answer.items()
    }


def collection_of(arn: str) -> str:
    """Return the id of the collection that an ARN names.

    Raises:
        RekognitionError: The text is not the ARN of a collection.
    """
    named = _ARN.fullmatch(arn)
    if not named:
        raise invalid_parameter("ResourceArn is not the ARN of a collection")
    return named[1]
