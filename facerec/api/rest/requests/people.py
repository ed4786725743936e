"""The requests that change people and clusters of unknown people."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from facerec.api.rest.requests.document import Document
from facerec.api.rest.requests.fields import FaceIds, PersonName, Share, UserId
from facerec.api.rest.rules import at_least_one
from facerec.gallery.defaults import ASSOCIATION_THRESHOLD


class CreatePersonRequest(Document):
    """A new person."""

    model_config = ConfigDict(json_schema_extra=at_least_one("user_id", "name"))

    user_id: UserId | None = Field(None, description="By default derived from the name.")
    name: PersonName | None = Field(
        None, description="Shown wherever the person is; nobody else may have it."
    )


class RenamePersonRequest(Document):
    """The name of a person."""

    name: PersonName


class AddFacesRequest(Document):
    """Associate faces with a person."""

    face_ids: FaceIds
    threshold: Share | None = Field(
        None,
        description="Minimum similarity of a face to the person's other faces; by default "
        f"{ASSOCIATION_THRESHOLD}.",
    )


class MergePeopleRequest(Document):
    """The person that is merged into another."""

    other_id: UserId


class SplitPersonRequest(Document):
    """The faces of a person that show somebody else."""

    face_ids: FaceIds
    user_id: UserId = Field(description="The new person; one that exists must have no faces.")
    name: PersonName | None = Field(None, description="The name of the new person.")


class ClusterRequest(Document):
    """Cluster the faces of a collection."""

    threshold: Share | None = Field(
        None,
        description="Minimum similarity of two faces that connect clusters; by default, it depends "
        "on the number of faces.",
    )


class NameClusterRequest(Document):
    """The person that the faces of a cluster show."""

    user_id: UserId
    name: PersonName | None = Field(None, description="The name of a person who is created.")
