"""Whatever is indexed, deleted and clustered again: nothing that people decided changes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from facerec.core.ids import group_of
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

RUNS = 50
"""Clusterings of each of the 20 seeds: 1,000 in all."""

PEOPLE = ("ann", "bob", "cyd", "dan", "eve", "fay")


@dataclass
class Decisions:
    """What people said, and which faces were seen in one cluster."""

    persons: dict[str, set[str]] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    not_faces: set[str] = field(default_factory=set)
    denied: set[tuple[str, str]] = field(default_factory=set)
    together: list[set[str]] = field(default_factory=list)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """A gallery with the empty collection ``staff``."""
    collaborators = Collaborators.in_folder(tmp_path)
    gallery = collaborators.gallery()
    gallery.create_collection("staff")
    yield gallery
    collaborators.records.close()


def listed(gallery: Gallery) -> dict[str, tuple[set[str], str | None]]:
    page = gallery.list_clusters("staff", limit=500)
    assert page.next_token is None
    return {each.cluster_id: (set(each.face_ids), each.user_id) for each in page.clusters}


def index_some(gallery: Gallery, chance: random.Random, number: int) -> None:
    for _ in range(number):
        faces = [
            fake_face(
                chance.choice(PEOPLE),
                away=chance.uniform(0.1, 0.35),
                shot=chance.randrange(10**6),
                left=0.3 * place,
            )
            for place in range(chance.choice((1, 1, 2, 3)))
        ]
        gallery.index("staff", fake_photo(*faces))


def decide(gallery: Gallery, chance: random.Random, decisions: Decisions) -> None:
    """Say something about a random cluster."""
    clusters = listed(gallery)
    if not clusters:
        return
    cluster_id = chance.choice(sorted(clusters))
    faces, user_id = clusters[cluster_id]
    match chance.choice(("name", "ignore", "not a face", "not same", "other face", "nothing")):
        case "name":
            person = chance.choice((user_id or f"p{len(decisions.persons)}", "p0"))
            if {(face, person) for face in faces} & decisions.denied:
                return
            changed = gallery.name_cluster("staff", cluster_id, person).changed
            decisions.persons.setdefault(person, set()).update(changed)
        case "ignore":
            gallery.ignore_cluster("staff", cluster_id)
            decisions.ignored |= faces
        case "not a face":
            face = chance.choice(sorted(faces))
            gallery.not_a_face("staff", face)
            decisions.not_faces.add(face)
        case "not same" if user_id is not None:
            gallery.not_same_cluster("staff", cluster_id, user_id)
            decisions.denied |= {(face, user_id) for face in faces}
        case "other face" if len(faces) > 1:
            one, other = chance.sample(sorted(faces), 2)
            gallery.not_same("staff", one, other)
            decisions.denied.add((one, other))


def delete_one(gallery: Gallery, chance: random.Random, decisions: Decisions) -> None:
    owned = set[str]().union(*decisions.persons.values())
    faces = [face.record.face_id for face in gallery.list_faces("staff").faces]
    free = sorted(set(faces) - owned - decisions.ignored - decisions.not_faces)
    if free:
        gallery.delete_faces("staff", [chance.choice(free)])


def check(gallery: Gallery, decisions: Decisions) -> None:
    """Check every decision, and that clusters only grow."""
    for person, faces in decisions.persons.items():
        assert set(gallery.describe_user("staff", person).face_ids) == faces
    stored = {face.record.face_id for face in gallery.list_faces("staff", limit=4096).faces}
    clusters = listed(gallery)
    for faces, user_id in clusters.values():
        assert faces <= stored
        assert not faces & (decisions.ignored | decisions.not_faces)
        assert len({group_of(face) for face in faces}) == len(faces)
        assert not {(face, user_id) for face in faces} & decisions.denied
        assert not {(one, other) for one in faces for other in faces} & decisions.denied
    shown = {face: cluster for cluster, (faces, _) in clusters.items() for face in faces}
    denied = {face for pair in decisions.denied for face in pair}
    owned = set[str]().union(*decisions.persons.values())
    for together in decisions.together:
        left = together & stored - denied - decisions.ignored - decisions.not_faces - owned
        assert len({shown[face] for face in left if face in shown}) <= 1
        # a cluster of one face is not shown, but nobody's decision hides another
        assert len(left) < 2 or left <= shown.keys()
    decisions.together = [faces for faces, _ in clusters.values()]


@pytest.mark.parametrize("seed", range(20))
def test_no_decision_changes_in_fifty_random_runs(gallery: Gallery, seed: int) -> None:
    chance, decisions = random.Random(seed), Decisions()
    index_some(gallery, chance, 20)
    for _ in range(RUNS):
        if chance.random() < 0.5:
            index_some(gallery, chance, chance.choice((1, 1, 2, 5)))
        if chance.random() < 0.2:
            delete_one(gallery, chance, decisions)
        if chance.random() < 0.6:
            decide(gallery, chance, decisions)
        gallery.cluster_faces("staff", pair_threshold=chance.choice((None, None, 0.9)))
        check(gallery, decisions)
    assert decisions.persons
    assert decisions.ignored
