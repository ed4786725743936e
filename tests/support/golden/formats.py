"""The versions of the formats in golden folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.gallery.transfer.exported_collection import FORMAT
from facerec.jobs.plan import PLAN_VERSION
from facerec.storage.sqlite.schema import SCHEMA_VERSION
from tests.support.golden.packing import FORMATS, GOLDEN, read_packed

if TYPE_CHECKING:
    from pathlib import Path


def formats_now() -> dict[str, int]:
    """Return the versions that this source writes."""
    return {"database": SCHEMA_VERSION, "plan": PLAN_VERSION, "export": FORMAT}


def formats_of(golden: Path) -> dict[str, int]:
    """Return the versions in a golden folder."""
    formats: dict[str, int] = read_packed(golden, FORMATS)
    return formats


def folder_of(formats: dict[str, int], suffix: str = "") -> Path:
    """Return the path of the golden folder with these versions.

    Args:
        formats: The versions.
        suffix: Distinguishes it from an earlier one with the same versions.
    """
    parts = [f"{name}-{number}" for name, number in formats.items()]
    return GOLDEN / f"{'-'.join([*parts, suffix] if suffix else parts)}.tar.xz"
