"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from facerec.core.options import (
    DETECTOR_NAMES,
    MAX_FACES,
    MIN_SMALLEST_FACE,
    FaceOptions,
    QualityFilter,
)
from facerec.gallery.defaults import GalleryDefaults

Command = TypeVar("Command", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="FACEREC_DATA",
    show_envvar=True,
    help="Folder of the faces and jobs (default: the user's data folder).",
)
collection_option = click.option(
    "--collection", required=True, metavar="NAME", help="Name of the collection."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
detector_option = click.option(
    "--detector",
    type=click.Choice(DETECTOR_NAMES),
    default=FaceOptions().detector,
    show_default=True,
    help="How to find faces: with the fast cascade, with dlib's network alone, or with dlib's HOG "
    "detector.",
)
probability = click.FloatRange(0, 1)


def index_face_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose faces of photos that are indexed; passed as ``options``."""
    return _face_options(GalleryDefaults().index_options, command)


def probe_face_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose faces of photos that are not stored; passed as ``options``."""
    return _face_options(GalleryDefaults().probe_options, command)


def _face_options(
    choose: Callable[..., FaceOptions], command: Callable[..., None]
) -> Callable[..., None]:
    defaults = choose()
    unfiltered = choose(quality_filter=QualityFilter.NONE).min_confidence
    filtered = choose(quality_filter=QualityFilter.AUTO).min_confidence
    added = (
        click.option(
            "--max-faces",
            type=click.IntRange(1, MAX_FACES),
            default=defaults.max_faces,
            show_default=True,
            metavar="N",
            help="Keep at most N faces per photo, best first.",
        ),
        click.option(
            "--min-confidence",
            type=probability,
            default=None,
            help="Reject faces below this confidence "
            f"(default: {filtered:g}, or {unfiltered:g} without a quality filter).",
        ),
        click.option(
            "--quality-filter",
            type=click.Choice([choice.value for choice in QualityFilter], case_sensitive=False),
            default=defaults.quality_filter.value,
            show_default=True,
            help="Reject faces of a lower quality.",
        ),
        click.option(
            "--smallest-face",
            type=click.IntRange(min=MIN_SMALLEST_FACE),
            default=None,
            metavar="PX",
            help="Find faces of at least this size, in pixels of the photo; smaller is slower "
            "(default: 2 % of its longer side, at least 40).",
        ),
        click.option(
            "--rotate/--no-rotate",
            default=FaceOptions().rotate,
            show_default=True,
            help="Search a photo in all four orientations if its file does not state one and no "
            "upright face is found.",
        ),
        detector_option,
    )

    @wraps(command)
    def with_face_options(
        *args: Any,  # noqa: ANN401 - the command's own arguments
        max_faces: int,
        min_confidence: float | None,
        quality_filter: str,
        smallest_face: int | None,
        rotate: bool,
        detector: str,
        **others: Any,  # noqa: ANN401 - the command's own arguments
    ) -> None:
        options = replace(
            choose(
                max_faces=max_faces,
                min_confidence=min_confidence,
                quality_filter=QualityFilter(quality_filter.upper()),
            ),
            smallest_face=smallest_face,
            rotate=rotate,
            detector=detector,
        )
        command(*args, options=options, **others)

    for option in reversed(added):
        with_face_options = option(with_face_options)
    return with_face_options
