"""numpy as ``np``, imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
else:
    from facerec.core.deferred import DeferredModule

    np = DeferredModule("numpy")

__all__ = ["np"]
