"""Defers the import of modules until their first use.

A command that lists collections needs neither numpy nor the code that clusters faces, and starts in
half the time without them. Code uses a deferred module like an imported one::

    if TYPE_CHECKING:
        from facerec.jobs.erasing import tracing
    else:
        tracing = DeferredModule("facerec.jobs.erasing.tracing")
"""

from __future__ import annotations

from importlib import import_module


class DeferredModule:
    """A proxy for a module, which is imported when one of its attributes is first read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        """Return an attribute of the module, and cache it so that the next access makes no call."""
        value = getattr(import_module(self._name), attribute)
        self.__dict__[attribute] = value
        return value
