"""The contract of stores of thumbnails; an implementation's tests inherit from this class."""

from __future__ import annotations

import pytest

from facerec.core.limits import MAX_THUMBNAIL_BYTES
from facerec.core.protocols.records import RecordStore
from facerec.core.protocols.thumbnails import ThumbnailStore
from facerec.core.records import Collection
from facerec.storage.faces import FaceStore
from facerec.testing.faces import by_image, stored_face

FACES = [stored_face("ann", image=f"photo {number}", shot=number) for number in range(3)]
IDS = [face.record.face_id for face in FACES]

SMALL = b"\xff\xd8 one \xff\xd9"
LARGE = b"\xff\xd8" + bytes(MAX_THUMBNAIL_BYTES - 4) + b"\xff\xd9"


class ThumbnailStoreContract:
    """Tests of thumbnails.

    Subclasses provide the fixtures ``thumbnails``, ``faces`` and ``records`` of one store.
    """

    @pytest.fixture
    def thumbnails(self) -> ThumbnailStore:
        raise NotImplementedError

    @pytest.fixture
    def faces(self) -> FaceStore:
        raise NotImplementedError

    @pytest.fixture
    def records(self) -> RecordStore:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def two_collections(self, records: RecordStore, faces: FaceStore) -> None:
        for name in ("staff", "guests"):
            records.create_collection(Collection(name, "fake-1", 1_700_000_000.5))
            faces.put_images(name, by_image(FACES))

    def test_thumbnails_are_returned_as_they_were_put(self, thumbnails: ThumbnailStore) -> None:
        thumbnails.put_thumbnails("staff", {IDS[0]: SMALL, IDS[1]: LARGE})
        assert thumbnails.get_thumbnails("staff", IDS) == {IDS[0]: SMALL, IDS[1]: LARGE}
        assert thumbnails.get_thumbnails("guests", IDS) == {}
        assert thumbnails.has_thumbnail(SMALL)
        assert not thumbnails.has_thumbnail(b"\xff\xd8 two \xff\xd9")

    def test_a_later_thumbnail_replaces_an_earlier_one(self, thumbnails: ThumbnailStore) -> None:
        for content in (LARGE, SMALL):
            thumbnails.put_thumbnails("staff", {IDS[0]: content})
        assert thumbnails.get_thumbnails("staff", IDS) == {IDS[0]: SMALL}
        assert not thumbnails.has_thumbnail(LARGE)

    def test_a_thumbnail_that_is_too_large_is_refused(self, thumbnails: ThumbnailStore) -> None:
        with pytest.raises(ValueError, match=str(len(LARGE) + 1)):
            thumbnails.put_thumbnails("staff", {IDS[0]: SMALL, IDS[1]: LARGE + b"\xd9"})
        assert thumbnails.get_thumbnails("staff", IDS) == {}

    def test_an_unknown_face_gets_no_thumbnail(self, thumbnails: ThumbnailStore) -> None:
        unknown = stored_face("bob").record.face_id
        for name in ("staff", "nobody"):
            thumbnails.put_thumbnails(name, {unknown: SMALL})
        assert not thumbnails.has_thumbnail(SMALL)

    def test_a_thumbnail_is_deleted_with_its_face(
        self, thumbnails: ThumbnailStore, faces: FaceStore
    ) -> None:
        for name in ("staff", "guests"):
            thumbnails.put_thumbnails(name, dict.fromkeys(IDS, SMALL))
        faces.delete_faces("staff", IDS[:1])
        key = next(key for key, own in by_image(FACES).items() if own == [FACES[1]])
        faces.put_images("staff", {key: []})
        assert set(thumbnails.get_thumbnails("staff", IDS)) == {IDS[2]}
        assert set(thumbnails.get_thumbnails("guests", IDS)) == set(IDS)

    def test_thumbnails_are_deleted_with_their_collection(
        self, thumbnails: ThumbnailStore, faces: FaceStore, records: RecordStore
    ) -> None:
        for name in ("staff", "guests"):
            thumbnails.put_thumbnails(name, dict.fromkeys(IDS, SMALL))
        faces.delete_namespace("staff")
        records.delete_collection("staff")
        assert thumbnails.get_thumbnails("staff", IDS) == {}
        assert set(thumbnails.get_thumbnails("guests", IDS)) == set(IDS)

    def test_a_face_that_is_stored_again_keeps_its_thumbnail(
        self, thumbnails: ThumbnailStore, faces: FaceStore
    ) -> None:
        thumbnails.put_thumbnails("staff", {IDS[0]: SMALL})
        faces.put_images("staff", by_image(FACES))
        assert thumbnails.get_thumbnails("staff", IDS) == {IDS[0]: SMALL}
