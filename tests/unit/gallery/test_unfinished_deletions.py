"""Nothing is added to a collection whose deletion was interrupted: it would be deleted with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from facerec.errors import ConflictError, StoreUnavailableError
from facerec.gallery.gallery import Gallery
from facerec.gallery.transfer.importing import KnownFace, NamedEmbedding
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators, RecordedJobData


class UnavailableJobData(RecordedJobData):
    """Job folders that cannot be reached, so that no deletion is finished."""

    def forget(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
        """Fail."""
        raise StoreUnavailableError("Amazon S3", "it cannot be reached")


@dataclass
class Interrupted:
    """A gallery with the collection ``staff``, whose deletion was interrupted."""

    gallery: Gallery
    face_id: str
    entry_id: str


@pytest.fixture
def interrupted(collaborators: Collaborators, gallery: Gallery) -> Interrupted:
    for shot in range(2):
        gallery.index("staff", photo("ann", shot))
    face_id, other = (face.record.face_id for face in gallery.list_faces("staff").faces)
    for user_id in ("ann", "bob"):
        gallery.create_user("staff", user_id)
    gallery.associate_faces("staff", "ann", [face_id, other])
    gallery.index("staff", photo("zoe"))
    gallery.cluster_faces("staff")
    entry_id = gallery.list_history("staff").entries[0].cause.entry_id
    collaborators.job_data = UnavailableJobData()
    gallery = collaborators.gallery()
    with pytest.raises(StoreUnavailableError):
        gallery.delete_collection("staff")
    return Interrupted(gallery, face_id, entry_id)


def photo(person: str, shot: int = 0) -> bytes:
    return fake_photo(fake_face(person, away=0.1, shot=shot))


ADDING: dict[str, Callable[[Gallery, str, str], object]] = {
    "create_collection": lambda gallery, *_: gallery.create_collection("staff"),
    "index": lambda gallery, *_: gallery.index("staff", photo("wei")),
    "search": lambda gallery, *_: gallery.search("staff", photo("wei"), index=True),
    "import_embeddings": lambda gallery, *_: gallery.import_embeddings(
        "staff", [NamedEmbedding("wei", [0.1] * 128)]
    ),
    "import_faces": lambda gallery, face_id, _: gallery.import_faces(
        "staff",
        photo("wei"),
        [KnownFace(face_id, face_id, None, gallery.detect(photo("wei")).faces[0].box)],
    ),
    "migrate": lambda gallery, *_: gallery.migrate("staff", "fast"),
    "begin_migration": lambda gallery, *_: gallery.begin_migration("staff", "fast"),
    "prepare_range": lambda gallery, *_: gallery.prepare_range(
        "staff", "fast", after=None, last=None, stop=lambda: False
    ),
    "prepare_migration": lambda gallery, *_: gallery.prepare_migration("staff"),
    "switch_version": lambda gallery, *_: gallery.switch_version("staff"),
    "refresh_stats": lambda gallery, *_: gallery.refresh_stats("staff"),
    "set_threshold": lambda gallery, *_: gallery.set_threshold("staff", 0.9),
    "set_tags": lambda gallery, *_: gallery.set_tags("staff", {"team": "blue"}),
    "set_retention": lambda gallery, *_: gallery.set_retention("staff", 30),
    "create_user": lambda gallery, *_: gallery.create_user("staff", "wei"),
    "register_user": lambda gallery, *_: gallery.register_user(
        "staff", "ann", consent="2020-01-01", expires="2099-01-01"
    ),
    "rename_user": lambda gallery, *_: gallery.rename_user("staff", "ann", "Ann"),
    "associate_faces": lambda gallery, face_id, _: gallery.associate_faces(
        "staff", "bob", [face_id]
    ),
    "merge_users": lambda gallery, *_: gallery.merge_users("staff", "ann", "bob"),
    "split_user": lambda gallery, face_id, _: gallery.split_user("staff", "ann", [face_id], "bea"),
    "enrol_people": lambda gallery, *_: gallery.enrol_people("staff", lambda _: "Ann"),
    "undo": lambda gallery, _, entry_id: gallery.undo("staff", entry_id),
    "not_same": lambda gallery, face_id, _: gallery.not_same("staff", face_id, "bob"),
    "cluster_faces": lambda gallery, *_: gallery.cluster_faces("staff"),
    "name_cluster": lambda gallery, *_: gallery.name_cluster("staff", "c1", "wei"),
    "ignore_cluster": lambda gallery, *_: gallery.ignore_cluster("staff", "c1"),
    "not_same_cluster": lambda gallery, *_: gallery.not_same_cluster("staff", "c1", "bob"),
    "not_a_face": lambda gallery, face_id, _: gallery.not_a_face("staff", face_id),
}
"""The operations that add something to a collection, called with a face and an entry."""

REMOVING = {
    "cancel_migration",
    "delete_collection",
    "delete_faces",
    "delete_user",
    "disassociate_faces",
    "erase",
    "expire",
    "finish_migration",
    "lift_correction",
    "remove_tags",
    "resume_erasure",
    "resume_erasures",
    "resume_migrations",
    "retry_events",
    "roll_back_migration",
    "sweep",
    "unregister_user",
}
"""The operations that remove something, which an unfinished deletion does not prevent."""

OTHERS = {
    "restore_if_lost",
    "answer_once",
    "close",
    "defaults",
    "estimates_attributes",
    "import_collection",
    "model_version",
    "person_being_erased",
    "requested_by",
}
"""What is not about a collection that exists."""

READING = (
    "all_",
    "check_",
    "compare",
    "deleted_",
    "describe_",
    "detect",
    "display_names",
    "erased_",
    "export",
    "find",
)
READING += (
    "get_",
    "is_",
    "list_",
    "migration_status",
    "resolve_",
    "sample_",
    "search_",
    "select",
    "thumbnail",
)
"""Beginnings of the names of operations that change nothing."""


@pytest.mark.parametrize("operation", ADDING)
def test_nothing_is_added_to_a_collection_whose_deletion_is_unfinished(
    interrupted: Interrupted, operation: str
) -> None:
    with pytest.raises(ConflictError, match="being deleted"):
        ADDING[operation](interrupted.gallery, interrupted.face_id, interrupted.entry_id)


def test_every_operation_that_adds_something_is_tried() -> None:
    public = {name for name in dir(Gallery) if not name.startswith("_")}
    changing = {name for name in public if not name.startswith(READING)}
    assert changing - REMOVING - OTHERS == ADDING.keys()
    assert changing > REMOVING | OTHERS


def test_an_unfinished_deletion_lets_faces_and_people_be_removed(interrupted: Interrupted) -> None:
    with suppress(StoreUnavailableError):
        interrupted.gallery.delete_user("staff", "bob")
    assert [user.user_id for user in interrupted.gallery.list_users("staff").users] == ["ann"]
    assert interrupted.gallery.disassociate_faces("staff", "ann", [interrupted.face_id]).changed
