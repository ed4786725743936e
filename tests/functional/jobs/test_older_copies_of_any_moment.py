"""A copy of the database from any moment ends, after the same command, as if never restored.

Photos get other external image ids, are replaced, moved, copied, removed and pruned, exchange their
names, and are indexed with other options, and faces and ids are erased. A copy of the database is
made after each step. At the end, each copy is restored in turn. ``SEQUENCES=500 pytest`` runs more
sequences.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facerec.factory import open_gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.support.job_doors import CommandLineJobs, run_jobs_in_this_process, use_fake_engine
from tests.support.long import mostly_long
from tests.support.settled import let_files_settle
from tests.workflow.test_lost_stores import copy

if TYPE_CHECKING:
    from facerec.core.records import FaceRecord

SEQUENCES = int(os.environ.get("SEQUENCES", "3"))
STEPS = 6

IDS = ("ann", "bob", "cid", "dan")
"""External image ids that a photo may have."""


class Installation:
    """Photos with external image ids, the command that indexes them, and what it stores."""

    def __init__(self, folder: Path) -> None:
        self.door, self.folder = CommandLineJobs(folder), folder
        self.photos: dict[str, str] = {}
        self.content: dict[str, bytes] = {}
        self.settings: tuple[str, ...] = ()
        self.versions = 0

    def write(self, name: str, external_image_id: str) -> None:
        """Write a photo of three people, another one each time."""
        self.versions += 1
        faces = (
            fake_face(f"{name} {place}", shot=self.versions, away=0.05, left=place / 3, width=width)
            for place, width in enumerate((0.3, 0.2, 0.1))
        )
        self.photos[name] = external_image_id
        self.content[name] = fake_photo(*faces, note=f"{name} {self.versions}")

    def index(self) -> str:
        raise NotImplementedError

    def correct(self, name: str, external_image_id: str) -> None:
        self.photos[name] = external_image_id

    def replace(self, name: str) -> None:
        self.write(name, self.photos[name])

    def remove(self, name: str) -> None:
        del self.photos[name]

    def empty(self, name: str) -> None:
        """Replace a photo by one without a face."""
        self.versions += 1
        self.content[name] = fake_photo(note=f"{name} {self.versions}")

    def swap(self, name: str, other: str) -> None:
        """Let two photos exchange their names; if their ids are the same, the faces move."""
        self.content[name], self.content[other] = self.content[other], self.content[name]

    def move(self, name: str) -> None:
        """Give a photo another name, under the same id."""
        self.copy(name)
        self.remove(name)

    def copy(self, name: str) -> None:
        """Write the same photo under another name and the same id."""
        self.versions += 1
        new = f"{name.partition(' ')[0]} {self.versions}"
        self.photos[new], self.content[new] = self.photos[name], self.content[name]

    def change_options(self) -> None:
        self.settings = () if self.settings else ("--max-faces", "2")

    def stored(self) -> list[FaceRecord]:
        with self.door.store as store:
            return store.list_faces("staff", limit=1000)

    def delete_face(self, face_id: str) -> None:
        self.door._run("faces", "delete", "--collection", "staff", face_id, "--disassociate")

    def erase(self, external_image_id: str) -> None:
        words = ("--external-id", external_image_id, "--yes")
        self.door._run("erase", "--collection", "staff", *words)

    def repair(self) -> str:
        return self.door._run("verify", "staff", "--repair", codes=(0, 1))

    def name_people(self) -> None:
        """Create people with faces of two photos, and say whom other faces do not show."""
        with open_gallery(self.door.data) as gallery:
            for user_id, photo in (("p-1", "one"), ("p-2", "two")):
                own = [face for face in self.stored() if f"{photo}.jpg" in face.source]
                first, second, *_ = sorted(own, key=lambda face: face.box.left)
                gallery.create_user("staff", user_id)
                gallery.associate_faces("staff", user_id, [first.face_id], min_similarity=0)
                gallery.not_same("staff", second.face_id, user_id)

    def state(self) -> dict[str, object]:
        """Return the faces, the people and the corrections."""
        ids = [face.face_id for face in self.stored()]
        with self.door.store as store:
            return {
                "faces": {
                    face.record.face_id: (
                        face.record.external_image_id,
                        face.record.source,
                        face.record.options_digest,
                        face.embedding.tobytes(),
                    )
                    for face in store.get_faces("staff", ids)
                },
                "people": {
                    user.user_id: sorted(user.face_ids)
                    for user in store.list_users("staff", limit=100)
                },
                "corrections": sorted(store.list_corrections("staff", limit=100)),
            }

    def _index(self, source: Path, *words: str) -> str:
        let_files_settle()
        words = ("index", str(source), "--collection", "staff", *words, *self.settings)
        return self.door._run(*words, "--workers", "1", codes=(0, 7))


class Listed(Installation):
    """A manifest that names the external image ids."""

    def index(self) -> str:
        for name in self.photos:
            self.door.write(f"{name}.jpg", self.content[name])
        lines = (
            json.dumps({"image": self.door.address(f"{name}.jpg"), "external_image_id": own})
            for name, own in self.photos.items()
        )
        self.door.write("photos.jsonl", "".join(f"{line}\n" for line in lines).encode())
        return self._index(self.door.photos / "photos.jsonl")


class Foldered(Installation):
    """A folder for each external image id, from which photos that are gone are pruned."""

    def index(self) -> str:
        wanted = {f"{own}/{name}.jpg": name for name, own in self.photos.items()}
        for path in self.door.photos.rglob("*.jpg"):
            if str(path.relative_to(self.door.photos)) not in wanted:
                # A corrected id is a moved file.
                moved = [own for own, name in wanted.items() if f"{name}.jpg" == path.name]
                target = self.door.photos / moved[0] if moved else None
                if target is not None and not target.exists():
                    target.parent.mkdir(exist_ok=True)
                    shutil.move(path, target)
                else:
                    path.unlink()
        for address, name in wanted.items():
            (self.door.photos / address).parent.mkdir(exist_ok=True)
            self.door.write(address, self.content[name])
        words = ("--external-ids", "folder", "--prune", "--prune-limit", "100")
        return self._index(self.door.photos, *words)


@pytest.fixture(params=[Listed, Foldered], ids=["manifest", "folder"])
def here(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here: Installation = request.param(tmp_path)
    for name, own in (("one", "ann"), ("two", "bob"), ("three", "cid"), ("four", "cid")):
        here.write(name, own)
    here.index()
    here.name_people()
    return here


class Copies:
    """Copies of the database from all moments of a sequence."""

    def __init__(self, here: Installation) -> None:
        self.here, self.steps, self.copies = here, list[str](), list[Path]()
        self.keep()

    def keep(self) -> None:
        self.copies.append(self.here.folder / f"copy-{len(self.copies)}.db")
        copy(self.here.door.data / "facerec.db", self.copies[-1])

    def require_same_end(self) -> None:
        """Restore each copy; the same command, or a repair, ends as if it had not been restored."""
        self.here.index()
        expected = self.here.state()
        for number, older in enumerate(self.copies):
            for end in (self.here.index, self.here.repair):
                copy(older, self.here.door.data / "facerec.db")
                end()
                assert self.here.state() == expected, (number, end.__name__, self.steps)


STEPS_OF_EACH_KIND = {
    "a corrected id": ["correct one dan"],
    "an id that was corrected twice": ["correct one dan", "correct one bob"],
    "an id that was changed back": ["correct one dan", "correct one ann"],
    "an id that was changed back and away": [
        "correct one bob",
        "correct one ann",
        "correct one cid",
    ],
    "a replaced photo": ["replace one"],
    "a photo with another id that was replaced": ["correct one dan", "replace one"],
    "a replaced photo with another id": ["replace one", "correct one dan"],
    "a photo that is gone": ["remove one"],
    "a photo with another id that is gone": ["correct one dan", "remove one"],
    "other options": ["change_options", "correct one dan"],
    "other options and back": ["change_options", "correct one dan", "change_options"],
    "exchanged names": ["swap three four"],
    "names exchanged twice": ["swap three four", "swap three four"],
    "names exchanged with a photo of another id": ["swap one two", "swap three one"],
    "names exchanged with a photo without a face": ["empty four", "swap three four"],
    "exchanged names and other options": ["swap three four", "change_options"],
    "an erased id after an exchange": ["swap three four", "correct three dan", "erase dan"],
    "a moved photo": ["move three"],
    "a moved photo whose name another one gets": ["move three", "copy four"],
    "a copied photo": ["copy three"],
    "a copied photo that was replaced": ["copy three", "replace three"],
    "a copied photo whose names were exchanged": ["copy three", "swap three four"],
    "a copied photo that is gone": ["copy three", "remove three"],
    "an erased id that was wrong": ["correct three dan", "erase cid", "erase dan"],
    "an erased id of a person": ["correct one dan", "erase dan"],
}


@pytest.mark.parametrize(
    "steps", mostly_long(STEPS_OF_EACH_KIND.values(), 4), ids=STEPS_OF_EACH_KIND
)
def test_a_copy_from_before_any_change_is_brought_up_to_date(
    here: Installation, steps: list[str]
) -> None:
    copies = Copies(here)
    for step in steps:
        name, *words = step.split()
        getattr(here, name)(*words)
        here.index()
        copies.keep()
    copies.steps = steps
    copies.require_same_end()


@pytest.mark.parametrize("seed", mostly_long(range(SEQUENCES), 1))
def test_a_copy_from_any_moment_of_any_sequence_is_brought_up_to_date(
    here: Installation, seed: int
) -> None:
    chance, copies = random.Random(seed), Copies(here)
    for _ in range(STEPS):
        step = chance.choice(
            [
                *("correct", "correct", "replace", "remove", "change_options", "delete_face"),
                *("erase", "swap", "swap", "move", "copy", "empty"),
            ]
        )
        words: list[str] = []
        if step in ("correct", "replace", "remove", "swap", "move", "copy", "empty"):
            if len(here.photos) < 2:
                continue
            words += chance.sample(sorted(here.photos), 2 if step == "swap" else 1)
        if step in ("correct", "erase"):
            words.append(chance.choice(IDS))
        if step == "delete_face":
            words += (
                [chance.choice([face.face_id for face in here.stored()])] if here.stored() else []
            )
            if not words:
                continue
        copies.steps.append(" ".join([step, *words]))
        getattr(here, step)(*words)
        if chance.random() < 0.7:
            copies.steps.append("index")
            here.index()
        copies.keep()
    copies.require_same_end()


def test_the_run_says_how_many_faces_of_an_older_copy_had_another_address(
    here: Installation,
) -> None:
    copies = Copies(here)
    here.swap("three", "four")
    here.index()
    copy(copies.copies[0], here.door.data / "facerec.db")
    assert here.door.verify(repair=False)["moved"] == 6
    assert "6 faces with the right address again" in here.index()
    assert here.door.verify(repair=False)["moved"] == 0


def test_the_run_says_how_many_faces_an_older_copy_brought_back(here: Installation) -> None:
    copies = Copies(here)
    here.correct("one", "dan")
    here.index()
    copy(copies.copies[0], here.door.data / "facerec.db")
    found = here.door.verify(repair=False)
    assert (found["missing"], found["outdated"]) == (3, 3)
    assert "3 faces removed: an older database contained them" in here.index()
    found = here.door.verify(repair=False)
    assert (found["missing"], found["outdated"]) == (0, 0)
