"""What is said about clusters holds, whatever another process does at the same moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from facerec.core.history import Action, StepKind
from facerec.errors import ClusterNotFoundError, ConflictError, UserNotFoundError
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.deployments import Deployment
from tests.support.long import rarely_short


@pytest.fixture
def gallery(deployment: Deployment) -> Gallery:
    """A gallery with two clusters: c1 has four faces, and c2 three."""
    gallery = deployment.gallery()
    gallery.create_collection("staff")
    for number in range(4):
        index(gallery, 2, number)
    for number in range(3):
        index(gallery, 1, number)
    gallery.cluster_faces("staff", pair_threshold=0.9999)
    assert sizes(gallery) == {"c1": 4, "c2": 3}
    return gallery


def index(gallery: Gallery, shot: int, note: object, *, away: float = 0.3) -> str:
    """Index a photo of Ann, and return the id of its face."""
    photo = fake_photo(fake_face("ann", away=away, shot=shot), note=str(note))
    (stored,) = gallery.index("staff", photo).faces
    return stored.record.face_id


def sizes(gallery: Gallery) -> dict[str, int]:
    """Return the numbers of faces of the listed clusters by id."""
    found = gallery.list_clusters("staff").clusters
    return {each.cluster_id: len(each.face_ids) for each in found}


def test_a_cluster_that_is_named_twice_at_once_is_the_persons(
    deployment: Deployment, gallery: Gallery
) -> None:
    other = deployment.gallery()
    first = deployment.gallery_with(
        "records", "create_user", after=lambda: name_again(other, "c1", "zoe")
    )
    named = first.name_cluster("staff", "c1", "zoe", name="Zoe")
    zoe = gallery.describe_user("staff", "zoe")
    assert (len(named.changed), len(zoe.face_ids), zoe.name) == (4, 4, "Zoe")


def name_again(gallery: Gallery, cluster_id: str, user_id: str) -> None:
    """Name a cluster that may have been named a moment ago."""
    try:
        gallery.name_cluster("staff", cluster_id, user_id)
    except ClusterNotFoundError:
        return


def test_a_cluster_that_is_named_as_somebody_else_at_once_is_the_first_persons(
    deployment: Deployment, gallery: Gallery
) -> None:
    other = deployment.gallery()
    second = deployment.gallery_with(
        "records", "create_user", before=lambda: other.name_cluster("staff", "c1", "ann")
    )
    with pytest.raises(ClusterNotFoundError):
        second.name_cluster("staff", "c1", "bob")
    assert len(gallery.describe_user("staff", "ann").face_ids) == 4
    with pytest.raises(UserNotFoundError):
        gallery.describe_user("staff", "bob")


def test_a_naming_that_is_killed_is_undone_whole(deployment: Deployment, gallery: Gallery) -> None:
    def kill() -> None:
        raise KeyboardInterrupt

    killed = deployment.gallery_with("records", "create_user", after=kill)
    with pytest.raises(KeyboardInterrupt):
        killed.name_cluster("staff", "c1", "zoe", name="Zoe")
    (entry,) = [
        each
        for each in gallery.list_history("staff").entries
        if each.cause.action is Action.NAME_CLUSTER
    ]
    assert [step.kind for step in entry.steps] == [StepKind.CREATED, StepKind.FACES_ADDED]
    gallery.undo("staff", entry.cause.entry_id)
    assert gallery.list_users("staff").users == ()
    assert sizes(gallery) == {"c1": 4, "c2": 3}


def cluster_while(
    deployment: Deployment, action: Callable[[], object], *, pair_threshold: float = 0.9
) -> None:
    """Cluster in another process, and do something just before it saves."""
    job = deployment.gallery_with("clusters", "save_clusters", before=action)
    job.cluster_faces("staff", pair_threshold=pair_threshold)


@pytest.mark.parametrize(("ignored", "kept"), [("c1", 3), ("c2", 4)])
def test_a_cluster_that_is_ignored_while_it_would_be_merged_stays_as_it_is(
    deployment: Deployment, gallery: Gallery, ignored: str, kept: int
) -> None:
    hidden = set(gallery.describe_cluster("staff", ignored).face_ids)
    index(gallery, 9, "between", away=0.0)
    cluster_while(deployment, lambda: gallery.ignore_cluster("staff", ignored))
    gallery.cluster_faces("staff", pair_threshold=0.9)
    listed = gallery.list_clusters("staff").clusters
    assert hidden.isdisjoint(each for found in listed for each in found.face_ids)
    assert hidden <= set(gallery.describe_cluster("staff", ignored).face_ids)
    assert sum(len(found.face_ids) for found in listed) in (kept, kept + 1)
    gallery.ignore_cluster("staff", ignored, ignored=False)
    assert set(sizes(gallery)) == {"c1", "c2"}


def test_what_is_said_to_be_no_face_during_a_clustering_is_in_no_cluster(
    deployment: Deployment, gallery: Gallery
) -> None:
    face_id = index(gallery, 2, "new")
    cluster_while(deployment, lambda: gallery.not_a_face("staff", face_id))
    found = [each for cluster in listed(gallery).values() for each in cluster]
    assert len(found) == 7
    assert face_id not in found
    gallery.not_a_face("staff", face_id, lift=True)
    gallery.cluster_faces("staff", pair_threshold=0.9999)
    assert face_id in listed(gallery)["c1"]


def listed(gallery: Gallery) -> dict[str, tuple[str, ...]]:
    """Return the faces of the listed clusters by id."""
    found = gallery.list_clusters("staff").clusters
    return {each.cluster_id: each.face_ids for each in found}


def test_a_face_that_is_corrected_during_a_clustering_is_not_suggested_as_that_person(
    deployment: Deployment, gallery: Gallery
) -> None:
    gallery.name_cluster("staff", "c1", "ann")
    face_id = index(gallery, 2, "new")
    cluster_while(
        deployment, lambda: gallery.not_same("staff", face_id, "ann"), pair_threshold=0.9999
    )
    assert sizes(gallery) == {"c2": 3}


@pytest.mark.parametrize("said_of", rarely_short(["the face", "the cluster"], "the cluster"))
def test_a_correction_that_is_undone_brings_the_suggestion_back(
    gallery: Gallery, said_of: str
) -> None:
    gallery.name_cluster("staff", "c1", "ann")
    face_id = index(gallery, 2, "new")
    gallery.cluster_faces("staff", pair_threshold=0.9999)
    assert listed(gallery)["c1"] == (face_id,)
    if said_of == "the face":
        gallery.not_same("staff", face_id, "ann")
    else:
        gallery.not_same_cluster("staff", "c1", "ann")
    assert "c1" not in listed(gallery)
    gallery.cluster_faces("staff", pair_threshold=0.9999)
    assert "c1" not in listed(gallery)
    gallery.undo("staff", gallery.list_history("staff", limit=1).entries[0].cause.entry_id)
    gallery.cluster_faces("staff", pair_threshold=0.9999)
    assert listed(gallery)["c1"] == (face_id,)


def test_an_ignored_cluster_that_is_all_a_persons_can_be_suggested_again(gallery: Gallery) -> None:
    gallery.ignore_cluster("staff", "c1")
    face_ids = gallery.describe_cluster("staff", "c1").face_ids
    gallery.create_user("staff", "ann")
    gallery.associate_faces("staff", "ann", face_ids, min_similarity=0.0)
    gallery.ignore_cluster("staff", "c1", ignored=False)
    later = index(gallery, 2, "later")
    gallery.cluster_faces("staff", pair_threshold=0.9999)
    assert listed(gallery)["c1"] == (later,)


def test_a_person_is_not_split_by_two_clusterings_at_once(
    deployment: Deployment, gallery: Gallery
) -> None:
    for number in range(20):
        index(gallery, 3, f"third {number}", away=0.9)
    other = deployment.gallery()
    cluster_while(deployment, lambda: other.cluster_faces("staff", pair_threshold=0.9999))
    alone = deployment.gallery()
    assert alone.cluster_faces("staff", pair_threshold=0.9).merged == 0
    assert max(sizes(gallery).values()) >= 20


def test_a_clustering_gives_up_if_somebody_says_something_each_time(
    deployment: Deployment, gallery: Gallery
) -> None:
    index(gallery, 2, "new")
    says = iter([True, False] * 10)
    job = deployment.gallery_with(
        "clusters",
        "save_clusters",
        before=lambda: gallery.ignore_cluster("staff", "c2", ignored=next(says)),
        once=False,
    )
    with pytest.raises(ConflictError, match="changed repeatedly"):
        job.cluster_faces("staff", pair_threshold=0.9999)
    assert sizes(gallery)["c1"] == 4
