"""`facerec evaluate`: error rates on labelled photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import (
    detector_option,
    html_option,
    json_option,
    overwrite_option,
    recipe_name,
)
from facerec.cli.output import console, print_json, table
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.core.options import MAX_FACES, FaceOptions, QualityFilter, Recipe
from facerec.gallery.scores.normalisation import similarity_of_score

if TYPE_CHECKING:
    from rich.table import Table

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
    help="Recipe of the faces: one view, or the average of four, which loses fewer matches.",
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
    _print(result)
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


def _print(
    result: verification.Verification | label_rates.LabelEvaluation | Identification,
) -> None:

    if isinstance(result, verification.Verification):
        _print_verification(result)
    elif isinstance(result, label_rates.LabelEvaluation):
        _print_labels(result)
    else:
        _print_identification(result)


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


def _print_verification(result: Verification) -> None:
    from facerec.evaluate.rates import MIN_IMPOSTORS

    out = console()
    kind = "pairs of all photos" if result.all_pairs else "labelled pairs"
    out.print(
        f"{count(result.photos, 'photo')}, {len(result.failures):,} without a face "
        f"(in {result.pairs_without_a_face:,} of {count(result.labelled_pairs, 'labelled pair')})",
        f"{count(result.genuine, 'pair')} of one person, {result.impostors:,} of different people "
        f"({kind})",
        "",
        sep="\n",
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
    else:
        out.print(
            "Accuracy is measured by fold: the file needs a column fold with two or more values."
        )
        out.print("")
    lost = result.share_without_a_face
    if lost:
        out.print(
            f"In {lost:.2%} of the pairs of one person a photo has no face. The last column counts "
            "them as misses."
        )
    if result.miss_rates:
        out.print(_misses(result))
    else:
        out.print(
            f"At least {MIN_IMPOSTORS} pairs of different people are needed to measure misses at a "
            "false match rate.",
            "",
            sep="\n",
        )
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
                str(cohort.false_match_rate) if cohort.different else "-",
                str(cohort.false_non_match_rate) if cohort.same else "-",
            )
        out.print(shown)


def _misses(result: Verification) -> Table:
    """Return the misses at each false match rate."""
    lost = result.share_without_a_face
    shown = table(
        "false match rate",
        "similarity",
        "misses (95 %)",
        "misses by plain distance",
        *(("misses and no face",) if lost else ()),
    )
    for row, plain in zip(result.miss_rates, result.plain_miss_rates, strict=True):
        shown.add_row(
            f"{row.false_match_rate:.0e}",
            f"{similarity_of_score(row.threshold):.4f}",
            str(row.false_non_match_rate),
            str(plain.false_non_match_rate),
            *((f"{lost + (1 - lost) * row.false_non_match_rate.rate:.2%}",) if lost else ()),
        )
    return shown


def _print_labels(result: LabelEvaluation) -> None:

    out = console()
    out.print(
        f"{count(result.photos, 'photo')}, {len(result.failures):,} without a face; "
        f"{count(result.pairs, 'pair')} of different people",
        f"at a false match rate of {result.overall_rate:g} over all pairs, within each label:",
        "",
        sep="\n",
    )
    shown = table("label", "pairs", "by plain distance (95 %)", "normalised (95 %)")
    for row in pages.label_rows(result):
        shown.add_row(*row)
    out.print(shown)


def _print_identification(result: Identification) -> None:
    out = console()
    out.print(
        f"{count(result.known, 'probe')} of known people and {result.strangers:,} of strangers, "
        f"{count(len(result.failures), 'photo')} without a face",
        *_probes_without_a_face(result.known_without_a_face),
        f"{count(result.faces, 'face')} of {count(result.people, 'person', 'people')} in the "
        "gallery",
        f"most similar face is of the right person: {result.rank_1}",
        "",
        sep="\n",
    )
    if not result.open_set:
        out.print(
            f"At least {identification.MIN_STRANGERS} probes of strangers are needed to measure "
            "how many of them are named."
        )
        return
    shown = table("strangers named", "similarity", "misses (95 %)", "misses by plain distance")
    for row, plain in zip(result.open_set, result.plain_open_set, strict=True):
        shown.add_row(
            f"{row.false_positive_rate:.0%}",
            f"{row.similarity:.4f}",
            str(row.miss_rate),
            str(plain.miss_rate),
        )
    out.print(shown)


def _probes_without_a_face(number: int) -> list[str]:
    if not number:
        return []
    return [f"{count(number, 'probe')} of known people without a face counted as missed"]


def _mean(accuracy: dict[str, tuple[float, float]]) -> str:
    return f"{sum(rate for rate, _ in accuracy.values()) / len(accuracy):.2%}"
