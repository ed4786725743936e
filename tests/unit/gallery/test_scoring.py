from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from facerec.core.faces import CohortStats
from facerec.core.records import StoredFace
from facerec.gallery.gallery import Gallery
from facerec.gallery.scores.scoring import reach, similarity_between, stats_of_stored
from facerec.testing.engine import FAKE_COHORT_STATS, FakeEngine, fake_face, fake_photo
from facerec.testing.faces import by_image, stored_face
from tests.support.gallery import Collaborators

SHOTS = st.lists(
    st.tuples(
        st.floats(0, 0.9), st.sampled_from(["current", "earlier", None]), st.floats(-0.05, 0.05)
    ),
    max_size=8,
)
"""Photos of a person: distance, which cohort the stats are of, and what is added to their mean."""

STATS = st.builds(CohortStats, st.floats(0.4, 0.79), st.floats(0.012, 0.045), st.just("v"))


class CountingCohort(FakeEngine):
    """A cohort that counts the embeddings whose stats it computes."""

    computed = 0

    def cohort_stats(self, embeddings: NDArray[np.float32]) -> list[CohortStats]:
        self.computed += len(embeddings)
        return super().cohort_stats(embeddings)


@given(st.just(0.0) | st.floats(1e-6, 1), STATS, STATS, st.floats(0, 2))
def test_no_face_beyond_the_reach_is_as_similar(
    threshold: float, probe: CohortStats, stored: CohortStats, beyond: float
) -> None:
    distance = reach(threshold, probe) + 1e-6 + beyond
    if math.isfinite(distance):
        assert similarity_between(distance, probe, stored) <= threshold


def test_equal_embeddings_have_a_similarity_of_1() -> None:
    assert similarity_between(0, FAKE_COHORT_STATS, FAKE_COHORT_STATS) == 1


def test_stats_are_computed_only_if_they_are_missing_or_of_another_cohort() -> None:
    cohort, face = CountingCohort(), stored_face("ann")
    assert stats_of_stored(face, cohort) is face.record.stats
    assert cohort.computed == 0
    other = CohortStats(0.5, 0.02, "another")
    for stats in (None, other):
        earlier = StoredFace(replace(face.record, stats=stats), face.embedding)
        assert stats_of_stored(earlier, cohort) == FAKE_COHORT_STATS
    assert cohort.computed == 2


def test_an_indexed_face_keeps_its_stats(gallery: Gallery) -> None:
    (listed,) = gallery.index("staff", fake_photo(fake_face("ann"))).faces
    assert listed.record.stats == FAKE_COHORT_STATS


def test_a_face_among_many_similar_strangers_loses_to_a_farther_one(
    gallery: Gallery, collaborators: Collaborators
) -> None:
    crowded = stored_face("ann", image="1", away=0.40, shot=1, external_image_id="crowded:1")
    lonely = stored_face("ann", image="2", away=0.44, shot=2, external_image_id="lonely:1")
    stats = replace(FAKE_COHORT_STATS, mean=FAKE_COHORT_STATS.mean - 0.1)
    crowded = StoredFace(replace(crowded.record, stats=stats), crowded.embedding)
    collaborators.faces.put_images("staff", by_image([crowded, lonely]))
    (face,) = gallery.search("staff", fake_photo(fake_face("ann")), threshold=0.1).faces
    assert [match.face.external_image_id for match in face.matches] == ["lonely:1", "crowded:1"]
    assert face.matches[0].distance > face.matches[1].distance
    assert face.matches[0].similarity > face.matches[1].similarity


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(shots=SHOTS, threshold=st.floats(0.01, 0.99), limit=st.integers(1, 10))
def test_matches_are_those_of_all_stored_faces_scored_one_by_one(
    gallery: Gallery,
    collaborators: Collaborators,
    shots: list[tuple[float, str | None, float]],
    threshold: float,
    limit: int,
) -> None:
    stored = []
    for number, (away, cohort, nearer) in enumerate(shots):
        face = stored_face("ann", image=str(number), away=away, shot=number)
        stats = replace(FAKE_COHORT_STATS, mean=FAKE_COHORT_STATS.mean + nearer)
        if cohort == "earlier":
            stats = replace(stats, version=cohort)
        record = replace(face.record, stats=stats if cohort else None)
        stored.append(StoredFace(record, face.embedding))
    collaborators.faces.delete_namespace("staff")
    collaborators.faces.put_images("staff", by_image(stored))
    (searched,) = gallery.search(
        "staff", fake_photo(fake_face("ann")), threshold=threshold, limit=limit
    ).faces
    similarities = {}
    for face in stored:
        distance = float(np.linalg.norm(face.embedding.astype(float) - searched.face.embedding))
        stats = stats_of_stored(face, FakeEngine())
        similarity = similarity_between(distance, searched.face.stats, stats)
        if similarity >= threshold:
            similarities[face.record] = similarity
    found = {match.face: match.similarity for match in searched.matches}
    best = sorted(similarities.values(), reverse=True)
    assert list(found.values()) == pytest.approx(best[:limit])
    assert found == pytest.approx({record: similarities[record] for record in found})
    assert searched.more_matches == (len(best) > limit)


@pytest.mark.parametrize("stats", [None, CohortStats(0.1, 0.1, "another")])
def test_a_face_of_an_earlier_facerec_scores_as_one_of_this(
    gallery: Gallery, collaborators: Collaborators, stats: CohortStats | None
) -> None:
    earlier = stored_face("ann", away=0.4)
    earlier = StoredFace(replace(earlier.record, stats=stats), earlier.embedding)
    collaborators.faces.put_images("staff", by_image([earlier]))
    (face,) = gallery.search("staff", fake_photo(fake_face("ann"))).faces
    (match,) = face.matches
    expected = similarity_between(match.distance, FAKE_COHORT_STATS, FAKE_COHORT_STATS)
    assert match.similarity == pytest.approx(expected)


def test_stats_are_refreshed_page_by_page(gallery: Gallery, collaborators: Collaborators) -> None:
    for shot in range(5):
        gallery.index("staff", fake_photo(fake_face("ann", shot=shot, away=0.1)))
    ids = [face.record.face_id for face in gallery.list_faces("staff").faces]
    for face in collaborators.faces.get_faces("staff", ids):
        without = StoredFace(replace(face.record, stats=None), face.embedding)
        collaborators.faces.put_images("staff", by_image([without]))
    pages = [gallery.refresh_stats("staff", limit=2)]
    while token := pages[-1].next_token:
        pages.append(gallery.refresh_stats("staff", limit=2, next_token=token))
    assert [page.refreshed for page in pages] == [2, 2, 1]
    assert all(face.record.stats for face in collaborators.faces.get_faces("staff", ids))


def test_stats_are_refreshed_without_photos(gallery: Gallery, collaborators: Collaborators) -> None:
    photo = fake_photo(fake_face("ann"), fake_face("bob", left=0.5))
    indexed = gallery.index("staff", photo).faces
    before = collaborators.faces.get_faces("staff", [face.record.face_id for face in indexed])
    first, second = before
    earlier = StoredFace(replace(first.record, stats=None), first.embedding)
    collaborators.faces.put_images("staff", by_image([earlier, second]))
    assert gallery.refresh_stats("staff").refreshed == 1
    assert gallery.refresh_stats("staff").refreshed == 0
    after = collaborators.faces.get_faces("staff", [face.record.face_id for face in before])
    assert [face.record for face in after] == [face.record for face in before]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.embedding, other.embedding)
