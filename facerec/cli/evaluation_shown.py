"""Prints the results of `facerec evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli.output import console, table
from facerec.core.counts import count
from facerec.core.deferred import DeferredModule
from facerec.gallery.scores.normalisation import similarity_of_score

if TYPE_CHECKING:
    from rich.table import Table

    from facerec.evaluate import identification, verification
    from facerec.evaluate import labels as label_rates
    from facerec.evaluate import page as pages
    from facerec.evaluate.identification import Identification
    from facerec.evaluate.labels import LabelEvaluation
    from facerec.evaluate.verification import Verification
else:
    identification = DeferredModule("facerec.evaluate.identification")
    label_rates = DeferredModule("facerec.evaluate.labels")
    pages = DeferredModule("facerec.evaluate.page")
    verification = DeferredModule("facerec.evaluate.verification")


def print_evaluation(result: Verification | LabelEvaluation | Identification) -> None:
    """Print measured error rates."""
    if isinstance(result, verification.Verification):
        _print_verification(result)
    elif isinstance(result, label_rates.LabelEvaluation):
        _print_labels(result)
    else:
        _print_identification(result)


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
