"""A store is called after what it contains, and then nothing else beside it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

STORES = {"clusters", "faces", "objects", "records", "thumbnails"}
STORED = re.compile(rf"\b({'|'.join(sorted(STORES))})=")
ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path for folder in ("facerec", "lambdas", "batch_job") for path in (ROOT / folder).rglob("*.py")
)


def names_with_two_meanings(source: str) -> Iterator[str]:
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        nodes = list(ast.walk(function))
        assigned = {
            node.id
            for node in nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for call in nodes:
            if not isinstance(call, ast.Call):
                continue
            first = {each.id for each in call.args if isinstance(each, ast.Name)}
            for keyword in call.keywords:
                store = ast.unparse(keyword.value)
                name = str(keyword.arg)
                if name in STORES and (
                    name in first or (name in assigned and f"self._{name}" in store)
                ):
                    yield f"{function.name}: {name}"


def test_no_function_uses_the_name_of_a_store_for_something_else() -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for path in MODULES
        if STORED.search(text := path.read_text())
        if (names := set(names_with_two_meanings(text)))
    }
    assert found == {}


@pytest.mark.parametrize(
    "body",
    [
        "add(collection, faces, faces=self._faces)",
        "faces = describe(photo)\n    store(faces=self._faces.of(collection))",
    ],
)
def test_both_ways_of_mixing_a_store_and_a_list_are_found(body: str) -> None:
    assert list(names_with_two_meanings(f"def index(self):\n    {body}")) == ["index: faces"]
