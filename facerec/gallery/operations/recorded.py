"""Records operations on people as entries of the history."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from facerec.core.recording import recording

if TYPE_CHECKING:
    from facerec.core.history import Action
    from facerec.gallery.base import GalleryBase

Own = TypeVar("Own", bound="GalleryBase")
Given = ParamSpec("Given")
Result = TypeVar("Result")


def recorded(
    action: Action,
) -> Callable[
    [Callable[Concatenate[Own, Given], Result]], Callable[Concatenate[Own, Given], Result]
]:
    """Return a decorator that records an operation's changes of people as one entry."""

    def decorate(
        operation: Callable[Concatenate[Own, Given], Result],
    ) -> Callable[Concatenate[Own, Given], Result]:
        @wraps(operation)
        def record(gallery: Own, /, *args: Given.args, **options: Given.kwargs) -> Result:
            with recording(action, gallery._clock()):
                return operation(gallery, *args, **options)

        return record

    return decorate
