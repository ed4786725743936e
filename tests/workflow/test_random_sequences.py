"""Jobs, deletions, losses and repairs in any order end in the faces that a small model has.

The model: a photo has the faces that the last started job has found in it which says anything about
it, without those that were deleted. A run says something about the photos that it reads: those that
were last read with other options. A run that reads none starts the last round of its job again.
``SEQUENCES=1000 pytest`` runs more sequences.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import CommandLineJobs, run_jobs_in_this_process, use_fake_engine
from tests.support.long import mostly_long
from tests.workflow.test_lost_stores import copy, empty

SEQUENCES = int(os.environ.get("SEQUENCES", "12"))
STEPS = 14

PHOTOS = {
    "two": {"ann": (0.1, 0.3, 0.99), "bob": (0.6, 0.2, 0.97)},
    "three": {"cid": (0.0, 0.3, 0.98), "dan": (0.35, 0.25, 0.92), "eve": (0.7, 0.2, 0.7)},
    "faint": {"fay": (0.2, 0.3, 0.8)},
    "nobody": {},
}
"""People of photos: left side, width and confidence of each face."""

LISTS = {"all.txt": tuple(PHOTOS), "some.txt": ("two", "faint")}

OPTIONS = {"A": (1, 0.95), "B": (5, 0.6), "C": (2, 0.9)}
"""Maximum faces and minimum confidence."""

Face = tuple[str, str]
"""Photo and person."""


@dataclass
class Model:
    """What the collection is to hold.

    Attributes:
        said: The faces of each photo that each round of a job names, the round that was started
            last at the end.
        read: The options with which each photo was last read.
        missing: The options with which each photo was last missing, of those that were never read.
        deleted: Faces that were deleted.
        gone: Photos whose files are gone.
    """

    said: dict[tuple[str, str, int], dict[str, set[str]]] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    deleted: set[Face] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def index(self, manifest: str, options: str) -> None:
        changed = [photo for photo in LISTS[manifest] if self.has_changed(photo, options)]
        rounds = sum(job[:2] == (manifest, options) for job in self.said)
        if rounds and not changed:
            latest = (manifest, options, rounds - 1)
            self.said[latest] = self.said.pop(latest)
            return
        said = {photo: self.select(photo, options) for photo in changed if photo not in self.gone}
        self.said[manifest, options, rounds] = said
        for photo in changed:
            (self.missing if photo in self.gone else self.read)[photo] = options

    def has_changed(self, photo: str, options: str) -> bool:
        """Return whether a run reads a photo; one that was read and is gone keeps its faces."""
        if photo not in self.gone:
            return self.read.get(photo) != options
        return photo not in self.read and self.missing.get(photo) != options

    def select(self, photo: str, options: str) -> set[str]:
        most, confidence = OPTIONS[options]
        sure = [name for name, face in PHOTOS[photo].items() if face[2] >= confidence]
        largest = sorted(sure, key=lambda name: -PHOTOS[photo][name][1])[:most]
        return {name for name in largest if (photo, name) not in self.deleted}

    def delete(self, face: Face) -> None:
        photo, name = face
        emptied = self.faces_of(photo) == {name}
        self.deleted.add(face)
        for said in self.said.values():
            # A row that loses its last face says nothing any more.
            if emptied or said.get(photo) == {name}:
                said.pop(photo, None)
            elif photo in said:
                said[photo] = said[photo] - {name}

    def faces_of(self, photo: str) -> set[str]:
        return next((said[photo] for said in reversed(self.said.values()) if photo in said), set())

    def faces(self) -> set[Face]:
        return {(photo, name) for photo in PHOTOS for name in self.faces_of(photo)}


class Sequence:
    """A random sequence of operations on a data folder and on the model."""

    def __init__(self, door: CommandLineJobs, folder: Path, seed: int) -> None:
        self.door, self.folder, self.model = door, folder, Model()
        self.random, self.steps, self.copies = random.Random(seed), list[str](), list[Path]()
        for name, people in PHOTOS.items():
            faces = (
                fake_face(person, left=left, width=width, confidence=confidence)
                for person, (left, width, confidence) in people.items()
            )
            door.write(f"{name}.jpg", fake_photo(*faces, note=name))
        for manifest, names in LISTS.items():
            lines = "".join(f"{door.address(f'{name}.jpg')}\n" for name in names)
            door.write(manifest, lines.encode())
        self.is_whole = False

    def run(self) -> None:
        changes = self.index, self.index, self.delete_face, self.delete_photo
        losses = self.lose, self.keep_copy, self.restore_copy
        self.index()
        for _ in range(STEPS):
            self.random.choice([*changes, *losses, self.repair, self.rebuild])()
        self.repair()
        found = self.door.verify(repair=False)
        assert (found["missing"], found["extra"], found["returned"]) == (0, 0, 0), self.steps

    def index(self) -> None:
        manifest, options = self.random.choice([*LISTS]), self.random.choice([*OPTIONS])
        most, confidence = OPTIONS[options]
        self.steps.append(f"index {manifest} {options}")
        self.door.run(manifest, max_faces=most, min_confidence=confidence)
        self.model.index(manifest, options)
        self.check()

    def delete_face(self) -> None:
        if self.is_whole and (faces := self.stored()):
            face = self.random.choice(sorted(faces))
            self.steps.append(f"delete {face}")
            self.door.delete_face(faces[face])
            self.model.delete(face)
            self.check()

    def delete_photo(self) -> None:
        left = sorted(set(PHOTOS) - self.model.gone)
        if len(left) > 1:
            name = self.random.choice(left)
            self.steps.append(f"delete the file of {name}")
            self.door.delete_photo(f"{name}.jpg")
            self.model.gone.add(name)

    def lose(self) -> None:
        self.steps.append("lose the database")
        copy(empty(self.folder), self.door.data / "facerec.db")
        self.is_whole = False

    def keep_copy(self) -> None:
        if self.is_whole:
            self.steps.append("copy the database")
            self.copies.append(self.folder / f"copy-{len(self.copies)}.db")
            copy(self.door.data / "facerec.db", self.copies[-1])

    def restore_copy(self) -> None:
        if self.copies:
            self.steps.append("restore a copy of the database")
            copy(self.random.choice(self.copies), self.door.data / "facerec.db")
            self.is_whole = False

    def repair(self) -> None:
        self.steps.append("verify --repair")
        self.door.verify(repair=True)
        self.check()

    def rebuild(self) -> None:
        self.steps.append("rebuild")
        self.door.rebuild()
        self.check()

    def check(self) -> None:
        self.is_whole = True
        assert set(self.stored()) == self.model.faces(), self.steps

    def stored(self) -> dict[Face, str]:
        """Return the ids of the stored faces."""
        with self.door.store as store:
            found = store.list_faces("staff", limit=1000)
        named = {}
        for face in found:
            photo = Path(face.source).stem
            near = {abs(face.box.left - left): name for name, (left, *_) in PHOTOS[photo].items()}
            named[photo, near[min(near)]] = face.face_id
        assert len(named) == len(found), self.steps
        return named


@pytest.mark.parametrize("seed", mostly_long(range(SEQUENCES), 4))
def test_any_sequence_ends_in_the_faces_of_the_last_job_without_the_deleted(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    Sequence(CommandLineJobs(tmp_path / "cli"), tmp_path, seed).run()
