"""Modules that only some operations need: imported at first use, so that a gallery opens fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.core import erasures
else:
    from facerec.core.deferred import DeferredModule

    erasures = DeferredModule("facerec.core.erasures")

__all__ = ["erasures"]
