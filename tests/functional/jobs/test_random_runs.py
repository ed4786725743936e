"""After any sequence of changes and runs, a run with ``--prune`` leaves exactly the right faces.

The folder is indexed as a folder and by manifests, partly under other external image ids, and jobs
are interrupted within a child.
``SEQUENCES=250 pytest`` runs more sequences of each kind.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from facerec.core.derived_names import derived_external_image_id
from facerec.core.ids import image_id
from facerec.jobs.child.attempt import StepSize, run_child
from facerec.jobs.plan import Plan
from tests.support.indexed_folder import Collection, CountingObjects, EtagObjects
from tests.support.long import mostly_long

NAMES = ("a.jpg", "b.jpg", "sub/a.jpg", "sub/c.jpg", "sub-1/x.jpg", "sub.jpg", "s\tb.jpg")
STEPS = 12
SEQUENCES = int(os.environ.get("SEQUENCES", "2"))


class RandomRuns:
    """Changes a folder at random, and runs jobs of it that may be interrupted."""

    def __init__(self, seed: int, folder: Path, objects: CountingObjects) -> None:
        self._random = random.Random(seed)
        self.staff, self._photos = Collection(folder, objects), 0
        self.faces: dict[str, int] = {}
        self._steps: list[Callable[[], object]] = [
            *[lambda: self._write(self._random.choice(NAMES))] * 3,
            *[self._copy, self._move, self._remove, self._swap] * 2,
            *[lambda: self._run()] * 2,
            *[lambda: self._run(prune=True, prune_limit_percentage=100)] * 2,
            lambda: self._run(options={"max_faces": 1}),
            lambda: self._run(force=True),
            *[lambda: self._interrupt()] * 2,
            *[self._run_manifest] * 2,
            self._interrupt_manifest,
            lambda: self._run(external_ids="none"),
            self._kill,
            self._touch,
            lambda: self._interrupt(prune=True, prune_limit_percentage=100),
        ]

    def run(self, steps: int) -> None:
        for name in NAMES:
            self._write(name)
        for _ in range(steps):
            self._random.choice(self._steps)()
        if not self.faces:
            self._write("a.jpg")
        # The folder alone would leave the photos under the ids that a manifest has chosen.
        derived = [(name, [derived_external_image_id(name)]) for name in sorted(self.faces)]
        self.staff.run(self._write_manifest("derived", derived))
        self._run(prune=True, prune_limit_percentage=100)

    def expected(self) -> Counter[tuple[str | None, str]]:
        """Return the number of faces by external image id and photo."""
        found: Counter[tuple[str | None, str]] = Counter()
        for name, faces in self.faces.items():
            content = (self.staff.photos / name).read_bytes()
            found[derived_external_image_id(name), image_id(content)] += faces
        return +found

    def stored(self) -> Counter[tuple[str | None, str]]:
        faces = self.staff.store.list_faces("staff")
        return Counter((face.external_image_id, face.image_id) for face in faces)

    def _any(self) -> str | None:
        return self._random.choice(sorted(self.faces)) if self.faces else None

    def _write(self, name: str) -> None:
        self._photos += 1
        # A photo may get its earlier content back.
        content = self._random.randrange(self._photos)
        self.faces[name] = content % 3
        self.staff.photo(name, *(f"{name} {content} {each}" for each in range(content % 3)))

    def _copy(self) -> None:
        source, name = self._any(), self._random.choice(NAMES)
        if source is not None and source != name:
            (self.staff.photos / name).parent.mkdir(exist_ok=True)
            shutil.copy(self.staff.photos / source, self.staff.photos / name)
            self.faces[name] = self.faces[source]

    def _move(self) -> None:
        source, name = self._any(), self._random.choice(NAMES)
        if source is not None and source != name:
            (self.staff.photos / name).parent.mkdir(exist_ok=True)
            (self.staff.photos / source).replace(self.staff.photos / name)
            self.faces[name] = self.faces.pop(source)

    def _swap(self) -> None:
        """Let two photos exchange their names."""
        if len(self.faces) > 1:
            one, other = self._random.sample(sorted(self.faces), 2)
            between = self.staff.folder / "between.jpg"
            (self.staff.photos / one).replace(between)
            (self.staff.photos / other).replace(self.staff.photos / one)
            between.replace(self.staff.photos / other)
            self.faces[one], self.faces[other] = self.faces[other], self.faces[one]

    def _remove(self) -> None:
        name = self._any()
        if name is not None:
            (self.staff.photos / name).unlink()
            del self.faces[name]

    def _run(self, **settings: object) -> None:
        if self.faces:
            self.staff.run(**settings)

    def _touch(self) -> None:
        name = self._any()
        if name is not None:
            os.utime(self.staff.photos / name)

    def _manifest(self) -> Path:
        """Write a manifest of some of the photos, some of them under other names than a folder's.

        Some are listed under two names.
        """
        names = self._random.sample(sorted(self.faces), self._random.randint(1, len(self.faces)))
        listed = [(name, self._names_of(name)) for name in names]
        return self._write_manifest(f"list-{len(names)}", listed)

    def _write_manifest(self, manifest_name: str, listed: list[tuple[str, list[str]]]) -> Path:
        manifest = self.staff.folder / f"{manifest_name}.jsonl"
        lines = (
            {"image": f"{self.staff.photos}/{name}", "external_image_id": own}
            for name, names in listed
            for own in names
        )
        manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return manifest

    def _names_of(self, name: str) -> list[str]:
        derived = derived_external_image_id(name)
        choices = [[derived]] * 3 + [["wrong"], [f"other:{derived}"], [derived, "second"]]
        return self._random.choice(choices)

    def _run_manifest(self) -> None:
        if self.faces:
            self.staff.run(self._manifest())

    def _interrupt_manifest(self) -> None:
        if self.faces:
            plan = self.staff.plan(self._manifest())
            if plan.children and self._random.random() < 0.5:
                run_child(plan, 0, self.staff.dependencies())

    def _kill(self) -> None:
        """End a child after its first photo, before its other photos are committed."""
        if not self.faces:
            return
        plan = self.staff.plan(images_per_child=8)
        if plan.children:
            committed: list[object] = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("facerec.jobs.child.attempt.LOCAL_STEP", StepSize(1, 1, 1))
                run_child(
                    plan,
                    0,
                    self.staff.dependencies(),
                    stop=lambda: bool(committed),
                    on_commit=committed.append,
                )

    def _interrupt(self, **settings: object) -> Plan | None:
        """Run some children of a job, or none."""
        if not self.faces:
            return None
        plan = self.staff.plan(images_per_child=self._random.choice([1, 2, 8]), **settings)
        for child in range(self._random.randint(0, plan.children)):
            run_child(plan, child, self.staff.dependencies())
        return plan


@pytest.mark.parametrize("objects", [CountingObjects, EtagObjects])
@pytest.mark.parametrize("seed", mostly_long(range(SEQUENCES), 1))
def test_one_run_leaves_exactly_the_faces_of_the_photos(
    seed: int, objects: type[CountingObjects], tmp_path: Path
) -> None:
    runs = RandomRuns(seed, tmp_path, objects())
    runs.run(STEPS)
    assert runs.stored() == runs.expected()
