"""The types of values in several requests, with their patterns and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from facerec.core.derived_names import read_external_image_id
from facerec.core.ids import FACE_ID_PATTERN, checked_face_id
from facerec.core.names import (
    COLLECTION_ID_CHARACTER,
    EXTERNAL_IMAGE_ID_CHARACTER,
    MAX_NAME_LENGTH,
    MAX_PHOTO_NAME_LENGTH,
    MAX_USER_ID_LENGTH,
    USER_NAME_PATTERN,
    checked_collection_id,
    checked_external_image_id,
    checked_person,
    checked_photo_name,
    checked_user_id,
    checked_user_name,
)
from facerec.errors import InvalidInputError
from facerec.gallery.people.associations import MAX_FACES_OF_REQUEST

COLLECTION_PATTERN = f"^{COLLECTION_ID_CHARACTER}+$"
EXTERNAL_IMAGE_PATTERN = f"^{EXTERNAL_IMAGE_ID_CHARACTER}+$"
MAX_ADDRESS_LENGTH = 4096
"""Maximum number of characters of the path or address of a photo."""


def _checked(check: Callable[[str], str]) -> AfterValidator:
    """Return a validator that refuses an invalid name with the gallery's own message."""

    def validate(name: str) -> str:
        try:
            return check(name)
        except InvalidInputError as error:
            raise ValueError(f"{error.message}; {error.hint}") from error

    return AfterValidator(validate)


def _described(pattern: str, maximum: int, *examples: str) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "pattern": pattern}
    schema |= {"minLength": 1, "maxLength": maximum}
    return WithJsonSchema(schema | ({"examples": list(examples)} if examples else {}))


Day = Annotated[
    str,
    Field(
        min_length=10,
        max_length=10,
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        examples=["2099-11-26"],
    ),
]
CollectionName = Annotated[
    str,
    _checked(checked_collection_id),
    _described(COLLECTION_PATTERN, MAX_NAME_LENGTH, "staff"),
]
ExternalImageId = Annotated[
    str,
    _checked(checked_external_image_id),
    _described(EXTERNAL_IMAGE_PATTERN, MAX_NAME_LENGTH),
]
NameOfPhoto = Annotated[
    str,
    Field(max_length=MAX_ADDRESS_LENGTH),
    _checked(read_external_image_id),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_ADDRESS_LENGTH}),
]
UserId = Annotated[
    str,
    _checked(checked_user_id),
    _described(EXTERNAL_IMAGE_PATTERN, MAX_USER_ID_LENGTH, "ann"),
]
FaceId = Annotated[
    str,
    _checked(checked_face_id),
    WithJsonSchema({"type": "string", "pattern": FACE_ID_PATTERN}),
]
PersonOfCorrection = Annotated[
    str,
    _checked(checked_person),
    _described(EXTERNAL_IMAGE_PATTERN, MAX_NAME_LENGTH),
]
PersonName = Annotated[
    str,
    _checked(checked_user_name),
    _described(USER_NAME_PATTERN, MAX_NAME_LENGTH, "Zoë Müller", "张伟"),
]
PhotoName = Annotated[
    str,
    _checked(checked_photo_name),
    _described(USER_NAME_PATTERN, MAX_PHOTO_NAME_LENGTH, "party/IMG_1.jpg"),
]
FaceIds = Annotated[list[FaceId], Field(min_length=1, max_length=MAX_FACES_OF_REQUEST)]
RecipeName = Literal["fast", "accurate"]
Percentage = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Accepts an integer as JSON Schema defines it, including 20.0: some languages write 20 like
this."""
