"""Face options in the execution input and in plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from facerec.gallery.defaults import GalleryDefaults

if TYPE_CHECKING:
    from facerec.core.options import FaceOptions


def options_from_json(
    document: Mapping[str, Any],
    defaults: GalleryDefaults = GalleryDefaults(),  # noqa: B008 - frozen
) -> FaceOptions:
    """Parse face options; missing ones get the defaults for indexed photos.

    Raises:
        InvalidInputError: An option has an invalid value.
    """
    chosen = dict(document)
    max_pixels = chosen.pop("max_pixels", defaults.options.max_pixels)
    return replace(defaults.index_options(**chosen), max_pixels=max_pixels)


def options_to_json(options: FaceOptions) -> dict[str, Any]:
    """Return all face options by name, as JSON values."""
    return asdict(options)
