"""`facerec evaluate`: error rates on labelled photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.evaluation_shown import print_evaluation
from facerec.cli.options import (
    detector_option,
    html_option,
    json_option,
    overwrite_option,
    recipe_name,
)
from facerec.cli.output import console, print_json
from facerec.core.deferred import DeferredModule
from facerec.core.options import MAX_FACES, FaceOptions, QualityFilter, Recipe

if TYPE_CHECKING:
    from facerec.engine.engine import Engine
    from facerec.evaluate import identification, verification
    from facerec.evaluate import labels as label_rates
    from facerec.evaluate import page as pages
    from facerec.evaluate.faces import DescribedFaces
    from facerec.evaluate.identification import Identification
    from facerec.evaluate.labels import LabelEvaluation
    from facerec.evaluate.verification import Verification
else:
    identification = DeferredModule("facerec.evaluate.identification")
    label_rates = DeferredModule("facerec.evaluate.labels")
    pages = DeferredModule("facerec.evaluate.page")
    verification = DeferredModule("facerec.evaluate.verification")

folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument(
    "pairs", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)
@click.option(
    "--images", type=folder, metavar="FOLDER", help="Folder of the photos that PAIRS names."
)
@click.option(
    "--identify",
    "identified",
    type=(folder, folder),
    default=None,
    metavar="GALLERY PROBES",
    help="Search GALLERY for the faces in the photos of PROBES. In both, each folder holds the "
    "photos of one person.",
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file with a column image, optionally person, and columns of labels: compare the "
    "false match rates within each label. Without person, each photo shows a different person.",
)
@click.option(
    "--recipe",
    type=recipe_name,
    default=Recipe.FAST.value,
    show_default=True,
    help="Recipe of the faces: one view, or the average of four, which misses fewer matches.",
)
@detector_option
@html_option("plots and the worst errors. It contains faces.")
@overwrite_option
@json_option
def evaluate(
    pairs: Path | None,
    images: Path | None,
    identified: tuple[Path, Path] | None,
    labels: Path | None,
    recipe: str,
    detector: str,
    html_file: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure error rates on labelled photos.

    PAIRS is a CSV file with the columns image_a, image_b and same (1 or 0), and optionally fold,
    cohort and cohort_NAME. If its labels agree with the folders of the photos, each folder is taken
    as one person, and all pairs of photos are evaluated, not only the labelled ones.

    \b
    Examples:
      facerec evaluate lfw/pairs.csv --images lfw/images --html report.html
      facerec evaluate --identify staff/ visitors/
      facerec evaluate --labels fairface/labels.csv --images fairface/images
    """
    from facerec.cli.new_files import may_overwrite, whole_file
    from facerec.engine.engine import open_engine

    if sum(each is not None for each in (pairs, identified, labels)) != 1:
        raise click.UsageError("specify exactly one of PAIRS, --identify and --labels")
    if identified is None and images is None:
        raise click.UsageError("--images is required with PAIRS or --labels")
    if identified is not None and images is not None:
        raise click.UsageError("--images cannot be used with --identify")
    may_overwrite(html_file, overwrite=overwrite)
    engine = open_engine(recipe=Recipe(recipe))
    describe_photos = partial(_describe, engine=engine, detector=detector)
    result: Verification | LabelEvaluation | Identification
    if pairs and images:
        result, page = _verified(pairs, images, describe_photos, engine.model_version)
    elif labels and images:
        photos = label_rates.read_labels(labels, images)
        faces = describe_photos(images, [photo.image for photo in photos])
        result = label_rates.label_rates(photos, faces)
        page = partial(pages.label_page, result, model_version=engine.model_version)
    elif identified:
        gallery, probes = (
            describe_photos(own, identification.people_photos(own)) for own in identified
        )
        result = identification.identify(
            gallery, probes, one_folder=identified[0].samefile(identified[1])
        )
        page = partial(pages.identification_page, result, model_version=engine.model_version)
    else:
        raise click.UsageError("specify exactly one of PAIRS, --identify and --labels")
    if html_file:
        with whole_file(html_file) as part:
            part.write_text(page(), encoding="utf-8")
    if as_json:
        print_json({"model_version": engine.model_version, **asdict(result)})
        return
    print_evaluation(result)
    if html_file:
        console().print("", f"page: {html_file}", sep="\n")


def _verified(
    pairs: Path,
    images: Path,
    describe_photos: Callable[[Path, Sequence[str]], DescribedFaces],
    model_version: str,
) -> tuple[Verification, Callable[[], str]]:
    from facerec.evaluate.pairs import read_pairs

    labelled = read_pairs(pairs, images)
    names = sorted({name for pair in labelled for name in (pair.image_a, pair.image_b)})
    faces = describe_photos(images, names)
    result = verification.verify(labelled, faces)
    boxes = dict(zip(faces.names, faces.boxes, strict=True))
    return result, partial(
        pages.verification_page, result, images, boxes, model_version=model_version
    )


def _describe(root: Path, names: Sequence[str], *, engine: Engine, detector: str) -> DescribedFaces:
    from rich.progress import Progress

    from facerec.evaluate.faces import describe

    options = FaceOptions(
        max_faces=MAX_FACES,
        min_confidence=0.5,
        quality_filter=QualityFilter.NONE,
        detector=detector,
    )
    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{root}", total=len(names))
        return describe(
            root,
            names,
            engine=engine,
            options=options,
            progress=lambda count: bar.advance(task, count),
        )
