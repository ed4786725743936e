import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.core.addresses import storable_source
from facerec.core.ids import group_of
from facerec.core.options import FaceOptions
from facerec.errors import InvalidInputError, ObjectNotFoundError
from facerec.gallery.gallery import Gallery
from facerec.gallery.indexing.records import name_image
from facerec.storage.faces import FaceStore
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ANN = fake_photo(fake_face("ann"))
GROUP = fake_photo(fake_face("ann"), fake_face("bob", left=0.5))


def test_indexing_a_photo_again_gives_the_same_ids(gallery: Gallery) -> None:
    first = gallery.index("staff", GROUP)
    again = gallery.index("staff", GROUP)
    assert first.faces == again.faces
    assert gallery.describe_collection("staff").face_count == 2


def test_all_faces_of_a_photo_share_its_key(gallery: Gallery) -> None:
    faces = gallery.index("staff", GROUP).faces
    ids = [face.record.face_id for face in faces]
    assert len(set(ids)) == 2
    assert len({group_of(face_id) for face_id in ids}) == 1
    assert all(UUID.fullmatch(face_id) for face_id in ids)


def test_another_photo_name_collection_or_model_gives_another_key() -> None:
    def key(
        collection_id: str = "staff",
        content: bytes = GROUP,
        name: str | None = "ann",
        version: str = "1",
    ) -> str:
        return name_image(
            collection_id, content, external_image_id=name, source="", id_version=version
        ).image_key

    keys = [
        key(),
        key(collection_id="guests"),
        key(content=GROUP + b" "),
        key(name="bob"),
        key(name=None),
        key(version="2"),
    ]
    assert len(set(keys)) == len(keys)


def test_a_record_has_the_position_and_settings_of_its_face(
    gallery: Gallery, collaborators: Collaborators, tmp_path: Path
) -> None:
    path = tmp_path / "ann.jpg"
    path.write_bytes(fake_photo(fake_face("ann", left=0.3, confidence=0.95)))
    collaborators.clock.now = 17.5
    (face,) = gallery.index("staff", path, external_image_id="ann.jpg").faces
    record = face.record
    assert (record.external_image_id, record.source) == ("ann.jpg", str(path))
    assert (record.box.left, record.confidence) == (0.3, 0.95)
    assert (record.model_version, record.indexed_at) == ("fake-1", 17.5)


def test_a_relative_path_is_stored_as_an_absolute_one(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ann.jpg").write_bytes(fake_photo(fake_face("ann")))
    (face,) = gallery.index("staff", "ann.jpg").faces
    assert face.record.source == str(tmp_path / "ann.jpg")


def test_a_file_name_that_is_not_utf8_can_be_stored(gallery: Gallery, tmp_path: Path) -> None:
    path = tmp_path / b"\xff.jpg".decode("utf-8", "surrogateescape")
    path.write_bytes(fake_photo(fake_face("ann")))
    (face,) = gallery.index("staff", path).faces
    assert face.record.source == str(tmp_path / r"\xff.jpg")
    assert gallery.list_faces("staff").faces == (face,)


def test_a_photo_that_is_passed_as_bytes_may_have_a_name_for_people(gallery: Gallery) -> None:
    (face,) = gallery.index("staff", ANN, photo_name=" Fest 2026/张伟 (1).jpg ").faces
    assert face.record.source == "upload://Fest 2026/张伟 (1).jpg"
    assert face.record.external_image_id is None
    # the id does not contain the name, and the name of an earlier upload stays
    (again,) = gallery.index("staff", ANN, photo_name="IMG_1.jpg").faces
    assert again.record == face.record
    (other,) = gallery.index("staff", fake_photo(fake_face("bob")), photo_name="IMG_1.jpg").faces
    (third,) = gallery.index("staff", fake_photo(fake_face("eve")), photo_name="IMG_1.jpg").faces
    assert other.record.source == third.record.source == "upload://IMG_1.jpg"
    with pytest.raises(ObjectNotFoundError):
        gallery.thumbnail("staff", face.record.face_id)


def test_a_photo_with_another_name_of_the_caller_is_added_again_only_if_requested(
    gallery: Gallery,
) -> None:
    first = gallery.index("staff", GROUP, external_image_id="fest:1.jpg")
    known = gallery.index("staff", GROUP, repeat_photo=False)
    assert (known.faces, known.added) == (first.faces, 0)
    assert gallery.describe_collection("staff").face_count == 2
    copied = gallery.index("staff", GROUP + b" ", repeat_photo=False)
    assert copied.added == 2
    assert gallery.index("staff", GROUP).added == 2
    assert gallery.describe_collection("staff").face_count == 6


def test_a_deleted_face_that_a_search_still_finds_is_added_again(
    gallery: Gallery, collaborators: Collaborators, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = gallery.index("staff", GROUP).faces
    ids = [first.record.face_id, second.record.face_id]
    probes = np.stack([face.embedding for face in collaborators.faces.get_faces("staff", ids)])
    found = collaborators.faces.search("staff", probes, limit=1, max_distance=0.1)
    monkeypatch.setattr(FaceStore, "search", lambda *_, **__: found)
    assert gallery.index("staff", GROUP, repeat_photo=False).added == 0
    gallery.delete_faces("staff", ids[:1])
    again = gallery.index("staff", GROUP, repeat_photo=False)
    assert (again.added, [face.record.face_id for face in again.faces]) == (1, ids)
    assert gallery.describe_collection("staff").face_count == 2


def test_only_the_faces_are_added_that_an_earlier_name_of_the_photo_lacks(
    gallery: Gallery,
) -> None:
    first = gallery.index("staff", GROUP, external_image_id="1", options=FaceOptions(max_faces=1))
    both = gallery.index("staff", GROUP, repeat_photo=False)
    assert both.added == 1
    assert both.faces[0] == first.faces[0]
    assert gallery.describe_collection("staff").face_count == 2


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\u202eb", "x" * 1001, "\ud800", 7])
def test_a_name_that_nobody_could_read_is_refused(gallery: Gallery, name: str) -> None:
    with pytest.raises(InvalidInputError, match="name of a photo"):
        gallery.index("staff", ANN, photo_name=name)
    assert gallery.describe_collection("staff").face_count == 0


def test_a_photo_with_an_address_has_no_other_name(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "ann.jpg").write_bytes(ANN)
    for operation in (gallery.index, gallery.search):
        with pytest.raises(InvalidInputError, match="cannot have another name"):
            operation("staff", tmp_path / "ann.jpg", photo_name="ann")


def test_an_impossible_external_image_id_is_refused_before_the_photo_is_processed(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    with pytest.raises(InvalidInputError, match="external image id"):
        gallery.index("staff", GROUP, external_image_id="a b")
    with pytest.raises(InvalidInputError, match="external image id"):
        gallery.search("staff", GROUP, index=True, external_image_id="a b")
    assert collaborators.engine.analysed == 0


@given(st.lists(st.binary(min_size=1).filter(lambda name: b"\\" not in name), unique=True))
def test_different_file_names_have_different_addresses(names: list[bytes]) -> None:
    addresses = {storable_source(name.decode("utf-8", "surrogateescape")) for name in names}
    assert len(addresses) == len(names)
    assert all(address.encode() for address in addresses)
