"""The pages of the documentation: complete, linked, and free of dead links."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAME_IN_CODE = re.compile(r"``((?:facerec|lambdas|batch_job)(?:\.\w+)+)``")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), link


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {target.partition("#")[0] for target in LINK.findall(index.read_text("utf-8"))}
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= listed


def test_the_table_of_test_kinds_lists_every_folder_of_tests() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    kinds = set(re.findall(r"^\| `tests/(\w+)` \|", contributing, re.MULTILINE))
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")} - {"support"}
    assert kinds == folders


def resolve(name: str) -> Any:  # noqa: ANN401 - whatever the name means
    """Return what a dotted name means: a module, or an attribute of one.

    Raises:
        AttributeError: It means nothing.
    """
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        with suppress(ModuleNotFoundError):
            found: Any = import_module(".".join(parts[:end]))
            for attribute in parts[end:]:
                found = getattr(found, attribute)
            return found
    raise AttributeError(name)


def test_every_name_that_a_docstring_mentions_exists() -> None:
    for folder in ("facerec", "lambdas", "batch_job"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name in NAME_IN_CODE.findall(path.read_text("utf-8")):
                assert resolve(name) is not None, (path, name)
