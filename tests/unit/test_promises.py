"""What the documents promise is attacked by tests that exist, and bounded by limits in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = (ROOT / "docs" / "promises.md").read_text()
THREATS = (ROOT / "docs" / "threat-model.md").read_text()

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
TESTS = NAMED.findall(PROMISES)
BOUNDS = re.findall(r"^\| .+ \| ([\d,]+) \| `([\w.]+)\.(\w+)` \|$", THREATS, re.MULTILINE)


MODULES = [
    str(path.relative_to(ROOT))
    for path in sorted((ROOT / "tests").rglob("test_*.py"))
    if not path.is_relative_to(ROOT / "tests" / "e2e")
]


def promises() -> list[str]:
    """Return the text of each promise."""
    promised = PROMISES.partition("## Not promised")[0]
    return re.split(r"^- ", promised, flags=re.MULTILINE)[1:]


@cache
def functions_in(path: str) -> dict[str, bool]:
    """Return whether each function of a module is marked as long, by itself or with its class."""
    tree = ast.parse((ROOT / path).read_text())
    marked = [
        statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
    ]
    return dict(_functions_of(tree, is_long=_is_marked(marked)))


def _functions_of(parent: ast.AST, *, is_long: bool) -> Iterator[tuple[str, bool]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            marked = is_long or _is_marked(node.decorator_list)
            if isinstance(node, ast.FunctionDef):
                yield node.name, marked
            yield from _functions_of(node, is_long=marked)


def _is_marked(expressions: list[ast.expr]) -> bool:
    """Return whether decorators mark as long what they are for, or each of its parameters."""
    return any(_marks(expression) for expression in expressions)


def _marks(expression: ast.expr) -> bool:
    match expression:
        case ast.Call(args=[_, ast.List(elts=cases) | ast.Tuple(elts=cases)]):
            # Of pytest.mark.parametrize.
            return all("pytest.mark.long" in ast.unparse(case) for case in cases)
        case ast.List(elts=marks):
            return any(_marks(mark) for mark in marks)
        case _:
            return ast.unparse(expression) == "pytest.mark.long"


def test_there_are_promises_and_bounds() -> None:
    assert len(TESTS) > 25
    assert len(BOUNDS) > 15


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_promise_names_a_test_that_exists(path: str, name: str) -> None:
    assert (ROOT / path).is_file(), path
    assert name in functions_in(path)


def test_each_promise_names_a_test() -> None:
    assert [item for item in promises() if "`tests/" not in item] == []


def test_each_promise_names_a_test_that_is_not_long() -> None:
    unattacked = [
        item
        for item in promises()
        if all(functions_in(path)[name] for path, name in NAMED.findall(item))
    ]
    assert unattacked == [], "`make test` attacks nothing of these"


@pytest.mark.parametrize("path", MODULES)
def test_each_module_has_a_test_that_is_not_long(path: str) -> None:
    tests = [long for name, long in functions_in(path).items() if name.startswith("test_")]
    # Some modules only name a suite to run.
    assert tests == [] or not all(tests)


@pytest.mark.parametrize(("value", "module", "name"), BOUNDS)
def test_a_bound_is_that_of_the_code(value: str, module: str, name: str) -> None:
    assert getattr(import_module(module), name) == int(value.replace(",", ""))
