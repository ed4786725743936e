"""The list of public programs names tests that exist and that send the calls it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in (ROOT / "docs" / "public-programs.md").read_text().splitlines()
    if line.startswith("| ") and "`test_" in line
]
TESTS = {
    node.name: node
    for node in ast.parse(
        (ROOT / "tests" / "functional" / "clients" / "test_public_programs.py").read_text()
    ).body
    if isinstance(node, ast.FunctionDef)
}


def calls_of(test: str) -> set[str]:
    """Return the operations that a test calls, or pages through."""
    called = set()
    for node in ast.walk(TESTS[test]):
        if isinstance(node, ast.Attribute):
            called.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            called.add(node.value)
    return called


def test_there_are_programs() -> None:
    assert len(ROWS) == 24
    assert all(len(row) == 4 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0].partition(",")[0] for row in ROWS])
def test_the_calls_of_a_program_are_replayed(row: list[str]) -> None:
    tests = re.findall(r"`(test_\w+)`", row[3])
    assert tests
    replayed = set[str]().union(*map(calls_of, tests))
    for call in row[2].split(", "):
        assert re.sub(r"(?<!^)(?=[A-Z])", "_", call).lower() in replayed, call
