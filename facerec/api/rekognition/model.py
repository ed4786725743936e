"""Rekognition's service model from botocore, the authority for names and limits."""

from __future__ import annotations

from functools import cache
from typing import Any

TARGET_PREFIX = "RekognitionService."
"""Start of the header ``X-Amz-Target``; the operation's name follows."""

CONTENT_TYPE = "application/x-amz-json-1.1"


@cache
def service_model() -> Any:  # noqa: ANN401 - botocore has no static types
    """Return botocore's ``ServiceModel`` of Rekognition, which the first call reads from disk."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("rekognition", "service-2"))
