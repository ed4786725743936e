import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import RejectionReason, UnreadableReason
from facerec.errors import (
    CollectionNotFoundError,
    InvalidInputError,
    ModelMismatchError,
    NoFaceError,
    UnreadablePhotoError,
)
from facerec.gallery.gallery import Gallery
from facerec.gallery.scores.scoring import similarity_between
from facerec.gallery.scores.similarity import threshold_at
from facerec.gallery.search.decision import MARGIN, Decision
from facerec.storage.faces import FaceStore, Neighbour
from facerec.testing.engine import (
    FAKE_COHORT_STATS,
    FAKE_DISTANCE_AT_DEFAULT,
    FakeEngine,
    fake_face,
    fake_photo,
)
from facerec.testing.faces import by_image, stored_face
from tests.support.gallery import Collaborators

ANN = fake_photo(fake_face("ann"))


def test_a_known_person_is_named_with_similarity_and_distance(gallery: Gallery) -> None:
    (stored,) = gallery.index("staff", ANN, external_image_id="ann:1").faces
    gallery.index("staff", fake_photo(fake_face("bob")), external_image_id="bob:1")
    result = gallery.search("staff", fake_photo(fake_face("ann", away=0.4)))
    (searched,) = result.faces
    assert searched.decision is Decision.MATCH
    (found,) = searched.matches
    assert found.face == stored.record
    assert found.distance == pytest.approx(0.4, abs=1e-6)
    assert found.similarity == pytest.approx(
        similarity_between(found.distance, FAKE_COHORT_STATS, FAKE_COHORT_STATS)
    )


def test_a_stored_photo_matches_itself_at_distance_0(gallery: Gallery) -> None:
    gallery.index("staff", ANN)
    ((found,),) = (searched.matches for searched in gallery.search("staff", ANN).faces)
    assert (found.distance, found.similarity) == (0.0, 1.0)


@pytest.mark.parametrize(
    "asked", [{"threshold": 1.0}, {"threshold": 0.9999999999}, {"target_fmr": 1e-300}]
)
def test_an_equal_face_is_a_match_of_its_person_at_any_threshold(
    gallery: Gallery, asked: dict[str, float]
) -> None:
    (stored,) = gallery.index("staff", ANN).faces
    gallery.create_user("staff", "ann-lee")
    gallery.associate_faces("staff", "ann-lee", [stored.record.face_id])
    (searched,) = gallery.search("staff", ANN, **asked).faces
    assert searched.decision is Decision.MATCH
    assert [found.user_id for found in searched.candidates] == ["ann-lee"]
    assert [found.user_id for found in searched.matches] == ["ann-lee"]


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.sampled_from([0.0, 1e-7, 0.1, 0.3, 0.5]), min_size=1, max_size=4),
    st.sampled_from([0.0, 0.5, 0.8, 0.99, 0.99999, 0.9999999999, 1.0]),
)
def test_a_face_is_unknown_exactly_if_nothing_matches(
    gallery: Gallery, away: list[float], threshold: float
) -> None:
    name = f"c{len(list(gallery.all_collections()))}"
    gallery.create_collection(name)
    for shot, distance in enumerate(away):
        photo = fake_photo(fake_face("ann", away=distance, shot=shot))
        gallery.index(name, photo, external_image_id=f"p{shot}:1")
    (searched,) = gallery.search(name, ANN, threshold=threshold).faces
    found = searched.matches
    assert (searched.decision is Decision.UNKNOWN) == (not found)
    assert found[:1] == searched.candidates[:1]
    assert [each.similarity for each in found] == sorted(
        (each.similarity for each in found), reverse=True
    )


def test_a_stranger_is_unknown_and_has_no_matches(gallery: Gallery) -> None:
    gallery.index("staff", ANN)
    (searched,) = gallery.search("staff", fake_photo(fake_face("bob"))).faces
    assert (searched.decision, searched.matches) == (Decision.UNKNOWN, ())


def test_in_an_empty_collection_everyone_is_unknown(gallery: Gallery) -> None:
    gallery.index("staff", fake_photo())
    (searched,) = gallery.search("staff", ANN).faces
    assert (searched.decision, searched.matches) == (Decision.UNKNOWN, ())


def test_every_face_of_the_probe_is_searched_largest_first(gallery: Gallery) -> None:
    for person in ("ann", "bob"):
        gallery.index("staff", fake_photo(fake_face(person)), external_image_id=person)
    probe = fake_photo(
        fake_face("ann", width=0.1),
        fake_face("stranger", width=0.2, left=0.3),
        fake_face("bob", width=0.3, left=0.6),
    )
    named = [
        [found.face.external_image_id for found in searched.matches]
        for searched in gallery.search("staff", probe).faces
    ]
    assert named == [["bob"], [], ["ann"]]


def test_rejected_faces_of_the_probe_are_listed_with_reasons(gallery: Gallery) -> None:
    gallery.index("staff", ANN)
    probe = fake_photo(fake_face("ann"), fake_face("bob", left=0.5, confidence=0.3))
    result = gallery.search("staff", probe)
    assert len(result.faces) == 1
    assert [face.reasons for face in result.photo.rejected] == [(RejectionReason.LOW_CONFIDENCE,)]


def test_a_blurred_probe_is_searched_unless_the_caller_filters(gallery: Gallery) -> None:
    gallery.index("staff", ANN)
    blurred = fake_photo(fake_face("ann", sharp=False))
    assert gallery.search("staff", blurred).faces[0].decision is Decision.MATCH
    with pytest.raises(NoFaceError, match="LOW_SHARPNESS"):
        gallery.search("staff", blurred, options=FaceOptions(quality_filter=QualityFilter.HIGH))


@pytest.mark.parametrize(
    "options", [FaceOptions(max_faces=1), FaceOptions(rotate=False), FaceOptions(), None]
)
def test_options_that_are_not_given_have_the_default_of_the_operation(
    gallery: Gallery, options: FaceOptions | None
) -> None:
    gallery.index("staff", ANN)
    faint = fake_photo(fake_face("ann", sharp=False, confidence=0.6))
    assert len(gallery.search("staff", faint, options=options).faces) == 1
    assert len(gallery.detect(faint, options=options).faces) == 1
    assert len(gallery.compare(faint, faint, options=options).pairs) == 1
    assert gallery.find("staff", faint, options=options).found
    assert gallery.search_users_by_photo("staff", faint, options=options).face
    assert gallery.index("staff", faint, options=options).faces == ()
    unfiltered = FaceOptions(quality_filter=QualityFilter.NONE)
    assert len(gallery.index("staff", faint, options=unfiltered).faces) == 1


def test_the_most_similar_faces_come_first_up_to_the_limit(
    gallery: Gallery,
) -> None:
    for shot in range(6):
        photo = fake_photo(fake_face("ann", away=0.05 + 0.05 * shot, shot=shot))
        gallery.index("staff", photo, external_image_id=f"ann:{shot}")
    (searched,) = gallery.search("staff", ANN, limit=4).faces
    assert [found.face.external_image_id for found in searched.matches] == [
        "ann:0",
        "ann:1",
        "ann:2",
        "ann:3",
    ]


@pytest.mark.parametrize(("limit", "more"), [(2, True), (3, False), (4, False), (4096, False)])
def test_a_search_reports_whether_there_are_more_matches(
    gallery: Gallery, limit: int, more: bool
) -> None:
    for shot in range(3):
        gallery.index("staff", fake_photo(fake_face("ann", shot=shot, away=0.1)))
    gallery.index("staff", fake_photo(fake_face("bob")))
    (searched,) = gallery.search("staff", ANN, limit=limit).faces
    assert (len(searched.matches), searched.more_matches) == (min(limit, 3), more)


@pytest.mark.parametrize(("limit", "more"), [(2, True), (3, False), (100, False), (4096, False)])
def test_a_search_for_a_stored_face_reports_whether_there_are_more_matches(
    gallery: Gallery, limit: int, more: bool
) -> None:
    faces = [
        gallery.index("staff", fake_photo(fake_face("ann", shot=shot, away=0.1))).faces[0]
        for shot in range(4)
    ]
    found = gallery.search_face("staff", faces[0].record.face_id, limit=limit)
    assert (len(found.matches), found.more_matches) == (min(limit, 3), more)


def test_a_search_finds_that_there_are_more_matches_than_it_scores(gallery: Gallery) -> None:
    faces = [
        gallery.index("staff", fake_photo(fake_face("ann", shot=shot, away=0.1))).faces[0]
        for shot in range(102)
    ]
    found = gallery.search_face("staff", faces[0].record.face_id, limit=100)
    assert (len(found.matches), found.more_matches) == (100, True)


def test_a_store_that_returns_100_neighbours_answers_smaller_limits_only(
    gallery: Gallery, collaborators: Collaborators, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = [stored_face("ann", image=str(number), away=0.1, shot=number) for number in range(150)]
    collaborators.faces.put_images("staff", by_image(stored))
    search, requested = FaceStore.search, list[int]()

    def search_few(
        self: FaceStore, collection_id: str, probes: np.ndarray, *, limit: int, max_distance: float
    ) -> list[list[Neighbour]]:
        requested.append(limit)
        if limit > 102:
            raise InvalidInputError("the store returns at most 100 matches")
        return search(self, collection_id, probes, limit=min(limit, 100), max_distance=max_distance)

    monkeypatch.setattr(FaceStore, "search", search_few)
    for limit in (10, 100):
        (searched,) = gallery.search("staff", ANN, limit=limit).faces
        assert (searched.decision, len(searched.matches)) == (Decision.MATCH, limit)
        found = gallery.search_face("staff", stored[0].record.face_id, limit=min(limit, 99))
        assert len(found.matches) == min(limit, 99)
    assert max(requested) > 102
    with pytest.raises(InvalidInputError, match="at most 100"):
        gallery.search("staff", ANN, limit=103)


@pytest.mark.long
def test_the_greatest_limit_reports_whether_there_are_more_matches(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    stored = [
        stored_face("ann", image=str(number), away=0.1, shot=number) for number in range(4098)
    ]
    for count, more in ((4097, False), (4098, True)):
        collaborators.faces.put_images("staff", by_image(stored[:count]))
        found = gallery.search_face("staff", stored[0].record.face_id, limit=4096)
        (searched,) = gallery.search("staff", ANN, limit=4096).faces
        assert (len(found.matches), found.more_matches) == (4096, more)
        assert (len(searched.matches), searched.more_matches) == (4096, True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(threshold=st.floats(0, 1))
def test_exactly_the_faces_above_the_threshold_are_matches(
    gallery: Gallery, threshold: float
) -> None:
    if not gallery.describe_collection("staff").face_count:
        for shot in range(20):
            gallery.index("staff", fake_photo(fake_face("ann", away=0.05 * shot, shot=shot)))
    (everyone,) = gallery.search("staff", ANN, threshold=0.0, limit=100).faces
    assert len(everyone.matches) == 20
    (searched,) = gallery.search("staff", ANN, threshold=threshold, limit=100).faces
    assert searched.matches == tuple(
        found for found in everyone.matches if found.similarity >= threshold
    )


def test_two_different_photos_that_are_equally_near_are_ambiguous(gallery: Gallery) -> None:
    for shot, name in enumerate(("left", "right")):
        photo = fake_photo(fake_face("cyd", away=0.5 + 0.01 * shot, shot=shot))
        gallery.index("staff", photo, external_image_id=name)
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS
    assert [found.face.external_image_id for found in searched.matches] == ["left", "right"]


def test_a_rival_just_below_the_threshold_makes_a_match_ambiguous(gallery: Gallery) -> None:
    best, rival = FAKE_DISTANCE_AT_DEFAULT - 0.01, FAKE_DISTANCE_AT_DEFAULT + 0.01
    gallery.index("staff", fake_photo(fake_face("cyd", away=best, shot=1)), external_image_id="one")
    gallery.index(
        "staff", fake_photo(fake_face("cyd", away=rival, shot=2)), external_image_id="two"
    )
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert [found.face.external_image_id for found in searched.matches] == ["one"]
    assert searched.decision is Decision.AMBIGUOUS


def test_a_rival_that_is_clearly_farther_leaves_a_match(gallery: Gallery) -> None:
    gallery.index("staff", fake_photo(fake_face("cyd", away=0.4, shot=1)), external_image_id="one")
    rival = fake_face("cyd", away=0.4 + MARGIN * FAKE_COHORT_STATS.deviation + 0.01, shot=2)
    gallery.index("staff", fake_photo(rival), external_image_id="two")
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert len(searched.matches) == 2
    assert searched.decision is Decision.MATCH


def test_photos_with_one_name_are_one_person_even_if_different(gallery: Gallery) -> None:
    for shot in (1, 2):
        photo = fake_photo(fake_face("cyd", away=0.5, shot=shot))
        gallery.index("staff", photo, external_image_id="cyd")
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.MATCH


def test_photos_of_one_name_in_two_folders_are_not_one_person_by_that(
    gallery: Gallery, tmp_path: Path
) -> None:
    for shot, folder in enumerate(("ann", "bob"), start=1):
        photo = tmp_path / folder / "1.jpg"
        photo.parent.mkdir()
        photo.write_bytes(fake_photo(fake_face("cyd", away=0.5, shot=shot)))
        gallery.index("staff", photo, external_image_id="1.jpg")
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS


def test_people_in_one_photo_are_two_although_they_share_its_name(gallery: Gallery) -> None:
    both = fake_photo(
        fake_face("cyd", away=0.5, shot=1), fake_face("cyd", away=0.5, shot=2, left=0.5)
    )
    gallery.index("staff", both, external_image_id="party")
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS


def test_similar_photos_that_only_have_the_names_of_their_files_are_one_match(
    gallery: Gallery, tmp_path: Path
) -> None:
    for shot in range(5):
        photo = tmp_path / f"photo-{shot}.jpg"
        photo.write_bytes(fake_photo(fake_face("ann", away=0.2, shot=shot)))
        gallery.index("staff", photo, external_image_id=photo.name)
    (searched,) = gallery.search("staff", ANN).faces
    assert (searched.decision, len(searched.matches)) == (Decision.MATCH, 5)


def test_a_probe_without_faces_is_an_error(gallery: Gallery) -> None:
    gallery.index("staff", ANN)
    with pytest.raises(NoFaceError, match="no face was found"):
        gallery.search("staff", fake_photo())


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (b"", UnreadableReason.EMPTY),
        (b"text", UnreadableReason.UNSUPPORTED_FORMAT),
        (ANN[:-5], UnreadableReason.CORRUPT),
    ],
)
def test_an_unreadable_probe_is_an_error_with_its_reason(
    gallery: Gallery, probe: bytes, reason: UnreadableReason
) -> None:
    gallery.index("staff", ANN)
    with pytest.raises(UnreadablePhotoError) as raised:
        gallery.search("staff", probe)
    assert raised.value.reason is reason


@pytest.mark.parametrize("threshold", [-0.1, 1.1, 80, math.nan])
def test_a_threshold_out_of_range_is_refused_before_the_photo_is_processed(
    gallery: Gallery, collaborators: Collaborators, threshold: float
) -> None:
    with pytest.raises(InvalidInputError, match="threshold"):
        gallery.search("staff", ANN, threshold=threshold)
    assert collaborators.engine.analysed == 0


@pytest.mark.parametrize("limit", [0, -1, 4097])
def test_a_number_of_matches_out_of_range_is_refused(gallery: Gallery, limit: int) -> None:
    with pytest.raises(InvalidInputError, match="4096"):
        gallery.search("staff", ANN, limit=limit)


def test_an_unknown_collection_is_an_error_that_names_it(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    with pytest.raises(CollectionNotFoundError, match="'guests'"):
        gallery.search("guests", ANN)
    assert collaborators.engine.analysed == 0


def test_a_collection_of_another_model_is_not_searched(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    gallery.index("staff", ANN)
    later = replace(collaborators, engine=FakeEngine("fake-2")).gallery()
    with pytest.raises(ModelMismatchError) as raised:
        later.search("staff", ANN)
    assert (raised.value.expected, raised.value.found) == ("fake-2", "fake-1")


def test_a_rate_takes_the_place_of_a_threshold(gallery: Gallery) -> None:
    gallery.index("staff", fake_photo(fake_face("bob"), fake_face("cyd", left=0.5)))
    result = gallery.search("staff", ANN, target_fmr=1e-3)
    assert result.threshold == pytest.approx(threshold_at(1e-3, 2))


@pytest.mark.parametrize("threshold", [0.0, 0.8])
def test_a_rate_and_a_threshold_together_are_refused(gallery: Gallery, threshold: float) -> None:
    (face,) = gallery.index("staff", ANN).faces
    with pytest.raises(InvalidInputError, match="are both given"):
        gallery.search("staff", ANN, threshold=threshold, target_fmr=0.01)
    with pytest.raises(InvalidInputError, match="are both given"):
        gallery.search_face("staff", face.record.face_id, threshold=threshold, target_fmr=0.01)
    with pytest.raises(InvalidInputError, match="are both given"):
        gallery.find("staff", ANN, doubtful_below=threshold, target_fmr=0.01)


def test_a_rate_takes_the_place_of_a_threshold_for_a_stored_face_too(gallery: Gallery) -> None:
    (face, _) = gallery.index(
        "staff", fake_photo(fake_face("bob"), fake_face("cyd", left=0.5))
    ).faces
    result = gallery.search_face("staff", face.record.face_id, target_fmr=1e-3)
    assert result.threshold == pytest.approx(threshold_at(1e-3, 2))


def test_an_ambiguous_answer_returns_both_people_whatever_the_threshold_hides(
    gallery: Gallery,
) -> None:
    best, rival = FAKE_DISTANCE_AT_DEFAULT - 0.01, FAKE_DISTANCE_AT_DEFAULT + 0.01
    for name, away, shot in (("ann:1", best, 1), ("bob:1", rival, 2)):
        photo = fake_photo(fake_face("cyd", away=away, shot=shot))
        gallery.index("staff", photo, external_image_id=name)
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS
    assert [match.face.external_image_id for match in searched.matches] == ["ann:1"]
    assert [match.face.external_image_id for match in searched.candidates] == ["ann:1", "bob:1"]


def test_several_photos_of_one_person_are_never_ambiguous(gallery: Gallery) -> None:
    for shot in range(4):
        photo = fake_photo(fake_face("cyd", away=0.5, shot=shot))
        gallery.index("staff", photo, external_image_id=f"cyd:{shot}")
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.MATCH
    assert len(searched.matches) == 4
    assert len(searched.candidates) == 1


@pytest.mark.parametrize("names", [("ann:1", "bob:1"), ("ann", "bob"), ("ann:1", "bob")])
@pytest.mark.parametrize("with_user", [False, True])
def test_people_with_names_of_their_own_are_two_however_similar(
    gallery: Gallery, names: tuple[str, str], with_user: bool
) -> None:
    for shot, name in enumerate(names):
        photo = fake_photo(fake_face("cyd", away=0.1, shot=shot))
        (face,) = gallery.index("staff", photo, external_image_id=name).faces
    if with_user:
        gallery.create_user("staff", "employee")
        gallery.associate_faces("staff", "employee", [face.record.face_id])
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS
    assert {match.face.external_image_id for match in searched.candidates} == set(names)


@pytest.mark.parametrize("names", [("ann:1", "ann:2"), ("ann", "ann:2"), ("ann", "ann")])
def test_a_person_of_one_face_has_the_name_that_another_face_shares(
    gallery: Gallery, names: tuple[str, str]
) -> None:
    for shot, name in enumerate(names):
        photo = fake_photo(fake_face("cyd", away=0.5, shot=shot))
        (face,) = gallery.index("staff", photo, external_image_id=name).faces
    gallery.create_user("staff", "employee")
    gallery.associate_faces("staff", "employee", [face.record.face_id])
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.MATCH


def test_a_hundred_photos_of_one_person_do_not_hide_another(gallery: Gallery) -> None:
    for shot in range(150):
        photo = fake_photo(fake_face("cyd", away=0.3, shot=shot))
        gallery.index("staff", photo, external_image_id=f"ann:{shot}")
    photo = fake_photo(fake_face("cyd", away=0.31, shot=150))
    gallery.index("staff", photo, external_image_id="bob:1")
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS
    named = [match.face.external_image_id for match in searched.candidates]
    assert named[1] == "bob:1"


def test_at_a_threshold_of_0_people_without_names_stay_different(gallery: Gallery) -> None:
    for person in ("ann", "bob"):
        gallery.index("staff", fake_photo(fake_face(person)))
    both = fake_photo(fake_face("ann"), fake_face("bob", left=0.6))
    searched = gallery.search("staff", both, threshold=0).faces
    assert [face.decision for face in searched] == [Decision.MATCH] * 2


def test_faces_of_one_user_are_one_person_and_faces_of_two_are_two(gallery: Gallery) -> None:
    stored = [
        gallery.index("staff", fake_photo(fake_face("cyd", away=0.5, shot=shot))).faces[0]
        for shot in (1, 2)
    ]
    for user_id, faces in (("one", stored[:1]), ("two", stored[1:])):
        gallery.create_user("staff", user_id)
        gallery.associate_faces("staff", user_id, [face.record.face_id for face in faces])
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS
    assert {match.user_id for match in searched.candidates} == {"one", "two"}
    gallery.delete_user("staff", "two")
    gallery.associate_faces("staff", "one", [stored[1].record.face_id], min_similarity=0)
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.MATCH


COPIES = [(None, "x"), ("ann:1", "ann:2"), ("ann", "ann:2")]


@pytest.mark.parametrize("names", [("left.jpg", "right.jpg"), *COPIES])
@pytest.mark.parametrize("threshold", [None, 0.0, 1.0])
def test_copies_of_a_photo_show_one_person(
    gallery: Gallery, tmp_path: Path, names: tuple[str | None, str], threshold: float | None
) -> None:
    for number, name in enumerate(names):
        photo = tmp_path / (name if name and name.endswith(".jpg") else f"{number}.jpg")
        photo.write_bytes(ANN)
        gallery.index("staff", photo, external_image_id=name)
    (searched,) = gallery.search("staff", ANN, threshold=threshold).faces
    assert searched.decision is Decision.MATCH
    assert (len(searched.matches), len(searched.candidates)) == (2, 1)


def test_a_face_that_was_found_again_at_about_its_place_is_one_person(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    """Two detectors find a face of one photo a little apart, and describe it differently."""
    found = stored_face("ann", away=0.55, shot=1)
    again = stored_face("ann", away=0.55, shot=2, external_image_id="copy.jpg", source="/copy.jpg")
    box = replace(again.record.box, left=again.record.box.left + 0.004)
    again = replace(again, record=replace(again.record, box=box))
    collaborators.faces.put_images("staff", by_image([found, again]))
    (searched,) = gallery.search("staff", ANN, threshold=0.3).faces
    assert searched.decision is Decision.MATCH
    assert len(searched.matches) == 2


@pytest.mark.parametrize("with_users", [False, True])
def test_copies_of_a_photo_that_two_people_own_are_ambiguous(
    gallery: Gallery, with_users: bool
) -> None:
    names = ("ann", "bob") if not with_users else ("photo:1", "photo:2")
    for name, person in zip(names, ("ann", "bob"), strict=True):
        (face,) = gallery.index("staff", ANN, external_image_id=name).faces
        if with_users:
            gallery.create_user("staff", person)
            gallery.associate_faces("staff", person, [face.record.face_id])
    (searched,) = gallery.search("staff", ANN).faces
    assert searched.decision is Decision.AMBIGUOUS
    assert len(searched.candidates) == 2


def test_a_correction_of_one_copy_of_a_photo_separates_it(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    far = stored_face("ann", away=0.21, external_image_id="1:a")
    near = stored_face("ann", away=0.2, external_image_id="2:a")
    collaborators.faces.put_images("staff", by_image([near, far]))
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", [near.record.face_id])
    gallery.not_same("staff", far.record.face_id, "ann")
    (searched,) = gallery.search("staff", ANN).faces
    assert searched.decision is Decision.AMBIGUOUS
    assert [match.user_id for match in searched.candidates] == ["ann", None]


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_people_in_copies_of_a_group_photo_are_as_many_as_in_the_photo(
    gallery: Gallery, tmp_path: Path, copies: int
) -> None:
    group = fake_photo(
        fake_face("cyd", away=0.3, shot=1), fake_face("cyd", away=0.3, shot=2, left=0.5)
    )
    for number in range(copies):
        photo = tmp_path / f"{number}.jpg"
        photo.write_bytes(group)
        gallery.index("staff", photo, external_image_id=photo.name)
    (searched,) = gallery.search("staff", fake_photo(fake_face("cyd"))).faces
    assert searched.decision is Decision.AMBIGUOUS
    assert (len(searched.matches), len(searched.candidates)) == (2 * copies, 2)
    both = gallery.search("staff", group).faces
    assert [face.decision for face in both] == [Decision.MATCH] * 2
    found = [match.face.box.left for face in both for match in face.candidates]
    assert found == [face.face.box.left for face in both]


def test_two_faces_of_a_photo_do_not_match_one_person(gallery: Gallery) -> None:
    gallery.index("staff", ANN, external_image_id="ann:1")
    photo = fake_photo(
        fake_face("ann", width=0.3, away=0.4), fake_face("ann", left=0.6, away=0.2, shot=1)
    )
    first, second = gallery.search("staff", photo).faces
    assert (first.decision, first.matches) == (Decision.UNKNOWN, ())
    assert second.decision is Decision.MATCH
    both = gallery.search("staff", photo, repeat_people=True).faces
    assert [face.decision for face in both] == [Decision.MATCH] * 2


def test_a_face_whose_person_is_taken_matches_the_next_person(gallery: Gallery) -> None:
    gallery.index("staff", ANN, external_image_id="ann:1")
    gallery.index("staff", fake_photo(fake_face("ann", away=0.1)), external_image_id="ann:2")
    twin = fake_photo(fake_face("ann", away=0.3, shot=1))
    gallery.index("staff", twin, external_image_id="twin:1")
    photo = fake_photo(
        fake_face("ann", width=0.3, away=0.25, shot=1), fake_face("ann", left=0.6, shot=2)
    )
    named = {
        face.face.box.left: [match.face.external_image_id for match in face.matches]
        for face in gallery.search("staff", photo).faces
    }
    assert set(named[0.6]) >= {"ann:1", "ann:2"}
    assert named[0.1] == ["twin:1"]


def test_a_collection_has_a_threshold_of_its_own(gallery: Gallery) -> None:
    gallery.index("staff", ANN)
    probe = fake_photo(fake_face("ann", away=FAKE_DISTANCE_AT_DEFAULT - 0.02))
    assert gallery.search("staff", probe).faces[0].matches
    assert gallery.set_threshold("staff", 0.9).threshold == 0.9
    result = gallery.search("staff", probe)
    assert (result.threshold, result.faces[0].matches) == (0.9, ())
    assert gallery.search("staff", probe, threshold=0.7).faces[0].matches
    (stored,) = gallery.list_faces("staff").faces
    assert gallery.search_face("staff", stored.record.face_id).threshold == 0.9
    gallery.set_threshold("staff", None)
    assert gallery.search("staff", probe).faces[0].matches
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(InvalidInputError):
            gallery.set_threshold("staff", wrong)
