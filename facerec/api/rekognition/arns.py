"""The ARNs by which Rekognition's tagging names collections."""

from __future__ import annotations

import re

from facerec.api.rekognition.errors import invalid_parameter
from facerec.core.names import COLLECTION_ID_CHARACTER, MAX_NAME_LENGTH

ACCOUNT = "000000000000"
"""Placeholder for the account number; ARNs of any account and region are accepted."""

_ARN = re.compile(
    r"(?:aws|arn:[a-z-]+):rekognition:[a-z0-9-]*:[0-9]*:collection/"
    rf"({COLLECTION_ID_CHARACTER}{{1,{MAX_NAME_LENGTH}}})"
)


def collection_arn(collection_id: str) -> str:
    """Return the ARN of a collection."""
    return f"arn:aws:rekognition:local:{ACCOUNT}:collection/{collection_id}"


def collection_of(arn: str) -> str:
    """Return the name of the collection that an ARN is of.

    Raises:
        RekognitionError: it is not the ARN of a collection.
    """
    named = _ARN.fullmatch(arn)
    if not named:
        raise invalid_parameter("ResourceArn is not the ARN of a collection")
    return named[1]
