"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from facerec.cli.local_path import LocalPath
from facerec.cli.machine_or_stack import STACK_VARIABLE, checked_data, checked_stack
from facerec.cli.numbers import MAX_WHOLE, FiniteRange, WholeRange
from facerec.core.limits import MAX_IMAGES_PER_CHILD
from facerec.core.options import (
    DETECTOR_NAMES,
    MAX_FACES,
    MIN_SMALLEST_FACE,
    OPTION_TEXTS,
    ChosenOptions,
    FaceOptions,
    QualityFilter,
    Recipe,
)
from facerec.gallery.defaults import GalleryDefaults

Command = TypeVar("Command", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=LocalPath(file_okay=False),
    metavar="FOLDER",
    envvar="FACEREC_DATA",
    show_envvar=True,
    callback=checked_data,
    help="Folder of the faces and jobs (default: the user's data folder).",
)
collection_option = click.option(
    "--collection", required=True, metavar="NAME", help="Name of the collection."
)
stack_option = click.option(
    "--stack",
    envvar=STACK_VARIABLE,
    show_envvar=True,
    metavar="NAME",
    callback=checked_stack,
    help="CloudFormation stack on AWS to use (default: this machine).",
)
person_from_option = click.option(
    "--person-from",
    metavar="folder|column:NAME|pattern:PATTERN",
    default=None,
    help="Create people from the names of photos: of their folders, of a column of the manifest, "
    "or of their paths by a pattern such as '{person}_*.jpg'.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Overwrite a file that exists, without asking."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
probability = FiniteRange(0, 1)

recipe_name = click.Choice([recipe.value for recipe in Recipe])
threshold_option = click.option(
    "--threshold",
    type=probability,
    default=None,
    help="Minimum similarity of a match (default: the collection's, or else "
    f"{GalleryDefaults().threshold}).",
)


def target_fmr_option(
    consequence: str, *, default: float | None = None
) -> Callable[[Command], Command]:
    """Return the option that chooses a similarity by its false match rate.

    The text ``consequence`` ends the help.
    """
    return click.option(
        "--target-fmr",
        type=FiniteRange(0, 1, min_open=True, max_open=True),
        default=default,
        show_default=default is not None,
        metavar="RATE",
        help="Share of searches for a stranger that may have a match in a collection of this size. "
        f"{consequence}",
    )


search_fmr_option = target_fmr_option("Not with --threshold.")
csv_option = click.option(
    "--csv",
    "csv_file",
    type=LocalPath(),
    metavar="FILE",
    help="Write a CSV file with a line for each face, instead of printing them.",
)


def _in_a_folder(
    _context: click.Context, _parameter: click.Parameter, path: Path | None
) -> Path | None:
    """Return the path of an output file, after checking its folder before any work is done.

    Raises:
        BadParameter: The folder does not exist.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder of {path} does not exist")
    return path


def html_option(text: str) -> Callable[[Command], Command]:
    """Return the option that writes an HTML page, which the help describes as ``text``."""
    return click.option(
        "--html",
        "html_file",
        type=LocalPath(dir_okay=False),
        callback=_in_a_folder,
        metavar="FILE",
        help=f"Write an HTML page: {text}",
    )


def limit_option(noun: str, default: int, maximum: int) -> Callable[[Command], Command]:
    """Return the option that limits how many entries are shown."""
    return click.option(
        "--limit",
        type=WholeRange(1, maximum),
        default=default,
        show_default=True,
        help=f"Show at most N {noun}.",
    )


def page_options(noun: str, default: int, maximum: int) -> Callable[[Command], Command]:
    """Return the options of a listing in pages."""

    def add(command: Command) -> Command:
        token = click.option(
            "--next-token", default=None, metavar="TOKEN", help="Continue after a previous page."
        )
        return token(limit_option(noun, default, maximum)(command))

    return add


photos_per_child_option = click.option(
    "--photos-per-child",
    "images_per_child",
    type=WholeRange(1, MAX_IMAGES_PER_CHILD),
    default=None,
    help="Photos per child (default: a few minutes' work).",
)


def photos_per_second_option(consequence: str) -> Callable[[Command], Command]:
    """Return the option for the rate of indexing; ``consequence`` ends its help."""
    return click.option(
        "--photos-per-second",
        type=FiniteRange(min=0, min_open=True),
        default=None,
        help=f"Photos per second that one vCPU indexes{consequence}.",
    )


detector_option = click.option(
    "--detector",
    type=click.Choice(DETECTOR_NAMES),
    default=FaceOptions().detector,
    show_default=True,
    help=f"{OPTION_TEXTS['detector']}.",
)


def index_face_options(command: Command) -> Command:
    """Add the options that choose faces of photos that are indexed; passed as ``chosen``."""
    return _face_options(GalleryDefaults().index_options, command)


def probe_face_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose faces of photos that are not stored; passed as ``options``."""
    choose = GalleryDefaults().probe_options

    @wraps(command)
    def with_options(*args: Any, chosen: ChosenOptions, **others: Any) -> None:  # noqa: ANN401
        command(*args, options=FaceOptions(**chosen), **others)

    return _face_options(choose, with_options)


def require_no_face_options(options: FaceOptions, **others: object) -> None:
    """Check that a command that reads no photo is given no options for photos.

    Args:
        options: The face options of the command.
        **others: Values of further options; None if they are not given.

    Raises:
        UsageError: Such an option is given.
    """
    given = {**options.chosen(), **others}
    for name, value in given.items():
        if value is not None:
            option = f"no-{name}" if value is False else name.replace("_", "-")
            raise click.UsageError(f"--{option} applies only to a photo")


def _face_options(choose: Callable[..., FaceOptions], command: Command) -> Command:
    """Add all face options; those that the user gives are passed as ``chosen``."""
    defaults = choose()
    unfiltered = choose(quality_filter=QualityFilter.NONE).min_confidence
    filtered = choose(quality_filter=QualityFilter.AUTO).min_confidence
    added = (
        click.option(
            "--max-faces",
            type=WholeRange(1, MAX_FACES),
            help=_help("max_faces", defaults.max_faces),
        ),
        click.option(
            "--min-confidence",
            type=probability,
            help=_help(
                "min_confidence", f"{filtered:g}, or {unfiltered:g} without a quality filter"
            ),
        ),
        click.option(
            "--quality-filter",
            type=click.Choice([choice.value for choice in QualityFilter], case_sensitive=False),
            help=_help("quality_filter", defaults.quality_filter.lower()),
        ),
        click.option(
            "--smallest-face",
            type=WholeRange(MIN_SMALLEST_FACE, MAX_WHOLE),
            metavar="PX",
            help=_help("smallest_face", "2 % of its longer side, at least 40"),
        ),
        click.option(
            "--rotate/--no-rotate",
            default=None,
            help=_help("rotate", "--rotate" if defaults.rotate else "--no-rotate"),
        ),
        click.option(
            "--detector",
            type=click.Choice(DETECTOR_NAMES),
            help=_help("detector", defaults.detector),
        ),
    )

    @wraps(command)
    def with_face_options(*args: Any, **given: Any) -> None:  # noqa: ANN401
        chosen = {name: given.pop(name) for name in ChosenOptions.__annotations__}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        if "quality_filter" in chosen:
            chosen["quality_filter"] = QualityFilter(chosen["quality_filter"].upper())
        command(*args, chosen=chosen, **given)

    for option in reversed(added):
        with_face_options = option(with_face_options)
    return cast("Command", with_face_options)


def _help(option: str, default: object) -> str:
    return f"{OPTION_TEXTS[option]} (default: {default})."
