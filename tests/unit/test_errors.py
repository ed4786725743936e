"""Errors carry fields; each door maps every class, and only the command line names commands."""

from __future__ import annotations

import ast
import json
import pickle
import re
from pathlib import Path

import click
import pytest

import facerec
from facerec import errors
from facerec.cli.exit_codes import ExitCode, exit_code_of, hint_of
from facerec.cli.main import main
from facerec.errors import (
    AccessDeniedError,
    CollectionNotFoundError,
    ConfigurationError,
    FaceInUseError,
    FacerecError,
    InvalidInputError,
    ModelMismatchError,
    NoFaceError,
    NotFoundError,
    StoreUnavailableError,
    error_from_json,
)
from tests.support.error_examples import ERRORS, example_of

PACKAGE = Path(facerec.__file__).parent
REPOSITORY = PACKAGE.parent


def test_the_docstring_shows_every_class_below_its_base() -> None:
    above: dict[int, str] = {}
    shown = {}
    for line in (errors.__doc__ or "").splitlines():
        name = line.strip("│├└─ ")
        if name.endswith("Error"):
            depth = len(line) - len(name)
            above[depth] = name
            parents = [above[each] for each in sorted(above) if each < depth]
            shown[name] = parents[-1] if parents else "Exception"
            above = {each: above[each] for each in above if each <= depth}
    assert shown == {kind.__name__: kind.__bases__[0].__name__ for kind in ERRORS}


def test_every_error_of_facerec_is_defined_in_one_module() -> None:
    names = {kind.__name__ for kind in ERRORS}
    defined = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "errors.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in names for base in node.bases)
    ]
    assert not defined


@pytest.mark.parametrize(
    "error",
    [
        FacerecError("message", "hint"),
        AccessDeniedError("the index", "the key is wrong", "check it"),
        *map(example_of, ERRORS),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_the_way_to_another_process(error: FacerecError) -> None:
    received = pickle.loads(pickle.dumps(error))
    assert type(received) is type(error)
    assert str(received) == str(error) == error.message
    assert vars(received) == vars(error)
    answered = error_from_json(json.loads(json.dumps(error.to_json())))
    assert type(answered) is type(error)
    assert str(answered) == error.message
    assert answered.to_json() == json.loads(json.dumps(error.to_json()))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FacerecError("x"), ExitCode.ERROR),
        (StoreUnavailableError("x"), ExitCode.ERROR),
        (NotFoundError("x"), ExitCode.NOT_FOUND),
        (CollectionNotFoundError("x"), ExitCode.NOT_FOUND),
        (InvalidInputError("x"), ExitCode.INVALID_INPUT),
        (ConfigurationError("x"), ExitCode.INVALID_INPUT),
        (NoFaceError("x"), ExitCode.NO_FACE),
        (ModelMismatchError("x", "y"), ExitCode.MODEL_MISMATCH),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_has_the_exit_code_of_the_nearest_class(
    error: FacerecError, code: ExitCode
) -> None:
    assert exit_code_of(error) is code


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("CORRUPT", "photos are JPEG"),
        ("TOO_SMALL", "32 pixels a side"),
        ("UNSUPPORTED_FORMAT", None),
    ],
)
def test_the_hint_about_an_unreadable_photo_fits_its_reason(reason: str, hint: str | None) -> None:
    found = errors.UnreadablePhotoError("a.jpg", reason, "detail").hint
    assert (hint in found) if hint is not None and found is not None else found is hint


def test_only_the_command_line_gives_advice_about_the_command_line() -> None:
    error = CollectionNotFoundError("staff")
    assert error.hint is None
    assert "facerec collections list" in (hint_of(error, on_stack=False) or "")
    assert hint_of(InvalidInputError("message", "another hint"), on_stack=False) == "another hint"
    in_use = FaceInUseError("f", "ann")
    assert "disassociate" in (in_use.hint or "")
    assert "--disassociate" in (hint_of(in_use, on_stack=False) or "")


def test_no_text_below_the_command_line_names_a_command_or_an_option() -> None:
    """Texts reach clients of the servers and the causes of executions on AWS too."""
    commands = "|".join(map(re.escape, main.list_commands(click.Context(main))))
    advice = re.compile(rf"\bfacerec ({commands})\b|(?<![\w-])--[a-z]")
    named = [
        f"{path.relative_to(REPOSITORY)}:{text.lineno}: {text.value}"
        for folder in (PACKAGE, REPOSITORY / "lambdas", REPOSITORY / "batch_job")
        for path in folder.rglob("*.py")
        if PACKAGE / "cli" not in path.parents
        for text in _texts(ast.parse(path.read_text("utf-8")))
        if advice.search(str(text.value))
    ]
    assert not named


def _texts(module: ast.Module) -> list[ast.Constant]:
    """Return all string literals of a module except its docstrings."""
    statements = {node.value for node in ast.walk(module) if isinstance(node, ast.Expr)}
    return [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node not in statements
    ]
