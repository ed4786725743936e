"""Jobs of one collection that remember photos, without any photo."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import replace
from pathlib import Path

from facerec.jobs.plan import Plan
from facerec.jobs.planned_collection import collection_of
from facerec.jobs.remembered.child_files import write_photos
from facerec.jobs.remembered.memory import Memory
from facerec.jobs.remembered.photos import RememberedPhoto
from facerec.jobs.start_order import RunStart, read_start, write_start
from facerec.storage.objects.local import LocalObjects
from facerec.storage.objects.protocol import ObjectStore
from tests.support.jobs import LocalJob, write_manifest
from tests.support.jobs import write_photos as photos_in

CHILDREN = 2


class Jobs:
    """Jobs of one collection, and what should be known of their photos."""

    def __init__(self, folder: Path, objects: ObjectStore | None = None, root: str = "") -> None:
        manifest = write_manifest(folder / "any.jsonl", photos_in(folder / "photos", 1))
        job = LocalJob(folder, manifest)
        LocalObjects().delete_folder(f"{folder}/jobs/")
        self.first, self.root = job.plan, root or f"{folder}/jobs/"
        self.objects: ObjectStore = objects or LocalObjects()
        self.plans: dict[str, Plan] = {}
        self.numbers: dict[str, int] = {}
        self.lines: dict[str, dict[str, str]] = {}

    def copy(self, root: str) -> Jobs:
        """Return the same jobs in another root of the same store."""
        for found in self.objects.list(self.root):
            self.objects.write(
                root + found.uri.removeprefix(self.root), self.objects.read(found.uri)
            )
        other = copy(self)
        other.root = root
        other.plans = {
            name: replace(plan, job_folder=f"{root}{name}/") for name, plan in self.plans.items()
        }
        return other

    def memory(self, objects: ObjectStore | None = None) -> Memory:
        return Memory(objects or self.objects, self.root, collection_of(self.first))

    def new(self) -> Plan:
        name = f"job-{len(self.plans)}"
        folder = f"{self.root}{name}/"
        plan = replace(self.first, job_id=name, job_folder=folder, children=CHILDREN, stripes=1)
        self.objects.write(f"{folder}plan.json", json.dumps(plan.to_json()).encode())
        self.plans[name], self.lines[name] = plan, {}
        return plan

    def start(self, plan: Plan, memory: Memory) -> int:
        number = memory.record_start(plan)
        self.numbers[plan.job_id] = number
        return number

    def commit(self, plan: Plan, child: int, photos: list[str]) -> None:
        lines = {
            uri: RememberedPhoto(uri, "", plan.job_id, "s", "INDEXED", "k", 1).to_line()
            for uri in photos
        }
        write_photos(self.objects, plan.job_folder, child, lines.values())
        self.lines[plan.job_id].update(lines)

    def kill(self, plan: Plan) -> None:
        """Let the last start of a job be long ago."""
        number = read_start(self.objects, plan).number
        write_start(self.objects, plan.job_folder, RunStart(number, 0.0))

    def expected(self) -> dict[str, str]:
        known: dict[str, str] = {}
        for job_id in sorted(self.numbers, key=self.numbers.__getitem__):
            known.update(self.lines[job_id])
        return known

    def known(self) -> dict[str, str]:
        return {uri: line for uri, _, _, line in self.memory().newest()}

    def names(self) -> list[str]:
        return [Path(note.uri).name for note in self.memory().notes]
