"""`facerec evaluate`: error rates on labelled photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import Progress

from facerec.cli.options import detector_option, json_option
from facerec.cli.output import console, print_json, table
from facerec.core.options import MAX_FACES, FaceOptions, QualityFilter
from facerec.engine.describe.recipe import Recipe
from facerec.engine.engine import Engine, open_engine
from facerec.evaluate.faces import DescribedFaces, describe
from facerec.evaluate.identification import Identification, identify, people_photos
from facerec.evaluate.page import identification_page, verification_page
from facerec.evaluate.pairs import read_pairs
from facerec.evaluate.verification import Verification, verify
from facerec.gallery.normalisation import similarity_of_score

folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument(
    "pairs", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False
)
@click.option("--images", type=folder, help="Folder of the photos that PAIRS names.")
@click.option(
    "--identify",
    "identified",
    type=(folder, folder),
    default=None,
    metavar="GALLERY PROBES",
    help="Search the photos of PROBES among those of GALLERY. In both, each folder holds the "
    "photos of one person.",
)
@click.option(
    "--recipe",
    type=click.Choice([recipe.value for recipe in Recipe]),
    default=Recipe.FAST.value,
    show_default=True,
    help="Describe each face from one view, or from four for more accuracy.",
)
@detector_option
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    metavar="FILE",
    help="Write a page with plots and the worst errors. It contains faces.",
)
@json_option
def evaluate(
    pairs: Path | None,
    images: Path | None,
    identified: tuple[Path, Path] | None,
    recipe: str,
    detector: str,
    html: Path | None,
    as_json: bool,
) -> None:
    """Measure error rates on labelled photos.

    PAIRS is a CSV file with the columns image_a, image_b and same (1 or 0), and optionally fold,
    cohort and cohort_NAME. If its labels agree with the folders of the photos, folders name people,
    and all pairs of photos are judged, not only the labelled ones.

    \b
    Examples:
      facerec evaluate lfw/pairs.csv --images lfw/images --html report.html
      facerec evaluate --identify staff/ visitors/
    """
    if (pairs is None) == (identified is None):
        raise click.UsageError("give either PAIRS or --identify")
    if (pairs is None) != (images is None):
        raise click.UsageError("PAIRS and --images go together")
    engine = open_engine(recipe=Recipe(recipe))
    if pairs and images:
        labelled = read_pairs(pairs, images)
        names = sorted({name for pair in labelled for name in (pair.image_a, pair.image_b)})
        faces = _describe(images, names, engine, detector)
        verification = verify(labelled, faces)
        boxes = dict(zip(faces.names, faces.boxes, strict=True))
        if html:
            html.write_text(
                verification_page(verification, images, boxes, model_version=engine.model_version)
            )
        if as_json:
            print_json({"model_version": engine.model_version, **asdict(verification)})
        else:
            _print_verification(verification)
    elif identified:
        gallery, probes = (
            _describe(own, people_photos(own), engine, detector) for own in identified
        )
        one_folder = identified[0].samefile(identified[1])
        identification = identify(gallery, probes, one_folder=one_folder)
        if html:
            html.write_text(identification_page(identification, model_version=engine.model_version))
        if as_json:
            print_json({"model_version": engine.model_version, **asdict(identification)})
        else:
            _print_identification(identification)
    if html and not as_json:
        console().print(f"\npage: {html}")


def _describe(root: Path, names: Sequence[str], engine: Engine, detector: str) -> DescribedFaces:
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


def _print_verification(result: Verification) -> None:
    out = console()
    kind = "pairs of all photos" if result.all_pairs else "labelled pairs"
    out.print(
        f"{result.photos:,} photos, {len(result.failures):,} without a face "
        f"(in {result.pairs_without_a_face:,} of {result.labelled_pairs:,} labelled pairs)\n"
        f"{result.genuine:,} pairs of one person, {result.impostors:,} of different people "
        f"({kind})\n"
    )
    if result.accuracy:
        shown = table("fold", "accuracy", "similarity", "accuracy by plain distance")
        for fold, (accuracy, threshold) in result.accuracy.items():
            shown.add_row(
                fold,
                f"{accuracy:.2%}",
                f"{similarity_of_score(threshold):.3f}",
                f"{result.plain_accuracy[fold][0]:.2%}",
            )
        shown.add_row("mean", _mean(result.accuracy), "", _mean(result.plain_accuracy))
        out.print(shown)
    shown = table("false match rate", "similarity", "misses (95 %)", "misses by plain distance")
    for row, plain in zip(result.miss_rates, result.plain_miss_rates, strict=True):
        shown.add_row(
            f"{row.false_match_rate:.0e}",
            f"{similarity_of_score(row.threshold):.4f}",
            str(row.false_non_match_rate),
            str(plain.false_non_match_rate),
        )
    out.print(shown)
    shown = table("similarity", "predicted false match rate", "measured", "misses (95 %)")
    for rates_of in result.thresholds:
        shown.add_row(
            f"{rates_of.similarity}",
            f"{rates_of.predicted_false_match_rate:.1e}",
            f"{rates_of.false_match_rate:.1e}",
            str(rates_of.false_non_match_rate),
        )
    out.print(shown)
    if result.cohorts:
        shown = table("cohort", "false matches at 0.8 (95 %)", "misses at 0.8 (95 %)")
        for cohort in result.cohorts:
            shown.add_row(
                f"{cohort.column}: {cohort.value}",
                str(cohort.false_match_rate),
                str(cohort.false_non_match_rate),
            )
        out.print(shown)


def _print_identification(result: Identification) -> None:
    out = console()
    out.print(
        f"{result.known:,} probes of known people and {result.strangers:,} of strangers, "
        f"{len(result.failures):,} photos without a face\n"
        f"{result.faces:,} faces of {result.people:,} people in the gallery\n"
        f"most similar face is the right person's: {result.rank_1}\n"
    )
    shown = table("strangers named", "similarity", "misses (95 %)", "misses by plain distance")
    for row, plain in zip(result.open_set, result.plain_open_set, strict=True):
        shown.add_row(
            f"{row.false_positive_rate:.0%}",
            f"{row.similarity:.4f}",
            str(row.miss_rate),
            str(plain.miss_rate),
        )
    out.print(shown)


def _mean(accuracy: dict[str, tuple[float, float]]) -> str:
    return f"{sum(rate for rate, _ in accuracy.values()) / len(accuracy):.2%}"
