"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from facerec.core.options import FaceOptions, QualityFilter

Command = TypeVar("Command", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="FACEREC_DATA",
    show_envvar=True,
    help="Where faces and jobs are kept; by default the user's data folder.",
)
collection_option = click.option(
    "--collection", required=True, metavar="NAME", help="The collection of faces."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON for scripts."
)
probability = click.FloatRange(0, 1)


def face_options(*, max_faces: int, quality_filter: QualityFilter) -> Callable[[Command], Command]:
    """Add the options by which faces are found and chosen, with these defaults."""
    defaults = FaceOptions()
    options = (
        click.option(
            "--max-faces",
            type=click.IntRange(1, 100),
            default=max_faces,
            show_default=True,
            help="Keep at most so many faces of a photo, the best.",
        ),
        click.option(
            "--min-confidence",
            type=probability,
            default=defaults.min_confidence,
            show_default=True,
            help="Leave out what is less surely a face.",
        ),
        click.option(
            "--quality-filter",
            type=click.Choice([choice.value for choice in QualityFilter], case_sensitive=False),
            default=quality_filter.value,
            show_default=True,
            help="Leave out faces that would be recognised badly.",
        ),
        click.option(
            "--smallest-face",
            type=click.IntRange(min=20),
            default=None,
            metavar="PX",
            help="Look for faces from this size on, in pixels of the photo; small is slow. "
            "By default it follows from the photo's size.",
        ),
        click.option(
            "--detector",
            default=defaults.detector,
            show_default=True,
            help="How to find faces: cnn, cnn-exact or hog.",
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def to_face_options(
    *,
    max_faces: int,
    min_confidence: float,
    quality_filter: str,
    smallest_face: int | None,
    detector: str,
) -> FaceOptions:
    """Return the values that ``face_options`` parsed as one value."""
    return FaceOptions(
        max_faces=max_faces,
        min_confidence=min_confidence,
        quality_filter=QualityFilter(quality_filter.upper()),
        smallest_face=smallest_face,
        detector=detector,
    )
