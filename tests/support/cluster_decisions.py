"""Random decisions about clusters, with clusterings between them; see ``no_decision_changes``.

The long form of the test: ``python -m tests.support.cluster_decisions``.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from facerec.core.ids import group_of
from facerec.gallery.gallery import Gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.gallery import Collaborators

PEOPLE = ("ann", "bob", "cyd", "dan", "eve", "fay")

KINDS = (
    "name",
    "name",
    "ignore",
    "not a face",
    "lift",
    "not same",
    "other face",
    "merge",
    "undo",
    "undo",
    "nothing",
)


@dataclass
class Decisions:
    """What people said, and which faces were seen in one cluster.

    Attributes:
        persons: Faces by person.
        ignored: Ignored faces.
        not_faces: Faces marked as not a face.
        denied: Pairs of a face and a person, or another face, that it does not show.
        together: Faces of each cluster, as it was seen last.
        released: Faces of a correction that was undone, which are clustered again.
        named: Number of names that were given.
        count: Number of decisions.
        before: What had been said before the last decision, if that can be undone.
    """

    persons: dict[str, set[str]] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    not_faces: set[str] = field(default_factory=set)
    denied: set[tuple[str, str]] = field(default_factory=set)
    together: list[set[str]] = field(default_factory=list)
    released: set[str] = field(default_factory=set)
    named: int = 0
    count: int = 0
    before: Decisions | None = None

    def restore(self, earlier: Decisions) -> None:
        """Replace what people said by what they had said before."""
        self.released |= {face for face, _ in self.denied - earlier.denied}
        self.persons, self.ignored = earlier.persons, earlier.ignored
        self.not_faces, self.denied = earlier.not_faces, earlier.denied
        self.before = None


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


def decide(  # noqa: C901 - one case for each kind of decision
    gallery: Gallery, chance: random.Random, decisions: Decisions
) -> None:
    """Say something about a random cluster or person, or take back what was said last."""
    before = copy.deepcopy(decisions)
    clusters = listed(gallery)
    if not clusters:
        return
    cluster_id = chance.choice(sorted(clusters))
    faces, user_id = clusters[cluster_id]
    match chance.choice(KINDS):
        case "name":
            person = chance.choice((user_id or f"p{decisions.named}", "p0"))
            if {(face, person) for face in faces} & decisions.denied:
                return
            changed = gallery.name_cluster("staff", cluster_id, person).changed
            decisions.named += 1
            decisions.persons.setdefault(person, set()).update(changed)
        case "ignore":
            gallery.ignore_cluster("staff", cluster_id)
            decisions.ignored |= faces
        case "not a face":
            face = chance.choice(sorted(faces))
            gallery.not_a_face("staff", face)
            decisions.not_faces.add(face)
        case "lift" if decisions.not_faces:
            face = chance.choice(sorted(decisions.not_faces))
            gallery.not_a_face("staff", face, lift=True)
            decisions.not_faces.remove(face)
        case "not same" if user_id is not None:
            gallery.not_same_cluster("staff", cluster_id, user_id)
            decisions.denied |= {(face, user_id) for face in faces}
        case "other face" if len(faces) > 1:
            one, other = chance.sample(sorted(faces), 2)
            gallery.not_same("staff", one, other)
            decisions.denied.add((one, other))
        case "merge" if len(decisions.persons) > 1:
            kept, merged = chance.sample(sorted(decisions.persons), 2)
            if {kept, merged} & {person for _, person in decisions.denied}:
                return
            gallery.merge_users("staff", kept, merged)
            decisions.persons[kept] |= decisions.persons.pop(merged)
        case "undo" if decisions.before is not None:
            (entry, *_) = gallery.list_history("staff", limit=1).entries
            gallery.undo("staff", entry.cause.entry_id)
            decisions.restore(decisions.before)
            decisions.count += 1
            return
        case _:
            return
    decisions.before = before
    decisions.count += 1


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
    denied = {face for pair in decisions.denied for face in pair} | decisions.released
    owned = set[str]().union(*decisions.persons.values())
    for together in decisions.together:
        left = together & stored - denied - decisions.ignored - decisions.not_faces - owned
        assert len({shown[face] for face in left if face in shown}) <= 1
        # a cluster of one face is not shown, but nobody's decision hides another
        assert len(left) < 2 or left <= shown.keys()
    decisions.together = [faces for faces, _ in clusters.values()]
    decisions.released = set()


def no_decision_changes(gallery: Gallery, seed: int, runs: int) -> Decisions:
    """Cluster again and again; between clusterings, photos come and faces go, and people decide.

    After each clustering, every decision so far is checked.
    """
    chance, decisions = random.Random(seed), Decisions()
    index_some(gallery, chance, 20)
    for _ in range(runs):
        if chance.random() < 0.5:
            index_some(gallery, chance, chance.choice((1, 1, 2, 5)))
        if chance.random() < 0.2:
            delete_one(gallery, chance, decisions)
        if chance.random() < 0.8:
            decide(gallery, chance, decisions)
        gallery.cluster_faces("staff", pair_threshold=chance.choice((None, None, 0.9)))
        check(gallery, decisions)
    return decisions


def main() -> None:
    """Run the long form, and print the number of clusterings and of decisions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    decided = 0
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            collaborators = Collaborators.in_folder(Path(folder))
            gallery = collaborators.gallery()
            gallery.create_collection("staff")
            decided += no_decision_changes(gallery, seed, options.runs).count
            collaborators.records.close()
    sys.stdout.write(
        f"{options.seeds * options.runs} clusterings, {decided} decisions, none changed\n"
    )


if __name__ == "__main__":
    main()
