"""Numbers before nouns: one face is not `1 faces`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import facerec
from facerec.core.counts import count

PACKAGE = Path(facerec.__file__).parent
FOLDERS = (PACKAGE, PACKAGE.parent / "lambdas", PACKAGE.parent / "batch_job")

COUNTED = re.compile(
    r"(?<!of )\{(?P<number>[^{}]*(?:len\([^{}]*\)|:,)[^{}]*)\}"
    r"(?: ?\"\s*f?\")? ?(?:labelled |new |other )?"
    r"(?:children|clusters|corrections|embeddings|entries|faces|files|jobs|lines|objects|pairs"
    r"|people|photos|probes|rows|vCPUs|vectors|workers)\b(?!/)"
)
"""A number in a formatted text, and a plural after it."""

ALWAYS_SEVERAL = {
    "cli/estimate_tables.py": ["result.break_even:,"],
    "engine/self_check.py": ["len(result.faces)"],
    "evaluate/labels.py": ["len(rows):,"],
    "jobs/bulk_import/progress.py": ["plan.estimated_photos:,"],
    "jobs/planning/changes.py": ["inspection.photos:,"],
}
"""Numbers before plurals that are never 1, by module."""


@pytest.mark.parametrize(
    ("number", "words", "shown"),
    [
        (0, ("photo",), "0 photos"),
        (1, ("photo",), "1 photo"),
        (1_000, ("photo",), "1,000 photos"),
        (1, ("person", "people"), "1 person"),
        (2, ("person", "people"), "2 people"),
    ],
)
def test_a_number_stands_before_the_right_form(
    number: int, words: tuple[str, ...], shown: str
) -> None:
    assert count(number, *words) == shown


def test_no_message_has_a_number_before_a_plural_that_may_be_one() -> None:
    found: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path in folder.rglob("*.py"):
            for match in COUNTED.finditer(path.read_text("utf-8")):
                number = match["number"]
                if not number.partition(":")[0].rpartition(".")[2].isupper():
                    found.setdefault(str(path.relative_to(folder)), []).append(number)
    assert found == ALWAYS_SEVERAL
