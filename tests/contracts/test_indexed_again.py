"""A photo that is indexed on purpose stays, though an erasure of it is completed later."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.core.erasures import ErasureStatus, SubjectKind
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.deployments import Deployment

ANN = fake_photo(fake_face("ann"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "ann.jpg"
    path.write_bytes(ANN)
    return path


@pytest.fixture
def gallery(deployment: Deployment) -> Gallery:
    gallery = deployment.gallery()
    gallery.create_collection("staff")
    return gallery


def index(gallery: Gallery, photo: Path) -> str:
    (face,) = gallery.index("staff", photo, external_image_id="ann").faces
    return face.record.face_id


def stored(gallery: Gallery) -> list[str]:
    return sorted(face.record.face_id for face in gallery.list_faces("staff").faces)


def erase(gallery: Gallery, subject: SubjectKind, face_id: str, photo: Path) -> None:
    """Ask for an erasure, or for a deletion of the face as Rekognition's protocol does."""
    names = {
        SubjectKind.PHOTO: str(photo),
        SubjectKind.EXTERNAL_ID: "ann",
        SubjectKind.USER: "ann-1",
    }
    if subject is SubjectKind.FACE:
        gallery.delete_faces("staff", [face_id])
    else:
        gallery.erase("staff", subject, names[subject])


@pytest.mark.parametrize(
    "subject",
    [SubjectKind.FACE, SubjectKind.PHOTO, SubjectKind.EXTERNAL_ID, SubjectKind.USER],
)
def test_a_photo_that_is_indexed_again_before_its_erasure_is_completed_stays(
    deployment: Deployment, gallery: Gallery, photo: Path, subject: SubjectKind
) -> None:
    face_id = index(gallery, photo)
    if subject is SubjectKind.USER:
        gallery.create_user("staff", "ann-1")
        gallery.associate_faces("staff", "ann-1", [face_id])
    erase(deployment.gallery_finishing_elsewhere(), subject, face_id, photo)
    assert stored(gallery) == []
    assert index(gallery, photo) == face_id
    (receipt,) = gallery.resume_erasures(older_than=-60)
    assert receipt.status is ErasureStatus.DONE
    assert stored(gallery) == [face_id]
    # Neither does a tombstone stay that would keep it from a later import or job.
    (kept,) = gallery.index("staff", photo, external_image_id="ann", restore_deleted=False).faces
    assert kept.record.face_id == face_id


def test_another_photo_under_an_erased_id_stays(
    deployment: Deployment, gallery: Gallery, photo: Path
) -> None:
    index(gallery, photo)
    deployment.gallery_finishing_elsewhere().erase("staff", SubjectKind.EXTERNAL_ID, "ann")
    photo.write_bytes(fake_photo(fake_face("ann", shot=1)))
    again = index(gallery, photo)
    gallery.resume_erasures(older_than=-60)
    assert stored(gallery) == [again]


def test_a_photo_that_is_erased_again_after_it_was_indexed_again_is_gone(
    deployment: Deployment, gallery: Gallery, photo: Path
) -> None:
    for _ in range(2):
        face_id = index(gallery, photo)
        deployment.gallery_finishing_elsewhere().delete_faces("staff", [face_id])
    assert len(gallery.resume_erasures(older_than=-60)) == 2
    assert stored(gallery) == []
    found = gallery.index("staff", photo, external_image_id="ann", restore_deleted=False)
    assert found.faces == ()


def test_a_person_does_not_get_back_a_face_by_a_photo_that_is_indexed_again(
    deployment: Deployment, gallery: Gallery, photo: Path
) -> None:
    face_id = index(gallery, photo)
    gallery.create_user("staff", "ann-1")
    gallery.associate_faces("staff", "ann-1", [face_id])

    def index_again() -> None:
        index(gallery, photo)
        gallery.associate_faces("staff", "ann-1", [face_id])

    erasing = deployment.gallery_with("records", "delete_user", before=index_again)
    erasing.erase("staff", SubjectKind.USER, "ann-1")
    assert stored(gallery) == [face_id]
    assert gallery.list_users("staff").users == ()


@pytest.mark.parametrize("completes", [False, True])
def test_an_erasure_names_nobody_once_it_is_completed(
    deployment: Deployment, gallery: Gallery, photo: Path, completes: bool
) -> None:
    index(gallery, photo)
    deployment.gallery_finishing_elsewhere().erase("staff", SubjectKind.PHOTO, str(photo))
    index(gallery, photo)
    erasures = deployment.collaborators.erasures

    def notes() -> list[str]:
        return [found.uri for found in erasures.objects.list(f"{erasures.root}pending/")]

    if completes:
        gallery.resume_erasures(older_than=-60)
        assert notes() == []
    else:
        assert len(notes()) > 1
        assert not any("ann" in uri.rpartition("/")[2] for uri in notes())
