"""A spreadsheet that opens a CSV file runs nothing that a stranger wrote as a name."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from facerec.cli.csv_rows import decimals, safe_row


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "=1+1.jpg"]
)
def test_a_name_that_a_spreadsheet_would_run_becomes_text(name: str) -> None:
    assert safe_row(["photo.jpg", name]) == ["photo.jpg", f"'{name}"]


def test_other_texts_and_numbers_stay_as_they_are() -> None:
    row = ["张伟", "Ann = Bea", "", None, -1.5, "0.9871", "members/-1.jpg"]
    assert safe_row(row) == row


@pytest.mark.parametrize("number", [-0.0024, -0.00001, 0.0, 0.5, 1.25])
def test_a_number_is_written_so_that_programs_read_it(number: float) -> None:
    file = StringIO()
    csv.writer(file).writerow(safe_row([decimals(number)]))
    assert file.getvalue() == f"{number:.4f}\r\n"


def test_a_path_that_is_not_utf_8_can_be_written() -> None:
    path = b"=m\xfcller.jpg".decode(errors="surrogateescape")
    (cell,) = safe_row([path])
    assert cell.encode() == rb"'=m\xfcller.jpg"
