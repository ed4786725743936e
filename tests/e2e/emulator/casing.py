"""Converts names of AWS Batch's interface to those of Step Functions and CloudFormation."""

# ruff: noqa: ANN401 - JSON
from __future__ import annotations

from collections.abc import Callable
from typing import Any

MAPS = ("parameters", "tags", "options")
"""Objects whose keys callers choose."""


def camel_case(document: Any) -> Any:
    """Return a document whose keys start in lower case."""
    return _renamed(document, lambda key: key[:1].lower() + key[1:])


def pascal_case(document: Any) -> Any:
    """Return a document whose keys begin in upper case."""
    return _renamed(document, lambda key: key[:1].upper() + key[1:])


def _renamed(document: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(document, list):
        return [_renamed(each, rename) for each in document]
    if not isinstance(document, dict):
        return document
    return {
        rename(key): value if key.lower() in MAPS else _renamed(value, rename)
        for key, value in document.items()
    }
