"""The base class of the bodies of requests."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator

from facerec.api.rest.rules import without_nulls


class Document(BaseModel):
    """A JSON object that refuses nulls, unknown fields, and values of the wrong type."""

    # values are not converted: "0.8" is not a number, and 1 is not a boolean
    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra=without_nulls)

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, document: object) -> object:
        nulls = sorted(
            name
            for name, value in (document.items() if isinstance(document, dict) else ())
            if value is None and name in cls.model_fields
        )
        if nulls:
            raise ValueError(
                f"{', '.join(nulls)}: null is not allowed; omit the fields that you do not set"
            )
        return document
