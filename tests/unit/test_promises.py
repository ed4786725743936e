"""What the documents promise is attacked by tests that exist, and bounded by limits in the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = (ROOT / "docs" / "promises.md").read_text()
THREATS = (ROOT / "docs" / "threat-model.md").read_text()

TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PROMISES)
BOUNDS = re.findall(r"^\| .+ \| ([\d,]+) \| `([\w.]+)\.(\w+)` \|$", THREATS, re.MULTILINE)


@cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_there_are_promises_and_bounds() -> None:
    assert len(TESTS) > 25
    assert len(BOUNDS) > 15


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_promise_names_a_test_that_exists(path: str, name: str) -> None:
    assert (ROOT / path).is_file(), path
    assert name in functions_in(path)


def test_each_promise_names_a_test() -> None:
    promised = PROMISES.partition("## Not promised")[0]
    items = re.split(r"^- ", promised, flags=re.MULTILINE)[1:]
    assert [item for item in items if "`tests/" not in item] == []


@pytest.mark.parametrize(("value", "module", "name"), BOUNDS)
def test_a_bound_is_that_of_the_code(value: str, module: str, name: str) -> None:
    assert getattr(import_module(module), name) == int(value.replace(",", ""))
