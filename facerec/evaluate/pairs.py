"""Labelled pairs of photos, read from a CSV file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facerec.errors import InvalidInputError
from facerec.evaluate.csv_files import open_csv, require_photos

REQUIRED = ("image_a", "image_b", "same")
FOLD = "fold"
COHORT = "cohort"
"""Name of a column with cohorts, and prefix of further ones: ``cohort_age``."""

TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two photos, and whether they show the same person.

    Attributes:
        image_a: Path of a photo below the folder of images.
        image_b: Path of the other photo.
        same: Whether both show one person.
        fold: Name of the part of a cross-validation that the pair is in, or "".
        cohorts: Value of each cohort column, by its name.
    """

    image_a: str
    image_b: str
    same: bool
    fold: str = ""
    cohorts: dict[str, str] = field(default_factory=dict)


def read_pairs(path: Path, images: Path) -> list[LabelledPair]:
    """Return the pairs of a file, after checking that all photos exist.

    Args:
        path: CSV with columns image_a, image_b and same (1 or 0), and optionally fold, cohort and
            cohort_NAME.
        images: Folder that the paths of photos are relative to.

    Raises:
        InvalidInputError: The file cannot be read, a column, line or photo is missing or not valid,
            a column is unknown, a photo is paired with itself, a pair has both labels, or all
            pairs, or those of a fold, are of one kind.
        ReadTimedOutError: The file system does not answer.
    """
    with open_csv(path) as reader:
        pairs = _parse(reader, path)
    _check_classes(pairs, path)
    require_photos(
        sorted({name for pair in pairs for name in (pair.image_a, pair.image_b)}), images
    )
    return pairs


def _parse(reader: csv.DictReader[str], path: Path) -> list[LabelledPair]:
    columns = reader.fieldnames or []
    _check_columns(columns, path)
    cohorts = [name for name in columns if _is_cohort(name)]
    pairs: list[LabelledPair] = []
    lines: dict[frozenset[str], tuple[bool, int]] = {}
    for row in reader:
        where = f"{path} line {reader.line_num}"
        if None in row or None in row.values():
            raise InvalidInputError(
                f"{where} does not have {len(columns)} values",
                "write a value for each column; quote values that contain commas",
            )
        same = TRUTH.get(row["same"].strip().lower())
        if same is None:
            raise InvalidInputError(f"{where}: same must be 1 or 0, got {row['same']!r}")
        if row["image_a"] == row["image_b"]:
            raise InvalidInputError(
                f"{where}: a photo is paired with itself", "remove the line: it measures nothing"
            )
        photos = frozenset((row["image_a"], row["image_b"]))
        known, line = lines.setdefault(photos, (same, reader.line_num))
        if known is not same:
            raise InvalidInputError(
                f"{where}: the pair has the other label in line {line}", "correct one of the lines"
            )
        pairs.append(
            LabelledPair(
                row["image_a"],
                row["image_b"],
                same,
                row.get(FOLD, ""),
                {name: row[name] for name in cohorts},
            )
        )
    return pairs


def _check_columns(columns: Sequence[str], path: Path) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise InvalidInputError(
            f"{path} lacks columns: {', '.join(missing)}",
            "the columns are image_a, image_b, same, and optionally fold, cohort and cohort_NAME",
        )
    unknown = [name for name in columns if name not in (*REQUIRED, FOLD) and not _is_cohort(name)]
    if unknown:
        raise InvalidInputError(
            f"{path} has unknown columns: {', '.join(map(repr, unknown))}",
            "name columns of cohorts 'cohort' or 'cohort_NAME', and remove other columns",
        )
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise InvalidInputError(
            f"{path} has more than one column named {repeated[0]!r}", "rename or remove one of them"
        )


def _is_cohort(name: str) -> bool:
    return name == COHORT or (name.startswith(f"{COHORT}_") and len(name) > len(COHORT) + 1)


def _check_classes(pairs: list[LabelledPair], path: Path) -> None:
    if not pairs:
        raise InvalidInputError(f"{path} contains no pairs", "write one pair of photos per line")
    same = sum(pair.same for pair in pairs)
    if same in (0, len(pairs)):
        raise InvalidInputError(
            f"{path} has no pair of " + ("one person" if same == 0 else "different people"),
            "error rates need pairs of both kinds",
        )
    folds: dict[str, set[bool]] = {}
    for pair in pairs:
        folds.setdefault(pair.fold, set()).add(pair.same)
    one_sided = sorted(fold for fold, kinds in folds.items() if len(kinds) < 2)
    if one_sided:
        raise InvalidInputError(
            f"fold {one_sided[0]!r} of {path} has pairs of one kind only",
            "each fold needs pairs of one person and pairs of different people",
        )
