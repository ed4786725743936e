"""Collections are exported on one machine and imported on another."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.cli.exit_codes import ExitCode
from tests.unit.cli.test_main import run


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A collection with a person, exported into a folder."""
    here = ("--data", tmp_path / "here")
    assert run("collections", "create", "staff", *here).exit_code == 0
    assert run("people", "create", "--collection", "staff", "ann", *here).exit_code == 0
    exported = run("collections", "export", "staff", "--output", tmp_path / "out", *here)
    assert exported.exit_code == 0, exported.output
    return tmp_path / "out"


def test_a_collection_is_imported_into_a_data_folder_that_does_not_exist_yet(
    exported: Path, tmp_path: Path
) -> None:
    there = ("--data", tmp_path / "new" / "machine")
    imported = run("collections", "import", exported, *there)
    assert imported.exit_code == 0, imported.output
    assert "ann" in run("people", "list", "--collection", "staff", *there).stdout


def test_a_folder_that_is_no_export_is_refused_in_one_line(tmp_path: Path) -> None:
    result = run("collections", "import", tmp_path / "nothing", "--data", tmp_path / "new")
    assert result.exit_code == ExitCode.INVALID_INPUT
    assert "is not an exported collection" in result.stderr.splitlines()[0]
