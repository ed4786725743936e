"""No two functions of the product have the same body: each rule is written once."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("facerec", "lambdas", "batch_job")

MIN_LENGTH = 70
"""Length of a body, in characters, above which two equal ones are one rule written twice."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Renamed(ast.NodeTransformer):
    """Replaces the names of a function's variables by their order of appearance."""

    def __init__(self, function: Function) -> None:
        own = [node.arg for node in ast.walk(function) if isinstance(node, ast.arg)]
        own += [
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        self._names = {name: f"n{number}" for number, name in enumerate(dict.fromkeys(own))}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Return the name of a variable by its number, and that of anything else as it is."""
        return ast.Name(self._names.get(node.id, node.id), node.ctx)


def body_of(function: Function) -> str:
    """Return the body of a function without its docstring and its names."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    statements = function.body[1:] if documented else function.body
    renamed = Renamed(function)
    return "\n".join(ast.unparse(renamed.visit(each)) for each in statements)


def functions() -> Iterator[tuple[str, Function]]:
    """Yield the functions of the product with their places."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, Function):
                    yield f"{path.relative_to(ROOT)}: {node.name}", node


def test_no_two_functions_have_the_same_body() -> None:
    places = defaultdict(list)
    for place, function in functions():
        body = body_of(function)
        if len(body) >= MIN_LENGTH:
            places[body].append(place)
    assert [same for same in places.values() if len(same) > 1] == []
