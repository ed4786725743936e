import pytest

from facerec.errors import NoFaceError, UnreadablePhotoError
from facerec.gallery.gallery import Gallery
from facerec.gallery.scores.scoring import similarity_between
from facerec.testing.engine import FAKE_COHORT_STATS, fake_face, fake_photo

ANN = fake_photo(fake_face("ann"))


def test_one_person_in_two_photos_is_a_similar_pair(gallery: Gallery) -> None:
    (pair,) = gallery.compare(ANN, fake_photo(fake_face("ann", away=0.3))).pairs
    assert (pair.source, pair.target, pair.best) == (0, 0, True)
    assert pair.distance == pytest.approx(0.3, abs=1e-6)
    assert pair.similarity > 0.99
    assert pair.similarity == similarity_between(
        pair.distance, FAKE_COHORT_STATS, FAKE_COHORT_STATS
    )


def test_a_photo_compared_with_itself_has_distance_0(gallery: Gallery) -> None:
    (pair,) = gallery.compare(ANN, ANN).pairs
    assert (pair.distance, pair.similarity) == (0.0, 1.0)


def test_all_faces_are_compared_most_similar_first(
    gallery: Gallery,
) -> None:
    source = fake_photo(fake_face("ann", width=0.3), fake_face("bob", width=0.2))
    target = fake_photo(
        fake_face("bob", width=0.4, away=0.2),
        fake_face("cyd", width=0.3),
        fake_face("ann", width=0.2, away=0.1),
    )
    pairs = gallery.compare(source, target).pairs
    assert {(pair.source, pair.target) for pair in pairs} == {
        (source, target) for source in range(2) for target in range(3)
    }
    assert [pair.distance for pair in pairs] == sorted(pair.distance for pair in pairs)
    assert [(pair.source, pair.target) for pair in pairs if pair.best] == [(0, 2), (1, 0)]


def test_no_face_is_paired_twice(gallery: Gallery) -> None:
    twice = fake_photo(fake_face("ann", away=0.1), fake_face("ann", away=0.2, left=0.5))
    pairs = gallery.compare(ANN, twice).pairs
    assert [pair.best for pair in pairs] == [True, False]


@pytest.mark.parametrize(
    ("source", "target", "name"),
    [(fake_photo(), ANN, "the source photo"), (ANN, fake_photo(), "the target photo")],
)
def test_a_photo_without_faces_is_an_error_that_names_it(
    gallery: Gallery, source: bytes, target: bytes, name: str
) -> None:
    with pytest.raises(NoFaceError, match=name):
        gallery.compare(source, target)


def test_an_unreadable_photo_is_an_error_that_names_it(gallery: Gallery) -> None:
    with pytest.raises(UnreadablePhotoError, match="the target photo"):
        gallery.compare(ANN, b"text")
