"""The values that several requests have, with their patterns and limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from facerec.core.names import (
    COLLECTION_ID_CHARACTER,
    EXTERNAL_IMAGE_ID_CHARACTER,
    MAX_NAME_LENGTH,
    MAX_USER_ID_LENGTH,
    USER_NAME_PATTERN,
)
from facerec.gallery.associations import MAX_FACES_OF_USER

COLLECTION_PATTERN = f"^{COLLECTION_ID_CHARACTER}+$"
EXTERNAL_IMAGE_PATTERN = f"^{EXTERNAL_IMAGE_ID_CHARACTER}+$"
FACE_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

CollectionName = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=COLLECTION_PATTERN, examples=["staff"]),
]
ExternalImageId = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=EXTERNAL_IMAGE_PATTERN)
]
UserId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=EXTERNAL_IMAGE_PATTERN,
        examples=["ann"],
    ),
]
PersonName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_NAME_LENGTH,
        pattern=USER_NAME_PATTERN,
        examples=["Zoë Müller", "张伟"],
    ),
]
FaceId = Annotated[str, Field(pattern=FACE_PATTERN)]
FaceIds = Annotated[list[FaceId], Field(min_length=1, max_length=MAX_FACES_OF_USER)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Accepts an integer as JSON Schema defines it: 20.0 is one, and some languages write it so."""
