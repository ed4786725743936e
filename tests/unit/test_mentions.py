"""A reason mentions somebody if it has the name as words of its own, in any case."""

from __future__ import annotations

import pytest

from facerec.core.mentions import mentions


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("asked for by Zcanary", "Zcanary"),
        ("asked for by ZCANARY, twice", "zcanary"),
        ("zcanary's mother called", "Zcanary"),
        ("annex, then ann", "ann"),
        ("wrong p-17!", "p-17"),
        ("张伟的照片不对", "张伟"),
        ("the photos of Zoe\u0308 Lee", "Zo\u00eb Lee"),
    ],
)
def test_a_name_is_found_as_words_in_any_case(reason: str, name: str) -> None:
    assert mentions(reason, ["nobody", name])


@pytest.mark.parametrize(
    ("reason", "name"),
    [("a wrong name", "b"), ("wrong", "on"), ("annex", "ann"), ("face 4711", "47"), ("", "ann")],
)
def test_a_part_of_a_word_or_number_is_no_name(reason: str, name: str) -> None:
    assert not mentions(reason, [name, ""])
