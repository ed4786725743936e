"""A spreadsheet that opens a CSV file runs nothing that a stranger wrote as a name."""

from __future__ import annotations

import pytest

from facerec.cli.csv_rows import safe_row


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=1+1.jpg"]
)
def test_a_name_that_a_spreadsheet_would_run_becomes_text(name: str) -> None:
    assert safe_row(["photo.jpg", name]) == ["photo.jpg", f"'{name}"]


def test_other_texts_and_numbers_stay_as_they_are() -> None:
    row = ["张伟", "Ann = Bea", "", None, -1.5, "0.9871", "members/-1.jpg"]
    assert safe_row(row) == row
