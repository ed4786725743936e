"""Imports follow the tables of packages and sub-packages in CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `((?:facerec|lambdas|batch_job)[\w.]*)` \|[^|]*\|([^|]*)\|$", re.MULTILINE)

CORE = """
import importlib, pkgutil, sys
import facerec.core
for module in pkgutil.walk_packages(facerec.core.__path__, "facerec.core."):
    importlib.import_module(module.name)
print({"numpy", "boto3", "pinecone", "onnxruntime", "PIL"} & set(sys.modules) or "")
"""

WORKER = """
import sys
import tests.support.fake_worker
print({"boto3", "click", "fastapi", "moto", "pytest"} & set(sys.modules) or "")
"""

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def depth(module: str) -> int:
    """Return 0 for ``facerec`` itself, 1 for a package of the table, 2 for a sub-package."""
    return module.count(".") + (not module.startswith("facerec"))


def table() -> dict[str, set[str]]:
    """Return the packages of CONTRIBUTING.md and what each may import."""
    packages = {}
    for package, cell in ROW.findall(CONTRIBUTING):
        if depth(package) < 2:
            names = re.findall(r"`([\w.]+)`", cell)
            allowed = {name if name == "facerec" else f"facerec.{name}" for name in names}
            packages[package] = {package, "facerec.errors", *allowed}
    return packages


def sub_table() -> dict[str, set[str]]:
    """Return the sub-packages of CONTRIBUTING.md and the siblings that each may import."""
    found = {}
    for name, cell in ROW.findall(CONTRIBUTING):
        if depth(name) == 2:
            package = name.rpartition(".")[0]
            found[name] = {f"{package}.{sibling}" for sibling in re.findall(r"`([\w.]+)`", cell)}
    return found


PACKAGES = table()
SUB_PACKAGES = sub_table()


def modules() -> dict[str, Path]:
    found = {}
    for top in ("facerec", "lambdas", "batch_job"):
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def package_of(module: str) -> str:
    """Return the row of the table that a module belongs to: the longest name that it starts with.

    Only the module `facerec` itself belongs to the row `facerec`.
    """
    fitting = [
        package
        for package in PACKAGES
        if module == package or (module.startswith(f"{package}.") and package != "facerec")
    ]
    assert fitting, f"{module} belongs to no package of the table in CONTRIBUTING.md"
    return max(fitting, key=len)


def imported_by(path: Path) -> Iterator[str]:
    """Yield the project's modules that a file imports anywhere, also for types only."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                if submodule in MODULES:
                    yield submodule
                elif node.module in MODULES:
                    yield node.module


GRAPH = {name: set(imported_by(path)) - {name} for name, path in MODULES.items()}


def cycles(graph: dict[str, set[str]]) -> set[str]:
    """Return the strongly connected groups of a graph's nodes, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = set()

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            start = stack.index(node)
            group, stack[start:] = stack[start:], []
            if len(group) > 1:
                found.add(" <- ".join(sorted(group)))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def member_of(module: str) -> str:
    """Return the sub-package or the module of a package that a module is or belongs to."""
    return ".".join(module.split(".")[: 3 if module.startswith("facerec") else 2])


MEMBERS: dict[str, set[str]] = {member_of(name): set() for name in MODULES}
for name, targets in GRAPH.items():
    MEMBERS[member_of(name)] |= {member_of(target) for target in targets} - {member_of(name)}


def test_every_package_of_the_table_exists() -> None:
    for package, allowed in PACKAGES.items():
        assert package in MODULES
        assert allowed <= set(PACKAGES), package


def test_the_table_itself_has_no_cycle() -> None:
    below: dict[str, set[str]] = {name: allowed - {name} for name, allowed in PACKAGES.items()}
    while below:
        free = {name for name, allowed in below.items() if not allowed & set(below)}
        assert free, f"these packages may import each other in a circle: {sorted(below)}"
        below = {name: allowed for name, allowed in below.items() if name not in free}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_table_allows(package: str) -> None:
    wrong = {
        f"{module} -> {target}"
        for module, targets in GRAPH.items()
        for target in targets
        if package_of(module) == package and package_of(target) not in PACKAGES[package]
    }
    assert wrong == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_table_allows_a_package_only_what_it_imports(package: str) -> None:
    used = {
        package_of(target)
        for module, targets in GRAPH.items()
        for target in targets
        if package_of(module) == package
    }
    assert PACKAGES[package] - {package, "facerec.errors"} <= used


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycles(GRAPH) == set()


def test_no_sub_package_imports_what_imports_it() -> None:
    assert cycles(MEMBERS) == set()


def test_the_table_names_every_sub_package() -> None:
    folders = {
        name for name, path in MODULES.items() if path.name == "__init__.py" and depth(name) == 2
    }
    assert set(SUB_PACKAGES) == folders


@pytest.mark.parametrize("name", SUB_PACKAGES)
def test_a_sub_package_imports_the_siblings_that_the_table_lists(name: str) -> None:
    siblings = {other for other in SUB_PACKAGES if package_of(other) == package_of(name)}
    assert MEMBERS[name] & siblings == SUB_PACKAGES[name]


def test_the_core_imports_neither_numpy_nor_a_service() -> None:
    run = subprocess.run([sys.executable, "-c", CORE], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_workers_of_tests_import_no_server_and_no_emulator() -> None:
    """Hundreds of jobs in tests start one."""
    command = [sys.executable, "-c", WORKER]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_the_product_does_not_import_its_tests_benchmarks_or_training() -> None:
    forbidden = re.compile(r"^\s*(?:from|import) (tests|benchmarks|training)\b", re.MULTILINE)
    for path in MODULES.values():
        assert not forbidden.search(path.read_text("utf-8")), path


def late_imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the modules of the product that functions import, with the function around them."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    inner = {id(each) for one in functions for each in ast.walk(one) if each is not one}
    for function in (each for each in functions if id(each) not in inner):
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom) and node.module and node.module in MODULES:
                yield node.module, f"{function.name}:{function.lineno}"


def test_what_several_functions_of_a_module_import_late_is_a_deferred_module() -> None:
    users: dict[tuple[str, str], set[str]] = {}
    for name, path in MODULES.items():
        for imported, function in late_imports(path):
            users.setdefault((name, imported), set()).add(function)
    assert not {names: functions for names, functions in users.items() if len(functions) > 1}


def test_a_deferred_module_is_imported_for_its_types_too() -> None:
    """The import lets the tests above and mypy see the module."""
    missing = []
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text("utf-8"))
        imported = {
            f"{node.module}.{each.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for each in node.names
        }
        missing += [
            (name, node.args[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "DeferredModule"
            and isinstance(node.args[0], ast.Constant)
            and str(node.args[0].value).startswith(("facerec.", "batch_job."))
            and node.args[0].value not in imported
        ]
    assert not missing
