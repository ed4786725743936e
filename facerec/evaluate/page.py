"""Writes the result of an evaluation as one self-contained HTML file with plots and faces."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from facerec.core.counts import count
from facerec.core.faces import BoundingBox
from facerec.core.input_files import read_input
from facerec.core.limits import MAX_PHOTO_BYTES
from facerec.engine.decode.decoding import DecodedPhoto, decode
from facerec.errors import InputFileError, ReadTimedOutError
from facerec.evaluate.html import document, paragraph, table
from facerec.evaluate.identification import Identification
from facerec.evaluate.labels import LabelEvaluation
from facerec.evaluate.plots import Axis, Line, LinearAxis, line_plot
from facerec.evaluate.verification import PairError, Verification
from facerec.gallery.scores.normalisation import similarity_of_score

THUMBNAIL = 96
"""Side of the thumbnail of a face, in pixels."""

MARGIN = 0.3
"""Margin around the face in a thumbnail, as a ratio of its box."""

MAX_FAILURES_LISTED = 100

Thumbnail = Callable[[str], str]


def verification_page(
    result: Verification, images: Path, boxes: Mapping[str, BoundingBox], *, model_version: str
) -> str:
    """Return the page of a verification.

    Args:
        result: The measured error rates.
        images: Folder that the names of photos are relative to.
        boxes: The position of the face in each photo.
        model_version: The version that described the faces.
    """
    across = Axis("false match rate", -6, 0)
    up = Axis("false non-match rate", -3, 0)
    lines = (Line("normalised score", result.curve), Line("plain distance", result.plain_curve))
    kept = (Line(line.name, [(x, 1 - y) for x, y in line.points]) for line in lines)
    thumbnail = face_thumbnails(images, boxes)
    kind = "pairs of all photos" if result.all_pairs else "labelled pairs"
    sections = [
        paragraph(
            f"{count(result.labelled_pairs, 'labelled pair')} of {count(result.photos, 'photo')}. "
            f"No face was found in {count(len(result.failures), 'photo')}, in "
            f"{result.pairs_without_a_face:,} of the pairs. "
            f"Rates are of {count(result.genuine, 'pair')} of one person and "
            f"{result.impostors:,} of different people ({kind}). Model version {model_version}."
        ),
        _accuracy(result),
        "<h2>Misses at a rate of false matches</h2>",
        table(
            ("false match rate", "similarity", "misses (95 %)", "misses by plain distance (95 %)"),
            [
                (
                    f"{row.false_match_rate:.0e}",
                    f"{similarity_of_score(row.threshold):.4f}",
                    str(row.false_non_match_rate),
                    str(plain.false_non_match_rate),
                )
                for row, plain in zip(result.miss_rates, result.plain_miss_rates, strict=True)
            ],
        ),
        "<h2>Detection error trade-off</h2>",
        line_plot(across, up, lines),
        "<h2>Receiver operating characteristic</h2>",
        line_plot(across, LinearAxis("true match rate"), list(kept)),
        "<h2>What similarities mean here</h2>",
        table(
            ("similarity", "predicted false match rate", "measured", "misses (95 %)"),
            [
                (
                    f"{row.similarity}",
                    f"{row.predicted_false_match_rate:.1e}",
                    f"{row.false_match_rate:.1e} ({count(row.false_matches, 'pair')})",
                    str(row.false_non_match_rate),
                )
                for row in result.thresholds
            ],
        ),
        _cohorts(result),
        "<h2>Most similar faces of different people</h2>",
        _with_thumbnails(result.false_matches, thumbnail),
        "<h2>Least similar faces of one person</h2>",
        _with_thumbnails(result.false_non_matches, thumbnail),
        _failures(result.failures),
    ]
    return document("Verification", sections)


def identification_page(result: Identification, *, model_version: str) -> str:
    """Return the page of an identification."""
    across = Axis("strangers who are named", -3, 0)
    up = Axis("known people who are not named correctly", -3, 0)
    lines = (Line("normalised score", result.curve), Line("plain distance", result.plain_curve))
    sections = [
        paragraph(
            f"{count(result.known, 'probe')} of known people, including "
            f"{result.known_without_a_face:,} without a face as missed, and "
            f"{result.strangers:,} of strangers, searched among {count(result.faces, 'face')} of "
            f"{count(result.people, 'person', 'people')}. "
            f"Model version {model_version}."
        ),
        paragraph(f"The most similar face is the right person's for {result.rank_1}."),
        table(
            ("strangers who are named", "similarity", "misses (95 %)", "by plain distance (95 %)"),
            [
                (
                    f"{row.false_positive_rate:.0%}",
                    f"{row.similarity:.4f}",
                    str(row.miss_rate),
                    str(plain.miss_rate),
                )
                for row, plain in zip(result.open_set, result.plain_open_set, strict=True)
            ],
        ),
        line_plot(across, up, lines) if result.curve else "",
        _failures(result.failures),
    ]
    return document("Identification", sections)


def label_page(result: LabelEvaluation, *, model_version: str) -> str:
    """Return the page of false match rates by label."""
    sections = [
        paragraph(
            f"{count(result.photos, 'photo')}, {len(result.failures):,} without a face; "
            f"{count(result.pairs, 'pair')} of different people. Model version {model_version}."
        ),
        paragraph(
            "False match rates of the pairs within each label, at the one threshold whose rate "
            f"over all pairs is {result.overall_rate:g}."
        ),
        table(
            ("label", "pairs", "by plain distance (95 %)", "normalised (95 %)"),
            label_rows(result),
        ),
        _failures(result.failures),
    ]
    return document("False matches by label", sections)


def label_rows(result: LabelEvaluation) -> list[tuple[str, ...]]:
    """Return a row of texts for each label."""
    return [
        (f"{row.column}: {row.value}", f"{row.pairs:,}", str(row.plain), str(row.normalised))
        for row in result.rates
    ]


def face_thumbnails(images: Path, boxes: Mapping[str, BoundingBox]) -> Thumbnail:
    """Return a function that returns the face of a photo as a ``data:`` URL.

    It returns "" for a photo that cannot be read or decoded, or has no box.
    """

    def thumbnail(name: str) -> str:
        if name not in boxes:
            return ""
        try:
            content = read_input(images / name, MAX_PHOTO_BYTES)
        except (InputFileError, ReadTimedOutError):
            # The photo was readable before, but may have changed since.
            return ""
        photo = decode(content, smallest_face=None, max_pixels=10**8)
        if not isinstance(photo, DecodedPhoto):
            return ""
        face = _crop(photo, boxes[name])
        file = io.BytesIO()
        face.save(file, "JPEG", quality=80)
        return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"

    return thumbnail


def _crop(photo: DecodedPhoto, box: BoundingBox) -> Image.Image:
    image = Image.fromarray(np.asarray(photo.pixels))
    wide, high = box.width * image.width * MARGIN, box.height * image.height * MARGIN
    left, top = box.left * image.width, box.top * image.height
    area = (
        round(left - wide),
        round(top - high),
        round(left + box.width * image.width + wide),
        round(top + box.height * image.height + high),
    )
    return image.crop(area).resize((THUMBNAIL, THUMBNAIL))


def _accuracy(result: Verification) -> str:
    if not result.accuracy:
        return ""
    rates = [accuracy for accuracy, _ in result.accuracy.values()]
    rows = [
        (fold, f"{accuracy:.2%}", f"{similarity_of_score(threshold):.3f}")
        for fold, (accuracy, threshold) in result.accuracy.items()
    ]
    rows.append(("mean", f"{np.mean(rates):.2%}", f"sd {np.std(rates):.2%}"))
    return "<h2>Accuracy by fold</h2>" + table(("fold", "accuracy", "similarity"), rows)


def _cohorts(result: Verification) -> str:
    if not result.cohorts:
        return ""
    rows = [
        (
            f"{row.column}: {row.value}",
            f"{row.false_match_rate} of {row.different:,}",
            f"{row.false_non_match_rate} of {row.same:,}",
        )
        for row in result.cohorts
    ]
    header = ("cohort", "false matches at 0.8 (95 %)", "misses at 0.8 (95 %)")
    return "<h2>Cohorts</h2>" + table(header, rows)


def _failures(failures: Mapping[str, str]) -> str:
    if not failures:
        return ""
    rows = list(failures.items())[:MAX_FAILURES_LISTED]
    hidden = len(failures) - len(rows)
    more = paragraph(f"and {hidden:,} more") if hidden else ""
    return "<h2>Photos without a face</h2>" + table(("photo", "reason"), rows) + more


def _with_thumbnails(errors: Sequence[PairError], thumbnail: Thumbnail) -> str:
    if not errors:
        return paragraph("None at a similarity of 0.5.")
    figures = [
        "<figure>"
        + "".join(
            f'<img src="{thumbnail(name)}" alt=""> ' for name in (error.image_a, error.image_b)
        )
        + f"<figcaption>similarity {error.similarity:.3f}, distance {error.distance:.3f}<br>"
        f"{escape(error.image_a)}<br>{escape(error.image_b)}</figcaption></figure>"
        for error in errors
    ]
    return f'<div class="pairs">{"".join(figures)}</div>'
