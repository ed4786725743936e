"""Limits and patterns are defined once; copies in schemas and in the page are compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facerec.core.names import (
    COLLECTION_ID_CHARACTER,
    EXTERNAL_IMAGE_ID_CHARACTER,
    MAX_NAME_LENGTH,
    checked_collection_id,
    checked_external_image_id,
)
from facerec.core.options import DEFAULT_THRESHOLD
from facerec.core.schemas import violation
from facerec.errors import InvalidInputError

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = sorted((ROOT / "facerec" / "schemas").glob("*.json"))
PAGE = (ROOT / "facerec" / "api" / "page" / "index.html").read_text("utf-8")
END = r"$(?![\s\S])"
"""End of a text. In Python, `$` alone also matches before a final line break."""


def properties(schema: Any, name: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Yield the schemas of every property of a name that has a pattern."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == name and isinstance(value, dict) and "pattern" in value:
                yield value
            yield from properties(value, name)
    elif isinstance(schema, list):
        for item in schema:
            yield from properties(item, name)


@pytest.mark.parametrize(
    ("name", "character"),
    [
        ("collection_id", COLLECTION_ID_CHARACTER),
        ("external_image_id", EXTERNAL_IMAGE_ID_CHARACTER),
    ],
)
def test_schemas_have_the_patterns_of_names(name: str, character: str) -> None:
    found = [
        found for path in SCHEMAS for found in properties(json.loads(path.read_text("utf-8")), name)
    ]
    assert found
    assert {each["pattern"] for each in found} == {f"^{character}+{END}"}
    assert {each["maxLength"] for each in found} == {MAX_NAME_LENGTH}


def test_the_page_has_the_pattern_of_external_image_ids() -> None:
    pattern = f"{EXTERNAL_IMAGE_ID_CHARACTER}{{1,{MAX_NAME_LENGTH}}}"
    assert f'pattern="{pattern}"' in PAGE


def test_the_page_starts_at_the_default_threshold() -> None:
    match = re.search(r'id="threshold"[^>]*value="([\d.]+)"', PAGE)
    assert match is not None
    assert float(match.group(1)) == DEFAULT_THRESHOLD


@pytest.mark.parametrize("name", ["staff", "a" * 255, "a.b-c_D9", "", "a" * 256, "a b", "a\n", "é"])
def test_a_schema_and_the_code_accept_the_same_collection_ids(name: str) -> None:
    document = {"collection_id": name, "manifest": "s3://bucket/photos/"}
    refused = False
    try:
        checked_collection_id(name)
    except InvalidInputError:
        refused = True
    assert (violation("execution-input", document) is not None) is refused


@pytest.mark.parametrize("name", ["ann:1", "a" * 255, "", "a" * 256, "a/b", "a:\n"])
def test_a_schema_and_the_code_accept_the_same_external_image_ids(name: str) -> None:
    refused = False
    try:
        checked_external_image_id(name)
    except InvalidInputError:
        refused = True
    line = {"image": "photo.jpg", "external_image_id": name}
    assert (violation("manifest-line", line) is not None) is refused
