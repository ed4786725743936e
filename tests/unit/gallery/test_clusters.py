"""Unknown people: clusters of faces, and what people say about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facerec.core.options import FaceOptions, QualityFilter
from facerec.errors import (
    ClusterNotFoundError,
    CollectionNotFoundError,
    FaceInUseError,
    FaceNotFoundError,
    InvalidInputError,
    QuotaExceededError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.operations import corrections
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

ALL_FACES = FaceOptions(quality_filter=QualityFilter.NONE)


def index(
    gallery: Gallery,
    person: str,
    *,
    shots: int = 1,
    away: float = 0.2,
    **face: Any,  # noqa: ANN401 - fields
) -> list[str]:
    """Index photos of a person, and return the ids of the faces."""
    ids = []
    for shot in range(shots):
        photo = fake_photo(fake_face(person, away=away, shot=shot, **face), note=person)
        (stored,) = gallery.index("staff", photo, options=ALL_FACES).faces
        ids.append(stored.record.face_id)
    return ids


def clusters(gallery: Gallery) -> dict[str, set[str]]:
    """Cluster, and return the faces of the listed clusters by id."""
    gallery.cluster_faces("staff")
    return {each.cluster_id: set(each.face_ids) for each in gallery.list_clusters("staff").clusters}


def test_faces_of_one_person_are_one_cluster_and_the_largest_comes_first(gallery: Gallery) -> None:
    bob, ann = index(gallery, "bob", shots=2), index(gallery, "ann", shots=3)
    index(gallery, "cyd")
    assert list(clusters(gallery).items()) == [("c1", set(ann)), ("c2", set(bob))]


def test_new_faces_join_clusters_whose_ids_stay(gallery: Gallery) -> None:
    index(gallery, "ann", shots=3)
    before = clusters(gallery)
    assert gallery.cluster_faces("staff").considered == 0
    more = index(gallery, "ann", shots=5)
    index(gallery, "bob", shots=4)
    after = clusters(gallery)
    assert after["c1"] == before["c1"] | set(more)
    assert len(after["c2"]) == 4


def test_a_face_found_alone_is_in_a_cluster_when_another_one_comes(gallery: Gallery) -> None:
    first = index(gallery, "ann", shots=1)
    assert clusters(gallery) == {}
    assert clusters(gallery) == {}
    both = index(gallery, "ann", shots=2)
    assert clusters(gallery) == {"c1": {*first, *both}}


def test_faces_of_one_photo_are_never_in_one_cluster(gallery: Gallery) -> None:
    twins = fake_photo(fake_face("ann", away=0.1), fake_face("ann", away=0.1, shot=1, left=0.6))
    pair = {each.record.face_id for each in gallery.index("staff", twins).faces}
    ann = index(gallery, "ann", shots=3)
    assert len(pair) == 2
    found = clusters(gallery).values()
    assert set().union(*found) == {*ann, *pair}
    assert all(len(faces & pair) < 2 for faces in found)


def test_a_face_that_is_not_clear_joins_a_cluster_and_connects_none(gallery: Gallery) -> None:
    blurred = index(gallery, "ann", sharp=False, shots=3)
    assert clusters(gallery) == {}
    ann = index(gallery, "ann", shots=2, top=0.5)
    assert clusters(gallery) == {"c1": {*ann, *blurred}}


def test_a_named_cluster_becomes_a_person_and_later_faces_are_suggested_for_them(
    gallery: Gallery,
) -> None:
    ann = index(gallery, "ann", shots=3)
    clusters(gallery)
    assert set(gallery.name_cluster("staff", "c1", "ann").changed) == set(ann)
    assert set(gallery.describe_user("staff", "ann").face_ids) == set(ann)
    assert clusters(gallery) == {}
    with pytest.raises(ClusterNotFoundError):
        gallery.describe_cluster("staff", "c1")
    more = set(index(gallery, "ann", shots=4)) - set(ann)
    assert clusters(gallery) == {"c1": more}
    assert gallery.describe_cluster("staff", "c1").user_id == "ann"
    gallery.name_cluster("staff", "c1", "ann")
    assert clusters(gallery) == {}


def test_a_face_that_does_not_show_the_person_leaves_for_good(gallery: Gallery) -> None:
    index(gallery, "ann", shots=3)
    clusters(gallery)
    gallery.name_cluster("staff", "c1", "ann")
    twin = set(index(gallery, "ann", shots=5)[3:])
    assert clusters(gallery) == {"c1": twin}
    gallery.not_same_cluster("staff", "c1", "ann")
    assert clusters(gallery) == {"c2": twin}
    assert gallery.describe_cluster("staff", "c2").user_id is None


def test_a_statement_about_a_cluster_holds_for_all_its_faces_or_for_none(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(gallery, "ann", shots=3)
    gallery.create_user("staff", "bob")
    clusters(gallery)
    with monkeypatch.context() as patch, pytest.raises(QuotaExceededError):
        patch.setattr(corrections, "MAX_FACES_OF_PERSON", 2)
        gallery.not_same_cluster("staff", "c1", "bob")
    assert gallery.list_corrections("staff").corrections == ()
    gallery.not_same_cluster("staff", "c1", "bob")
    assert len(gallery.list_corrections("staff").corrections) == 3


def test_a_correction_of_a_single_face_is_obeyed(gallery: Gallery) -> None:
    first, second, third = index(gallery, "ann", shots=3)
    clusters(gallery)
    gallery.not_same("staff", third, first)
    gallery.not_same("staff", third, second)
    assert clusters(gallery) == {"c1": {first, second}}


def test_an_ignored_cluster_stays_ignored_with_the_faces_that_join_it(gallery: Gallery) -> None:
    index(gallery, "ann", shots=3)
    clusters(gallery)
    gallery.ignore_cluster("staff", "c1")
    index(gallery, "ann", shots=6)
    assert clusters(gallery) == {}
    assert gallery.describe_cluster("staff", "c1").ignored
    gallery.ignore_cluster("staff", "c1", ignored=False)
    assert [len(faces) for faces in clusters(gallery).values()] == [6]


def test_what_is_no_face_is_in_no_cluster_until_that_is_lifted(gallery: Gallery) -> None:
    first, *others = index(gallery, "ann", shots=3)
    clusters(gallery)
    gallery.not_a_face("staff", first)
    index(gallery, "ann", shots=3)
    assert clusters(gallery) == {"c1": set(others)}
    gallery.not_a_face("staff", first, lift=True)
    assert clusters(gallery) == {"c1": {first, *others}}


def test_faces_of_different_people_are_never_in_one_cluster(gallery: Gallery) -> None:
    first, second, third, fourth = index(gallery, "ann", shots=4)
    clusters(gallery)
    for user, faces in (("ann", [first, second]), ("eve", [third])):
        gallery.create_user("staff", user)
        gallery.associate_faces("staff", user, faces, min_similarity=0.0)
    assert clusters(gallery) == {"c1": {fourth}}
    assert gallery.describe_cluster("staff", "c1").user_id == "ann"


def test_a_deleted_face_leaves_its_cluster(gallery: Gallery) -> None:
    first, *others = index(gallery, "ann", shots=3)
    clusters(gallery)
    gallery.delete_faces("staff", [first])
    assert clusters(gallery) == {"c1": set(others)}


def test_the_faces_of_a_deleted_person_are_suggested_again(gallery: Gallery) -> None:
    ann = index(gallery, "ann", shots=3)
    clusters(gallery)
    gallery.name_cluster("staff", "c1", "ann")
    gallery.delete_user("staff", "ann")
    assert clusters(gallery) == {"c1": set(ann)}


def test_clusters_are_listed_in_pages(gallery: Gallery) -> None:
    for person in range(5):
        index(gallery, f"person {person}", shots=2 + person % 2)
    gallery.cluster_faces("staff")
    listed, token = [], None
    while True:
        page = gallery.list_clusters("staff", next_token=token, limit=2)
        listed += [each.cluster_id for each in page.clusters]
        token = page.next_token
        if token is None:
            break
    assert listed == ["c1", "c2", "c3", "c4", "c5"]


def test_stats_of_an_earlier_cohort_are_computed(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    ann = index(gallery, "ann", shots=3)
    faces = collaborators.faces
    (record,) = faces.list_faces("staff", limit=1)
    assert record.stats is not None
    faces.put_stats("staff", {record.face_id: replace(record.stats, version="earlier", mean=9.0)})
    assert clusters(gallery) == {"c1": set(ann)}


def test_bad_input_is_refused(gallery: Gallery, collaborators: Collaborators) -> None:
    first, *_ = index(gallery, "ann", shots=3)
    clusters(gallery)
    for unknown in ("c2", "c0", "1", "c1 ", "c" + "9" * 30):
        with pytest.raises(ClusterNotFoundError):
            gallery.name_cluster("staff", unknown, "ann")
        with pytest.raises(ClusterNotFoundError):
            gallery.ignore_cluster("staff", unknown)
    with pytest.raises(InvalidInputError):
        gallery.name_cluster("staff", "c1", "not valid")
    with pytest.raises(InvalidInputError):
        gallery.cluster_faces("staff", pair_threshold=1.5)
    with pytest.raises(CollectionNotFoundError):
        gallery.cluster_faces("nowhere")
    with pytest.raises(FaceNotFoundError):
        gallery.not_a_face("staff", "00000000-0000-8000-8000-000000000000")
    gallery.name_cluster("staff", "c1", "ann")
    with pytest.raises(FaceInUseError):
        gallery.not_a_face("staff", first)
    with pytest.raises(InvalidInputError, match="do not support clusters"):
        replace(collaborators, clusters=None).gallery().cluster_faces("staff")


def test_a_statement_that_nobody_made_cannot_be_lifted(gallery: Gallery) -> None:
    (face,) = gallery.index("staff", fake_photo(fake_face("ann"))).faces
    face_id = face.record.face_id
    assert gallery.not_a_face("staff", face_id, lift=True) is False
    assert gallery.not_a_face("staff", face_id) is True
    assert gallery.not_a_face("staff", face_id) is False
    assert gallery.not_a_face("staff", face_id, lift=True) is True


def test_clusters_need_a_positive_number_of_threads(gallery: Gallery) -> None:
    with pytest.raises(InvalidInputError, match="threads must be an integer"):
        gallery.cluster_faces("staff", threads=0)
