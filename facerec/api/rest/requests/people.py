"""The requests that change people and clusters of unknown people."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from facerec.api.rest.requests.document import Document
from facerec.api.rest.requests.fields import Day, FaceIds, PersonName, Share, UserId
from facerec.api.rest.requests.photos import Bucket
from facerec.api.rest.rules import at_least_one
from facerec.gallery.defaults import ASSOCIATION_THRESHOLD
from facerec.gallery.people.enrolment_rules import NameOf, name_by_folder, name_by_pattern


class CreatePersonRequest(Document):
    """A new person."""

    model_config = ConfigDict(json_schema_extra=at_least_one("user_id", "name"))

    user_id: UserId | None = Field(
        None, description="Id of the person; by default derived from the name."
    )
    name: PersonName | None = Field(
        None, description="Name for display, in any script; nobody else may have it."
    )


class EnrolRequest(Document):
    """Create people from the names of photos in a folder of a bucket."""

    bucket: Bucket
    prefix: Annotated[str, Field(max_length=1024)] = Field(
        "",
        description="Folder of the bucket; the name of a photo is the path of its folder below "
        "this one. If empty, the whole bucket.",
    )
    pattern: Annotated[str, Field(max_length=255, pattern=r"^[^{}]*\{person\}[^{}]*$")] | None = (
        Field(
            None,
            description="Instead of folders: a pattern of paths, such as `{person}_*.jpg`.",
        )
    )

    def name_of(self) -> NameOf:
        """Return the rule that reads the name of the person from the address of a photo."""
        folder = self.prefix.rstrip("/")
        root = f"s3://{self.bucket}/{folder}/" if folder else f"s3://{self.bucket}/"
        if self.pattern is None:
            return name_by_folder(root)
        return name_by_pattern(root, self.pattern)


class RenamePersonRequest(Document):
    """The name of a person."""

    name: PersonName


class RegisterPersonRequest(Document):
    """The consent of a person to be matched against new photos."""

    consent: Day = Field(description="Day on which the person agreed.")
    expires: Day = Field(description="First day, in UTC, on which the consent no longer holds.")


class AddFacesRequest(Document):
    """Associate faces with a person."""

    face_ids: FaceIds
    min_similarity: Share | None = Field(
        None,
        description="Minimum similarity of a face to the person's other faces; by default "
        f"{ASSOCIATION_THRESHOLD}.",
    )


class MergePeopleRequest(Document):
    """The person who is merged into another, and deleted; a registration of this person is lost."""

    other_id: UserId


class SplitPersonRequest(Document):
    """The faces of a person that show somebody else."""

    face_ids: FaceIds
    user_id: UserId = Field(
        description="Id of the new person. A person who exists must have no faces, except those "
        "that an interrupted call of this split has already moved."
    )
    name: PersonName | None = Field(None, description="The name of the new person.")


class ClusterRequest(Document):
    """Cluster the faces of a collection."""

    pair_threshold: Share | None = Field(
        None,
        description="Minimum similarity of two faces that connect clusters; by default, it depends "
        "on the number of faces.",
    )


class NameClusterRequest(Document):
    """The person whom the faces of a cluster show."""

    user_id: UserId
    name: PersonName | None = Field(None, description="The name of a person who is created.")
