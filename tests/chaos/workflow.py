"""The small job again, run by the state machine with its functions and containers, all disturbed.

Moto's interpreter runs everything in one process. So what is killed is only said to be: an
exception that nothing catches ends it, and no later call of its threads has an effect.
"""

# ruff: noqa: ANN401 - moto has no static types
from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from moto.batch_simple.models import BatchSimpleBackend

import batch_job.task
import facerec.factory.deployed_jobs
import facerec.factory.deployed_stores
import lambdas.plan.handler
import lambdas.report.handler
from facerec.errors import StoreUnavailableError
from facerec.jobs.plan import read_plan
from facerec.storage.objects import Objects
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import fake_face, fake_photo
from tests.chaos.faults import KILLS, Disturbance, Fault, Schedule, Schedules, Undisturbed
from tests.chaos.jobs import COLLECTION, Ending, read_ending
from tests.support.workflow.emulation import emulated_aws
from tests.support.workflow.machines import Killed, ServerException
from tests.support.workflow.repairs import repair
from tests.support.workflow.stack import BUCKET, Ended, Stack

MAX_EXECUTIONS = 60

_OPENERS = (
    (batch_job.task, "Objects"),
    (facerec.factory.deployed_jobs, "Objects"),
    (facerec.factory.deployed_stores, "_open_sqlite"),
    (lambdas.plan.handler, "Objects"),
    (lambdas.report.handler, "Objects"),
)
"""What functions and containers open their stores with."""


@contextmanager
def disturbed_stack(folder: Path) -> Iterator[DisturbedStack]:
    """Deploy a stack whose functions and containers can be disturbed."""
    with pytest.MonkeyPatch.context() as monkeypatch, emulated_aws(monkeypatch):
        repair(monkeypatch)
        yield DisturbedStack(folder, monkeypatch)


class DisturbedStack(Stack):
    """A stack with a manifest of 20 lines in two children, as ``tests.chaos.jobs.Job`` has it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch, RESUBMISSIONS="1")
        self._notes = folder / "faults.txt"
        self._schedules: Schedules = Undisturbed()
        self._platform = Disturbance(None, self._notes)
        self._process = threading.local()
        self._processes = 0
        for module, name in _OPENERS:
            monkeypatch.setattr(module, name, self._disturbed(getattr(module, name)))
        self._disturb_submissions(monkeypatch)
        photos = [
            self.put(
                f"photos/{number:04d}.jpg",
                fake_photo(
                    fake_face(f"p{number}-0", left=0.0, width=0.3),
                    fake_face(f"p{number}-1", left=0.1, width=0.29),
                ),
            )
            for number in range(15)
        ]
        odd, missing = self.put("photos/odd.jpg", b"not a photo"), f"s3://{BUCKET}/missing.jpg"
        listed = [*photos[:6], photos[2], odd, *photos[6:], missing, photos[0]]
        lines = "".join(json.dumps({"image": photo}) + "\n" for photo in listed)
        self._manifest = self.put("list.jsonl", lines.encode())
        self._lines = len(listed)

    def run(self, processes: Schedules, platform: Schedule | None = None) -> Ending:
        """Start executions until one succeeds, and check what they left.

        Args:
            processes: The faults of each container and each invocation of a function.
            platform: The faults of AWS Batch and Lambda.

        Raises:
            AssertionError: An invariant does not hold.
        """
        self.forget()
        self._notes.unlink(missing_ok=True)
        self._schedules, self._processes = processes, 0
        self._platform = Disturbance(platform and _WithoutKills(platform), self._notes)
        executions = 1
        while self._execute().status != "SUCCEEDED":
            executions += 1
            if executions > MAX_EXECUTIONS:
                raise AssertionError(f"no execution of {MAX_EXECUTIONS} succeeded")
        (folder,) = (key for key in self.keys("jobs/") if key.endswith("/plan.json"))
        objects = Objects()
        plan = read_plan(objects, f"s3://{BUCKET}/{folder.removesuffix('plan.json')}")
        files = {f"s3://{BUCKET}/{key}" for key in self.keys("jobs/") if "/embeddings/" in key}
        with SqliteStore(self.store) as store:
            found = read_ending(plan, objects, store, files, self._lines)
        told = self._notes.read_text().splitlines() if self._notes.exists() else []
        faults = Counter(line.split()[0] for line in told)
        return replace(found, calls=self._processes, faults=faults, attempts=executions)

    def _execute(self) -> Ended:
        return self.index(
            self._manifest,
            collection_id=COLLECTION,
            images_per_child=10,
            tolerated_failure_percentage=50,
        )

    def _disturbed(self, opener: Any) -> Any:
        def open_disturbed(*arguments: Any, **named: Any) -> Any:
            disturbance: Disturbance | None = getattr(self._process, "disturbance", None)
            opened = opener(*arguments, **named)
            return opened if disturbance is None else disturbance.wrap(opened)

        return open_disturbed

    def _disturb_submissions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stack, submit = self, BatchSimpleBackend.submit_job

        def submit_job(backend: Any, *arguments: Any, **named: Any) -> Any:
            def do() -> Any:
                return submit(backend, *arguments, **named)

            try:
                return stack._platform.call("submit_job", do, ())
            except StoreUnavailableError as error:
                raise ServerException(error.message) from None

        monkeypatch.setattr(BatchSimpleBackend, "submit_job", submit_job)

    @contextmanager
    def _new_process(self) -> Iterator[None]:
        number, self._processes = self._processes, self._processes + 1
        self._process.disturbance = Disturbance(self._schedules(number), self._notes, kill=_die)
        try:
            yield
        finally:
            self._process.disturbance = None

    def _container(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        with self._new_process():
            return super()._container(arguments, environment)

    def _invoke(
        self, backend: Any, name: str, qualifier: Any, body: Any, headers: Any, answer: Any
    ) -> bytes:
        def invoke() -> bytes:
            with self._new_process():
                return super(DisturbedStack, self)._invoke(
                    backend, name, qualifier, body, headers, answer
                )

        try:
            return self._platform.call("invoke", invoke, ())  # type: ignore[no-any-return]
        except Killed:
            # As for a function that takes too long or too much memory.
            error = "Sandbox.Timedout"
        except StoreUnavailableError:
            error = "Lambda.ServiceException"
        answer["x-amz-function-error"] = "Unhandled"
        return json.dumps({"errorType": error, "errorMessage": "a fault"}).encode()


class _WithoutKills:
    """A schedule of what cannot be killed: its answer is lost instead."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def fault(self, call: int) -> Fault | None:
        """See ``Schedule``."""
        fault = self._schedule.fault(call)
        return Fault.LOSE_ANSWER if fault in KILLS else fault


def _die() -> NoReturn:
    raise Killed
