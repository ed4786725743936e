"""Thumbnails that are kept of faces show them without their photos, and are erased with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from facerec.core.erasures import Selection, SubjectKind
from facerec.core.limits import MAX_THUMBNAIL_BYTES
from facerec.errors import ObjectNotFoundError
from facerec.factory.maintenance import open_local_checked_stores
from facerec.gallery.gallery import Gallery
from facerec.jobs.erasure_check.check import erase_and_check
from facerec.jobs.erasure_check.patterns import patterns_of
from facerec.jobs.erasure_check.traces import Traces
from facerec.testing.engine import fake_face
from tests.support.gallery import Collaborators
from tests.support.painted_photos import PaintedEngine, painted_photo


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Collaborators]:
    """Collaborators of a gallery that keeps thumbnails, with the empty collection ``staff``."""
    own = Collaborators.in_folder(tmp_path, engine=PaintedEngine(), keep_thumbnails=True)
    own.gallery().create_collection("staff")
    yield own
    own.records.close()


def photo(name: str) -> bytes:
    """Return a photo of somebody and, smaller, of somebody else; it is like no other photo."""
    return painted_photo(
        fake_face(name, left=0.1, width=0.4, height=0.5),
        fake_face(f"{name}'s friend", left=0.6, width=0.2, height=0.3),
        grainy=True,
    )


def upload(gallery: Gallery, name: str) -> list[str]:
    """Index the bytes of a photo; return the ids of its faces, largest first."""
    result = gallery.index("staff", photo(name), external_image_id=name)
    return [face.record.face_id for face in result.faces]


def pieces_of(folder: Path, face_ids: list[str], collection_id: str = "staff") -> list[bytes]:
    """Return what the check of an erasure searches files for of the thumbnails of faces."""
    with open_local_checked_stores(folder) as stores:
        kept = stores.kept_thumbnails(collection_id, face_ids)
    traces = Traces(Selection(), frozenset(), (), thumbnails=kept)
    pieces = [piece for piece, what in patterns_of("staff", traces) if what == "thumbnail"]
    assert len(pieces) >= 5 * len(face_ids)
    return pieces


def left_in(folder: Path, pieces: list[bytes]) -> int:
    """Return how many of these pieces are in the files of a folder."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return sum(any(piece in file for file in files) for piece in pieces)


def test_a_gallery_keeps_no_thumbnail_unless_it_is_told_to(
    keeping: Collaborators, tmp_path: Path
) -> None:
    keeping.keep_thumbnails = False
    gallery = keeping.gallery()
    (face_id, _) = upload(gallery, "ann")
    with pytest.raises(ObjectNotFoundError):
        gallery.thumbnail("staff", face_id)
    with open_local_checked_stores(tmp_path) as stores:
        assert stores.kept_thumbnails("staff", [face_id]) == ()


def test_a_face_of_an_uploaded_photo_can_be_shown_later(keeping: Collaborators) -> None:
    face_ids = upload(keeping.gallery(), "ann")
    keeping.keep_thumbnails = False
    for face_id in face_ids:
        content = keeping.gallery().thumbnail("staff", face_id)
        assert len(content) <= MAX_THUMBNAIL_BYTES
        assert max(Image.open(BytesIO(content)).size) == 160
    exported = keeping.gallery().export("staff", SubjectKind.EXTERNAL_ID, "ann")
    assert set(exported.thumbnails) == set(face_ids)


def test_a_kept_thumbnail_is_the_one_that_is_cut_from_the_photo(
    keeping: Collaborators, tmp_path: Path
) -> None:
    path = tmp_path / "ann.png"
    path.write_bytes(photo("ann"))
    gallery = keeping.gallery()
    (face, _) = gallery.index("staff", path).faces
    kept = gallery.thumbnail("staff", face.record.face_id)
    keeping.thumbnails = None
    assert keeping.gallery().thumbnail("staff", face.record.face_id) == kept
    path.unlink()
    assert gallery.thumbnail("staff", face.record.face_id) == kept


def test_a_photo_that_is_sent_again_gets_the_thumbnails_that_it_lacks(
    keeping: Collaborators,
) -> None:
    content = photo("ann")
    keeping.keep_thumbnails = False
    keeping.gallery().index("staff", content)
    keeping.keep_thumbnails = True
    gallery = keeping.gallery()
    for face in gallery.index("staff", content).faces:
        assert gallery.thumbnail("staff", face.record.face_id)


def expire(gallery: Gallery, keeping: Collaborators) -> None:
    gallery.set_retention("staff", 1)
    keeping.clock.now += 2 * 86_400
    gallery.expire("staff")


ERASING: dict[str, Callable[[Gallery, Collaborators, str], object]] = {
    "the face": lambda gallery, _, face: gallery.delete_faces("staff", [face], disassociate=True),
    "an erased face": lambda gallery, _, face: gallery.erase("staff", SubjectKind.FACE, face),
    "the person": lambda gallery, *_: gallery.erase("staff", SubjectKind.USER, "ann-lee"),
    "the id": lambda gallery, *_: gallery.erase("staff", SubjectKind.EXTERNAL_ID, "ann"),
    "the collection": lambda gallery, *_: gallery.delete_collection("staff"),
    "expired faces": lambda gallery, keeping, _: expire(gallery, keeping),
}


@pytest.mark.parametrize("erased", ERASING)
def test_no_byte_of_a_thumbnail_outlives_its_face(
    keeping: Collaborators, tmp_path: Path, erased: str
) -> None:
    gallery = keeping.gallery()
    (face_id, _) = upload(gallery, "ann")
    gallery.create_user("staff", "ann-lee")
    gallery.associate_faces("staff", "ann-lee", [face_id])
    sought = pieces_of(tmp_path, [face_id])
    assert left_in(tmp_path, sought) > len(sought) / 2
    ERASING[erased](gallery, keeping, face_id)
    assert left_in(tmp_path, sought) == 0


def test_the_check_finds_a_copy_of_a_thumbnail_and_no_other_one(
    keeping: Collaborators, tmp_path: Path
) -> None:
    gallery = keeping.gallery()
    (ann, _), (bob, _) = upload(gallery, "ann"), upload(gallery, "bob")
    (tmp_path / "copy").write_bytes(b"..." + gallery.thumbnail("staff", ann))
    with open_local_checked_stores(tmp_path) as stores:
        receipt, left = erase_and_check(gallery, "staff", SubjectKind.FACE, bob, stores)
        assert (receipt.faces, left) == (1, [])
        receipt, left = erase_and_check(gallery, "staff", SubjectKind.FACE, ann, stores)
    assert receipt.faces == 1
    assert [(Path(each.place).name, each.what) for each in left] == [("copy", "thumbnail")]


def test_the_thumbnail_of_the_same_photo_in_another_collection_is_kept(
    keeping: Collaborators, tmp_path: Path
) -> None:
    gallery, content = keeping.gallery(), photo("ann")
    gallery.create_collection("guests")
    (face, _), (other, _) = (gallery.index(name, content).faces for name in ("staff", "guests"))
    with open_local_checked_stores(tmp_path) as stores:
        _, left = erase_and_check(gallery, "staff", SubjectKind.FACE, face.record.face_id, stores)
    assert left == []
    assert gallery.thumbnail("guests", other.record.face_id)
