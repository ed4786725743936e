from collections.abc import Callable

import pytest

from facerec.core.names import checked_collection_id, checked_external_image_id
from facerec.errors import InvalidInputError

KINDS = pytest.mark.parametrize("check", [checked_collection_id, checked_external_image_id])
Check = Callable[[str], str]


@KINDS
@pytest.mark.parametrize("name", ["a", "staff_2.new-York", "0", "x" * 255, "..", "-"])
def test_letters_digits_dots_dashes_and_underscores_are_fine(check: Check, name: str) -> None:
    assert check(name) == name


@KINDS
@pytest.mark.parametrize(
    "name", ["", "x" * 256, "a b", "a/b", "é", "staff\n", "\n", "a\0", "٣", "a;b", "'"]
)
def test_other_names_are_refused_in_one_line(check: Check, name: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        check(name)
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 300


def test_only_external_image_ids_may_have_colons() -> None:
    assert checked_external_image_id("ann:1") == "ann:1"
    with pytest.raises(InvalidInputError):
        checked_collection_id("ann:1")
