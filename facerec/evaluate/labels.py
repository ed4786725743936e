"""False match rates by labels of photos, such as the age or sex of the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.errors import InvalidInputError
from facerec.evaluate.csv_files import open_csv, require_photos
from facerec.evaluate.faces import DescribedFaces
from facerec.evaluate.rates import Interval, rates_that_fit, wilson

IMAGE_COLUMNS = ("image", "file")
PERSON_COLUMN = "person"
OVERALL_RATE = 1e-3
"""False match rate over all pairs at which labels are compared. With too few pairs for it, the
lowest rate that they can measure is used."""

MAX_PHOTOS = 4_000
"""Maximum number of photos whose pairs are judged: 4,000 make 8 million pairs."""


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo with its labels.

    Attributes:
        image: Path below the folder of images.
        person: The person in the photo. A photo without one gets a person of its own: photos
            without names are taken to show different people.
        labels: Value of each column of labels.
    """

    image: str
    person: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class LabelRates:
    """False match rates of the pairs of different people within a label.

    Attributes:
        column: Name of the column.
        value: The label of both photos.
        pairs: Number of pairs of different people.
        plain: False match rate by plain distance.
        normalised: False match rate by normalised score.
    """

    column: str
    value: str
    pairs: int
    plain: Interval
    normalised: Interval


@dataclass(frozen=True, slots=True)
class LabelEvaluation:
    """False match rates by label.

    Attributes:
        photos: Number of photos in the file.
        failures: Reasons why photos have no face, by name.
        pairs: Number of all pairs of different people.
        overall_rate: False match rate over all these pairs, which sets the threshold of ``rates``.
        rates: False match rates by column and value.
    """

    photos: int
    failures: dict[str, str]
    pairs: int
    overall_rate: float
    rates: list[LabelRates]


def read_labels(path: Path, images: Path) -> list[LabelledPhoto]:
    """Return the photos of a file with their labels, after checking that all photos exist.

    Args:
        path: CSV with a column image (or file), optionally person, and columns of labels.
        images: Folder that the paths of photos are relative to.

    Raises:
        InvalidInputError: The file cannot be read, a column or photo is missing, a line is
            malformed, or the file has more than ``MAX_PHOTOS`` photos.
        ReadTimedOutError: The file system does not answer.
    """
    with open_csv(path) as reader:
        numbered = [(reader.line_num, dict(row)) for row in reader]
        columns = list(reader.fieldnames or ())
    image = next((name for name in IMAGE_COLUMNS if name in columns), None)
    labels = [name for name in columns if name not in (image, PERSON_COLUMN)]
    if image is None or not labels:
        raise InvalidInputError(
            f"{path} lacks the column image, or columns of labels",
            "the columns are image, optionally person, and one or more columns of labels",
        )
    for number, row in numbered:
        if None in row or None in row.values():
            raise InvalidInputError(
                f"{path} line {number} does not have {len(columns)} values",
                "write a value for each column; quote values that contain commas",
            )
    rows = [row for _, row in numbered]
    require_photos([row[image] for row in rows], images)
    if len(rows) > MAX_PHOTOS:
        raise InvalidInputError(
            f"{path} has {len(rows):,} photos, more than {MAX_PHOTOS:,}", "use fewer photos"
        )
    return [
        LabelledPhoto(
            row[image],
            row.get(PERSON_COLUMN) or f"photo {number}",
            {name: row[name] for name in labels},
        )
        for number, row in enumerate(rows)
    ]


def label_rates(photos: Sequence[LabelledPhoto], faces: DescribedFaces) -> LabelEvaluation:
    """Return false match rates within each label, at one threshold for all.

    Args:
        photos: Photos with their labels.
        faces: The described faces of these photos.

    Raises:
        InvalidInputError: Faces were found in too few photos for any rate.
    """
    by_image = {photo.image: photo for photo in photos}
    found = [by_image[name] for name in faces.names]
    one, other = np.triu_indices(len(found), 1)
    people = np.unique([photo.person for photo in found], return_inverse=True)[1]
    different = people[one] != people[other]
    one, other = one[different].astype(np.int64), other[different].astype(np.int64)
    fitting = [rate for rate in rates_that_fit(len(one)) if rate >= OVERALL_RATE]
    if not fitting:
        raise InvalidInputError(
            f"too few pairs of different people for rates: {len(one):,}; photos with "
            f"a face: {len(found):,} of {len(photos):,}",
            "rates need at least 50 pairs of different people",
        )
    rate = fitting[-1]
    distances, scores = faces.scores(one, other)
    plain, normalised = (values <= np.quantile(values, rate) for values in (distances, scores))
    rates = []
    for column in found[0].labels:
        values = np.array([photo.labels[column] for photo in found])
        for value in np.unique(values):
            inside = (values[one] == value) & (values[other] == value)
            rates.append(
                LabelRates(
                    column,
                    str(value),
                    int(inside.sum()),
                    _share(plain, inside),
                    _share(normalised, inside),
                )
            )
    return LabelEvaluation(len(photos), faces.failures, len(one), rate, rates)


def _share(matched: NDArray[np.bool_], inside: NDArray[np.bool_]) -> Interval:
    return wilson(int(matched[inside].sum()), int(inside.sum()))
