"""The requests that change collections, erase from them and export from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from facerec.api.rest.requests.document import Document
from facerec.api.rest.requests.fields import (
    MAX_ADDRESS_LENGTH,
    WHOLE,
    CollectionName,
    FaceId,
    NameOfPhoto,
    RecipeName,
    Share,
    UserId,
)
from facerec.api.rest.rules import exactly_one
from facerec.core.erasures import SubjectKind
from facerec.gallery.operations.retention import MAX_DAYS


class CreateCollectionRequest(Document):
    """A new collection."""

    collection_id: CollectionName
    recipe: RecipeName | None = Field(
        None,
        description="How faces are described: `fast` from one view, `accurate` from the average of "
        "four; by default the server's.",
    )


class MigrationRequest(Document):
    """The recipe to which a collection is migrated."""

    recipe: RecipeName | None = Field(
        None, description="The new recipe; omit it to continue, or to prepare a switch back."
    )
    dry_run: bool = Field(False, description="Whether to only check the photos, and store nothing.")


class ThresholdRequest(Document):
    """The default minimum similarity of a match in a collection."""

    threshold: Share


class RetentionRequest(Document):
    """The number of days for which a collection keeps each face after it was indexed."""

    days: Annotated[int, Field(ge=1, le=MAX_DAYS), WHOLE]


class _SubjectRequest(Document):
    """The name of exactly one face, photo, external image id or person."""

    model_config = ConfigDict(
        json_schema_extra=exactly_one(
            ("face_id",), ("photo",), ("external_image_id",), ("user_id",)
        )
    )

    face_id: FaceId | None = None
    photo: Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS_LENGTH)] | None = Field(
        None, description="Address of the photo: the `source` of its faces."
    )
    external_image_id: NameOfPhoto | None = Field(
        None, description="The external image id, or the path that it was derived from."
    )
    user_id: UserId | None = Field(None, description="The person, with the associated faces.")

    @model_validator(mode="after")
    def _one_subject(self) -> _SubjectRequest:
        if len(self._named()) != 1:
            raise ValueError("specify exactly one of face_id, photo, external_image_id and user_id")
        return self

    def subject(self) -> tuple[SubjectKind, str]:
        """Return the kind of subject and its name."""
        return self._named()[0]

    def _named(self) -> list[tuple[SubjectKind, str]]:
        given = {
            SubjectKind.FACE: self.face_id,
            SubjectKind.PHOTO: self.photo,
            SubjectKind.EXTERNAL_ID: self.external_image_id,
            SubjectKind.USER: self.user_id,
        }
        return [(kind, name) for kind, name in given.items() if name is not None]


class ErasureRequest(_SubjectRequest):
    """The subject to erase: a face, a photo, an external image id or a person."""


class ExportRequest(_SubjectRequest):
    """The subject to export: a face, a photo, an external image id or a person."""
