"""Describes errors for the log of a container, without photos, vectors and names."""

from __future__ import annotations

import traceback
from typing import Any

from facerec.errors import FacerecError, StoreUnavailableError


def describe(error: BaseException) -> dict[str, Any]:
    """Return a description of an error that may be logged.

    A message that may contain the address of a photo, and so a person's name, is not logged. The
    description then consists of the classes of the errors, with the error codes of AWS, and their
    places in the code.
    """
    kinds, places = [], []
    current: BaseException | None = error
    while current is not None:
        answer = getattr(current, "response", None)
        code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
        kinds.append(f"{type(current).__name__} {code}" if code else type(current).__name__)
        frames = traceback.extract_tb(current.__traceback__)
        places += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-3:]]
        current = current.__cause__
    described: dict[str, Any] = {"kinds": kinds, "places": places}
    if isinstance(error, FacerecError) and not isinstance(error, StoreUnavailableError):
        described["why"] = error.message
    return described
