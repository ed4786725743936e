"""A photo that is indexed again: who keeps which face, and under which id."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from facerec.core.faces import BoundingBox
from facerec.core.ids import group_of
from facerec.core.records import StoredFace
from facerec.gallery.gallery import Gallery
from facerec.gallery.indexing.storing import faces_to_keep, replace_faces, with_stored_ids
from facerec.testing.engine import fake_face, fake_photo
from facerec.testing.faces import stored_face
from tests.support.gallery import Collaborators

GROUP = group_of(stored_face("any").record.face_id)

boxes = st.builds(
    BoundingBox,
    left=st.floats(0, 0.6),
    top=st.floats(0, 0.6),
    width=st.floats(0.05, 0.4),
    height=st.floats(0.05, 0.4),
)
faces = st.lists(
    st.builds(lambda box, number: _face(box, number), boxes, st.integers(0, 2**40)),
    max_size=6,
    unique_by=lambda face: face.record.face_id,
)


def _face(box: BoundingBox, number: int) -> StoredFace:
    face = stored_face("any")
    record = replace(face.record, face_id=f"{GROUP}{number:012x}", box=box)
    return StoredFace(record, face.embedding)


@given(faces, faces)
def test_no_two_faces_of_a_photo_get_one_id(
    found: list[StoredFace], stored: list[StoredFace]
) -> None:
    named = with_stored_ids(found, [face.record for face in stored])
    ids = [face.record.face_id for face in named]
    assert len(set(ids)) == len(ids) == len(found)
    assert [face.record.box for face in named] == [face.record.box for face in found]
    assert set(ids) <= {face.record.face_id for face in [*found, *stored]}


@given(faces)
def test_the_same_faces_keep_their_ids_whatever_ids_they_would_get(
    stored: list[StoredFace],
) -> None:
    moved = [
        StoredFace(replace(face.record, face_id=f"{GROUP}{2**41 + n:012x}"), face.embedding)
        for n, face in enumerate(stored)
    ]
    named = with_stored_ids(moved, [face.record for face in stored])
    assert {face.record.face_id for face in named} == {face.record.face_id for face in stored}


@given(faces, faces)
def test_giving_stored_ids_twice_changes_nothing(
    found: list[StoredFace], stored: list[StoredFace]
) -> None:
    records = [face.record for face in stored]
    once = with_stored_ids(found, records)
    assert with_stored_ids(once, records) == once


def indexed(gallery: Gallery, **settings: object) -> str:
    photo = fake_photo(fake_face("ann", **settings), note="one photo")
    return gallery.index("staff", photo).faces[0].record.face_id


def test_a_face_of_a_user_is_kept_by_a_replacement(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = indexed(gallery)
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    key = group_of(face_id)
    kept = faces_to_keep(
        "staff",
        {key: []},
        {key: {face_id}},
        options_digest="other",
        faces=collaborators.faces,
        records=collaborators.records,
    )
    (face,) = kept[key]
    assert (face.record.face_id, face.record.options_digest) == (face_id, "other")


def test_corrections_of_a_face_that_a_replacement_removes_are_erased(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = indexed(gallery)
    gallery.create_user("staff", "bob")
    gallery.not_same("staff", face_id, "bob")
    replace_faces(
        "staff",
        {group_of(face_id): []},
        stored_ids={face_id},
        faces=collaborators.faces,
        records=collaborators.records,
    )
    assert collaborators.records.list_corrections("staff") == []


def test_a_face_of_nobody_is_not_kept(gallery: Gallery, collaborators: Collaborators) -> None:
    face_id = indexed(gallery)
    key = group_of(face_id)
    kept = faces_to_keep(
        "staff",
        {key: []},
        {key: {face_id}},
        options_digest="other",
        faces=collaborators.faces,
        records=collaborators.records,
    )
    assert kept == {}


def test_a_user_follows_a_face_that_is_replaced(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    face_id = indexed(gallery)
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    (old,) = collaborators.faces.get_faces("staff", [face_id])
    bob = stored_face("bob").embedding
    replace_faces(
        "staff",
        {group_of(face_id): [StoredFace(old.record, bob)]},
        stored_ids=[face_id],
        faces=collaborators.faces,
        records=collaborators.records,
    )
    found = gallery.search_users_by_photo("staff", fake_photo(fake_face("bob"))).matches
    assert [match.user.user_id for match in found] == ["ann"]
    ann = gallery.search_users_by_photo("staff", fake_photo(fake_face("ann"))).matches
    assert ann == ()


def test_a_face_that_is_lost_to_a_replacement_is_taken_from_its_user(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    # as if it had been associated after the replacement looked for users
    face_id = indexed(gallery)
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    replace_faces(
        "staff",
        {group_of(face_id): []},
        stored_ids=[],
        faces=collaborators.faces,
        records=collaborators.records,
    )
    (user,) = gallery.list_users("staff").users
    assert user.face_ids == ()


def test_a_face_that_is_gone_is_taken_from_its_user_when_it_is_to_be_deleted(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    # as a process leaves it that is killed between the two steps of a replacement
    face_id = indexed(gallery)
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [face_id])
    collaborators.faces.put_images("staff", {group_of(face_id): []})
    (failure,) = gallery.delete_faces("staff", [face_id]).failed
    assert failure.reason == "FACE_NOT_FOUND"
    (user,) = gallery.list_users("staff").users
    assert user.face_ids == ()
