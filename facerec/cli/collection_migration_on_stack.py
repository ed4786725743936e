"""The migration of a collection of a stack on AWS."""

from __future__ import annotations

import time
from typing import Any

from facerec.cli import services
from facerec.cli.output import console
from facerec.core.counts import count
from facerec.errors import MigrationError
from facerec.jobs.aws.executions import Executions
from facerec.jobs.aws.stack import find_stack
from facerec.jobs.status import JobStatus

_SECONDS = 10.0
"""Seconds between two requests for the status of an execution."""


class StackMigration:
    """The migration of a collection of a stack.

    Every method returns its result in the form of ``schemas/migration.json``, and raises the errors
    of ``ErasureFunction.call``.
    """

    def __init__(self, stack: str, collection_id: str) -> None:
        self._stack, self._collection_id = stack, collection_id
        self._function = services.erasure_function(stack)

    def status(self) -> dict[str, Any]:
        """Return the progress of the migration."""
        return self._function.call({"migration_status": self._collection_id})

    def finish(self) -> dict[str, Any]:
        """Remove the version that was served before the switch."""
        return self._function.call({"finish_migration": self._collection_id})

    def check(self, recipe: str) -> dict[str, Any]:
        """Return the status and the faces that a recipe cannot describe again; change nothing."""
        missing: list[dict[str, Any]] = []
        token = None
        while True:
            event = {"check_migration": self._collection_id, "recipe": recipe, "next_token": token}
            page = self._function.call_for_packed(event)
            missing += page["missing"]
            token = page["next_token"]
            if token is None:
                return {**self.status(), "missing": missing}

    def run(
        self, recipe: str | None, *, drop_missing: bool, drop_limit_percentage: float
    ) -> dict[str, Any]:
        """Run the workflow that migrates a collection, or cancels its migration, and wait for it.

        Args:
            recipe: The recipe that the collection will have; None to cancel.
            drop_missing: Whether to delete faces that cannot be described.
            drop_limit_percentage: 0 to 100, the share of faces that may be deleted.

        Raises:
            MigrationError: The workflow refused or did not complete the migration.
            FacerecError: See ``find_stack`` and ``Executions``.
        """
        executions = Executions(find_stack(self._stack).workflow)
        chosen = {"roll_back": True} if recipe is None else {"recipe": recipe}
        execution = executions.start(
            {
                "collection_id": self._collection_id,
                "migrate": True,
                "drop_missing": drop_missing,
                "drop_limit_percentage": drop_limit_percentage,
                **chosen,
            }
        )
        out = console(stderr=True)
        out.print(f"execution {execution.name} started; it continues if this command is stopped")
        shown = None
        while execution.status is JobStatus.RUNNING:
            time.sleep(_SECONDS)
            execution = executions.describe(execution.name)
            status = self.status()
            described = f"described: {status['ready']:,} of {count(status['faces'], 'face')}"
            if status["state"] is not None and described != shown:
                out.print(described, style="dim")
                shown = described
        if execution.status is not JobStatus.SUCCEEDED:
            raise MigrationError(execution.cause or "the migration was not completed")
        return {name: value for name, value in execution.output.items() if name not in _INTERNAL}


_INTERNAL = frozenset({"refused", "error", "cause"})
"""Fields in the output of an execution that are not part of a migration."""
