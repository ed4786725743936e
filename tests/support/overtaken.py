"""What another process does between two steps of an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Overtaken:
    """A store, before or after a call of which another process does something: once, or always."""

    def __init__(
        self,
        store: object,
        method: str,
        *,
        before: Callable[[], object] | None = None,
        after: Callable[[], object] | None = None,
        once: bool = True,
    ) -> None:
        self._store, self._method, self._once = store, method, once
        self._before, self._after = before, after

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the store's
        attribute = getattr(self._store, name)
        if name != self._method:
            return attribute

        def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - the store's
            before, after = self._before, self._after
            if self._once:
                self._before = self._after = None
            if before is not None:
                before()
            result = attribute(*args, **options)
            if after is not None:
                after()
            return result

        return call
