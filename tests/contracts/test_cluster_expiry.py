"""Faces that expire leave the clusters, with all that is kept about them."""

from __future__ import annotations

from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.deployments import Deployment

DAY = 86_400.0


def index(gallery: Gallery, person: str, shot: int) -> str:
    """Index a photo, and return the id of its face."""
    (stored,) = gallery.index("staff", fake_photo(fake_face(person, away=0.1, shot=shot))).faces
    return stored.record.face_id


def test_expired_faces_leave_their_clusters(deployment: Deployment) -> None:
    gallery, clock = deployment.gallery(), deployment.collaborators.clock
    gallery.create_collection("staff")
    old = [index(gallery, "ann", shot) for shot in range(2)]
    gone = [index(gallery, "bob", shot) for shot in range(2)]
    noise = index(gallery, "cyd", 0)
    gallery.not_a_face("staff", noise)
    clock.now += 20 * DAY
    new = [index(gallery, "ann", shot) for shot in (2, 3)]
    gallery.cluster_faces("staff")
    ann, bob = gallery.list_clusters("staff").clusters
    assert (set(ann.face_ids), set(bob.face_ids)) == ({*old, *new}, set(gone))

    gallery.set_retention("staff", 30)
    clock.now += 15 * DAY
    receipt = gallery.expire("staff")
    assert receipt is not None
    assert receipt.faces == 5
    (left,) = gallery.list_clusters("staff").clusters
    assert (left.cluster_id, set(left.face_ids)) == (ann.cluster_id, set(new))
    clusters = deployment.open_clusters()
    assert clusters.faces_with_data("staff", [*old, *gone, noise]) == set()
    assert clusters.list_not_faces("staff") == []

    later = index(gallery, "ann", 4)
    gallery.cluster_faces("staff")
    (left,) = gallery.list_clusters("staff").clusters
    assert (left.cluster_id, set(left.face_ids)) == (ann.cluster_id, {*new, later})
