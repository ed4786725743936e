"""Provides ``override``, which ``typing`` has since Python 3.12.

Importing ``typing_extensions`` takes longer than reading a collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing_extensions import override
else:
    Method = TypeVar("Method")

    def override(method: Method) -> Method:
        """Mark a method as an override, which type checkers verify."""
        return method


__all__ = ["override"]
