"""No face loses its person, whatever another process does while a person is deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.errors import FaceInUseError, UserNotFoundError
from facerec.gallery.gallery import Gallery
from facerec.gallery.people.enrolment_rules import name_by_folder
from facerec.testing.engine import fake_face, fake_photo
from tests.support.deployments import Deployment
from tests.support.interposed import KilledError


@pytest.fixture
def gallery(deployment: Deployment) -> Gallery:
    gallery = deployment.gallery()
    gallery.create_collection("staff")
    return gallery


def index(gallery: Gallery, shot: int) -> str:
    """Index a photo of Ann, and return the id of its face."""
    (stored,) = gallery.index("staff", fake_photo(fake_face("ann", away=0.1, shot=shot))).faces
    return stored.record.face_id


def adding(gallery: Gallery, user_id: str, face_id: str) -> Callable[[], object]:
    """Return what associates a face with a person."""
    return lambda: gallery.associate_faces("staff", user_id, [face_id], min_similarity=0.0)


def move(deployment: Deployment, face_ids: list[str]) -> None:
    """Move faces of Ann to Bea, like one of the transactions that 98 faces take on DynamoDB."""
    records = deployment.collaborators.records
    ann, bea = (records.get_user("staff", user_id) for user_id in ("ann", "bea"))
    records.move_faces("staff", face_ids, source=ann, target=bea)


def test_a_corrected_person_who_gets_another_face_meanwhile_stays(
    deployment: Deployment, gallery: Gallery, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong" / "bob" / "1.jpg"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(fake_photo(fake_face("ann")))
    (stored,) = gallery.index("staff", wrong).faces
    gallery.enrol_people("staff", name_by_folder(f"{tmp_path}/wrong/"))
    other = index(gallery, 1)
    enrolling = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "bob", other)
    )
    result = enrolling.enrol_people("staff", lambda _: "Ann")
    assert result.deleted == ()
    assert gallery.describe_user("staff", "bob").face_ids == (other,)
    assert gallery.describe_user("staff", "Ann").face_ids == (stored.record.face_id,)


def test_a_merge_moves_a_face_that_is_added_meanwhile(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_ids = [index(gallery, shot) for shot in range(3)]
    for user_id, face_id in zip(("ann", "bob"), face_ids, strict=False):
        gallery.create_user("staff", user_id)
        adding(gallery, user_id, face_id)()
    merging = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "bob", face_ids[2])
    )
    assert set(merging.merge_users("staff", "ann", "bob").face_ids) == set(face_ids)
    assert set(gallery.describe_user("staff", "ann").face_ids) == set(face_ids)
    with pytest.raises(UserNotFoundError):
        gallery.describe_user("staff", "bob")
    assert len(gallery.search_users_by_user("staff", "ann").matches) == 0


def test_an_undone_person_who_gets_another_face_meanwhile_stays(
    deployment: Deployment, gallery: Gallery
) -> None:
    gallery.create_user("staff", "ann", name="Ann")
    (entry,) = gallery.list_history("staff").entries
    face_id = index(gallery, 0)
    undoing = deployment.gallery_with(
        "records", "delete_user", before=adding(gallery, "ann", face_id)
    )
    undoing.undo("staff", entry.cause.entry_id)
    ann = gallery.describe_user("staff", "ann")
    assert (ann.name, ann.face_ids) == ("Ann", (face_id,))


def test_a_split_that_is_killed_between_its_faces_is_completed_by_the_next(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_ids = [index(gallery, shot) for shot in range(4)]
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", face_ids, min_similarity=0.0)

    def move_some() -> None:
        move(deployment, face_ids[:2])
        raise KilledError

    splitting = deployment.gallery_with("records", "move_faces", before=move_some)
    with pytest.raises(KilledError):
        splitting.split_user("staff", "ann", face_ids[:3], "bea")
    with pytest.raises(FaceInUseError):
        gallery.split_user("staff", "ann", face_ids[1:3], "bea")
    bea = gallery.split_user("staff", "ann", face_ids[:3], "bea")
    assert set(bea.face_ids) == set(face_ids[:3])
    assert gallery.describe_user("staff", "ann").face_ids == (face_ids[3],)
    with pytest.raises(FaceInUseError):
        gallery.split_user("staff", "ann", face_ids[:3], "bea")


def test_a_split_whose_later_faces_meet_a_change_moves_the_rest(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_ids = [index(gallery, shot) for shot in range(4)]
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", face_ids, min_similarity=0.0)

    splitting = deployment.gallery_with(
        "records", "move_faces", before=lambda: move(deployment, face_ids[:2])
    )
    bea = splitting.split_user("staff", "ann", face_ids[:3], "bea")
    assert set(bea.face_ids) == set(face_ids[:3])
    assert gallery.describe_user("staff", "ann").face_ids == (face_ids[3],)
