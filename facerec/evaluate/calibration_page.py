"""Writes a calibration as one self-contained HTML file with plots and faces."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape

from facerec.core.counts import count
from facerec.evaluate.calibration import Calibration, DoubtfulPair
from facerec.evaluate.html import document, paragraph, table
from facerec.evaluate.plots import Axis, Line, LinearAxis, line_plot

Thumbnail = Callable[[str], bytes | None]
"""Returns a JPEG file of a stored face, or None if there is none."""


MAX_SHOWN_FACES = 10**9
"""Maximum number of faces to print exactly; larger numbers are printed as "more than" this."""


def calibration_page(
    result: Calibration, collection_id: str, thumbnail: Thumbnail, *, model_version: str
) -> str:
    """Return the page of a calibration."""
    up = Axis("share of pairs", -6, 0)
    densities = (
        Line("one person", result.genuine_density),
        Line("different people", result.impostor_density),
    )
    sections = [
        *map(paragraph, summary(result, collection_id)),
        paragraph(f"Model version {model_version}."),
        table(
            (
                "similarity",
                "predicted false matches",
                "measured (95 %)",
                f"strangers with a match among {count(result.faces, 'face')} (95 %)",
                "misses (95 %)",
            ),
            rate_rows(result),
        ),
        "<h2>Pairs by similarity</h2>",
        line_plot(LinearAxis("similarity"), up, [each for each in densities if each.points]),
        "<h2>One photo twice</h2>",
        _pairs(result.duplicates, thumbnail),
        "<h2>Perhaps one person under two names</h2>",
        _pairs(result.one_person, thumbnail),
        "<h2>Perhaps one person under a wrong name</h2>",
        _pairs(result.two_people, thumbnail),
    ]
    return document(f"Calibration of {collection_id}", sections)


def _shown_number(faces: int) -> str:
    return f"{faces:,}" if faces <= MAX_SHOWN_FACES else f"more than {MAX_SHOWN_FACES:,}"


def summary(result: Calibration, collection_id: str) -> list[str]:
    """Return sentences that summarise the measurement and the threshold."""
    sample = (
        "" if result.sampled == result.faces else f", of which {result.sampled:,} were compared"
    )
    basis = (
        "as measured on these faces"
        if result.is_measured
        else "by the scale of similarity. These faces are too few to measure it: "
        f"{_shown_number(result.faces_needed)} faces of different people are needed, which measure "
        f"a rate of {result.needed_interval}"
    )
    suspicion = [
        f"{count(result.suspects, 'pair')} of different names may be of one person, which raises "
        "this threshold: correct the faces listed under two names, and measure again."
    ]
    return [
        f"Collection {collection_id} has {count(result.faces, 'face')}{sample}; {result.named:,} "
        f"with a name, of {count(result.people, 'person', 'people')}.",
        f"{count(result.genuine, 'pair')} of one person and {result.impostors:,} of different "
        "people.",
        f"At a threshold of {result.threshold:.4f}, {result.target_search_rate:g} of the searches "
        f"for a stranger have a match, {basis}.",
        *(suspicion if result.suspects else ()),
    ]


def rate_rows(result: Calibration) -> list[tuple[str, ...]]:
    """Return a row of texts for each similarity."""
    return [
        (
            f"{row.similarity}",
            f"{row.predicted_false_match_rate:.1e}",
            str(row.false_match_rate) if result.impostors else "-",
            str(row.false_search_rate) if result.impostors else "-",
            str(row.false_non_match_rate) if result.genuine else "-",
        )
        for row in result.rates
    ]


def _pairs(pairs: Sequence[DoubtfulPair], thumbnail: Thumbnail) -> str:
    if not pairs:
        return paragraph("None found.")
    figures = [
        f"<figure>{_picture(thumbnail(pair.face_a))} {_picture(thumbnail(pair.face_b))}"
        f"<figcaption>similarity {pair.similarity:.3f}<br>"
        f"{_caption(pair.person_a, pair.face_a)}<br>{_caption(pair.person_b, pair.face_b)}"
        "</figcaption></figure>"
        for pair in pairs
    ]
    return f'<div class="pairs">{"".join(figures)}</div>'


def _picture(content: bytes | None) -> str:
    if content is None:
        return ""
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(content).decode()}" alt="">'


def _caption(person: str | None, face_id: str) -> str:
    return f"{escape(person or 'no name')} ({face_id})"
