"""CSV files of matches, as somebody opens them in a spreadsheet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.support.command_line import EXAMPLES, Facerec


@pytest.mark.parametrize("command", ["find", "match"])
def test_a_name_of_a_csv_file_is_no_formula(
    facerec: Facerec, people: Path, tmp_path: Path, command: str
) -> None:
    of = ("--collection", "people")
    matched = json.loads(facerec("match", EXAMPLES / "probe.jpg", *of, "--json").stdout)
    face_id = matched["faces"][0]["matches"][0]["face"]["face_id"]
    facerec("people", "create", *of, "e-1", "--name", "=1+1")
    assert facerec("people", "add", *of, "e-1", face_id).exit_code == 0
    probe = {"find": "e-1", "match": EXAMPLES}[command]
    written = facerec(command, probe, *of, "--csv", tmp_path / "found.csv")
    assert written.exit_code == 0, written.output
    with (tmp_path / "found.csv").open(newline="", encoding="utf-8") as file:
        names = {row["person_name"] for row in csv.DictReader(file)}
    assert names - {""} == {"'=1+1"}
