import re

from facerec.core.ids import IMAGE_KEY_LENGTH
from facerec.gallery.indexing import name_image
from facerec.testing.engine import fake_face, fake_photo
from tests.support.parts import FakeService

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GROUP = fake_photo(fake_face("ann"), fake_face("bob", left=0.5))


def test_indexing_a_photo_again_gives_the_same_ids(service: FakeService) -> None:
    first = service.index(GROUP, now=1.0)
    again = service.index(GROUP, now=2.0)
    assert [f.record.face_id for f in first] == [f.record.face_id for f in again]
    assert service.store.count_faces("staff") == 2


def test_all_faces_of_a_photo_share_its_key(service: FakeService) -> None:
    faces = service.index(GROUP)
    ids = [face.record.face_id for face in faces]
    assert len(set(ids)) == 2
    assert len({face_id[:IMAGE_KEY_LENGTH] for face_id in ids}) == 1
    assert all(UUID.fullmatch(face_id) for face_id in ids)


def test_another_photo_name_collection_or_model_makes_another_image() -> None:
    def key(
        collection_id: str = "staff",
        content: bytes = GROUP,
        name: str | None = "ann",
        version: str = "1",
    ) -> str:
        return name_image(
            collection_id, content, external_image_id=name, source="", model_version=version
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


def test_records_say_where_the_face_stands_and_how_it_was_found(service: FakeService) -> None:
    (face,) = service.index(
        fake_photo(fake_face("ann", left=0.3, confidence=0.95)),
        external_image_id="ann.jpg",
        source="photos/ann.jpg",
        now=17.5,
    )
    record = face.record
    assert (record.external_image_id, record.source) == ("ann.jpg", "photos/ann.jpg")
    assert (record.box.left, record.confidence) == (0.3, 0.95)
    assert (record.model_version, record.indexed_at) == ("fake-1", 17.5)


def test_a_file_name_that_is_not_utf8_can_be_stored(service: FakeService) -> None:
    source = b"photos/\xff.jpg".decode("utf-8", "surrogateescape")
    (face,) = service.index(fake_photo(fake_face("ann")), source=source)
    assert service.store.list_faces("staff") == [face.record]
    assert face.record.source == "photos/\N{REPLACEMENT CHARACTER}.jpg"
