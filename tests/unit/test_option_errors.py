"""The error for an option states the rule that its value breaks, in every case."""

from __future__ import annotations

from typing import Any

import pytest

from facerec.core.options import FaceOptions
from facerec.core.prune_limit import checked_limit_percentage
from facerec.errors import InvalidInputError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_faces": 2.5}, "max_faces must be an integer from 1 to 100, got 2.5"),
        ({"max_faces": "2"}, "max_faces must be an integer from 1 to 100, got '2'"),
        ({"max_pixels": 2.5}, "max_pixels must be an integer of at least 1, got 2.5"),
        (
            {"smallest_face": 40.5},
            "the smallest face must be an integer of at least 20 pixels, got 40.5",
        ),
        ({"min_confidence": True}, "min_confidence must be a number from 0 to 1, got True"),
        ({"min_confidence": "0.5"}, "min_confidence must be a number from 0 to 1, got '0.5'"),
    ],
)
def test_a_value_within_the_range_but_of_another_type_is_refused_for_its_type(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        FaceOptions(**options)
    assert refused.value.message == message


@pytest.mark.parametrize("limit", ["5", True, 101, float("nan")])
def test_a_limit_that_is_not_a_percentage_is_refused_with_the_rule(
    limit: Any,  # noqa: ANN401 - any type that a program may give
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        checked_limit_percentage(limit)
    assert refused.value.message == f"the limit must be a number from 0 to 100 %, got {limit!r}"
