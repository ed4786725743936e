"""Names in results cannot take over the terminal that shows them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import facerec.cli
from facerec.cli.output import console, say, shown_name, table
from facerec.cli.printable import printable

PRINTERS = {"echo", "secho", "echo_via_pager", "confirm", "prompt", "style", "write", "print"}
"""Functions that print a text as it is, except methods of a console."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("张伟 Zoë", "张伟 Zoë"),
        ("two\nlines", r"two\nlines"),
        ("two\u2028lines\u2029or\x85three", r"two\u2028lines\u2029or\x85three"),
        ("\x1b]0;title\x07\x1b[2J.jpg", r"\x1b]0;title\x07\x1b[2J.jpg"),
        ("a\ud800\udcff.jpg", r"a\ud800\udcff.jpg"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\x9b31m", r"\x9b31m"),
        ("\r", r"\r"),
    ],
)
def test_characters_that_a_terminal_acts_on_are_shown_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("path", sorted(Path(*facerec.cli.__path__).glob("*.py")), ids=str)
def test_commands_print_by_the_functions_that_escape(path: Path) -> None:
    if path.name in ("output.py", "safe_console.py"):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            module, _, name = called.rpartition(".")
            own = module in ("", "click", "sys.stdout", "sys.stderr", "rich") and name in PRINTERS
            imported = module == "" and name == "confirm"
            assert imported or not own, f"{path.name}:{node.lineno}: {called}"
            assert name != "Console", f"{path.name}:{node.lineno}: {called}"


def test_a_name_in_a_table_or_a_line_is_printed_without_its_escapes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = table("who", "photo")
    rows.add_row("\x1b[2Jann\nforged", "\x1b]0;PWNED\x07.jpg\u2028forged")
    console().print(rows)
    console().print("photo \x1b[31m.jpg\nforged")
    console(stderr=True).print("photo \x1b[31m.jpg\u2029forged")
    say("photo \x1b[31m.jpg\nforged")
    say("photo \x1b[31m.jpg\x85forged", err=True)
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert "PWNED" in told.out
    lines = f"{told.out}{told.err}".splitlines()
    assert not [line for line in lines if line.strip().startswith("forged")]


def test_a_name_between_colons_is_not_printed_as_an_emoji(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = table("photo")
    rows.add_row("cam:key:1.jpg")
    console().print(rows)
    console().print("cam:key:1.jpg")
    assert capsys.readouterr().out.count("cam:key:1.jpg") == 2


def test_a_derived_name_is_shown_as_people_write_it() -> None:
    assert shown_name(".xE5.xBC.xA0:1.jpg") == "张:1.jpg"
    assert shown_name(None) == "-"


def test_a_table_of_long_names_fits_a_terminal_and_breaks_no_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = console()
    out.width = 80
    face_id, name = "2556d959-ba78-8c64-ae9d-da660621bdbd", "a long name " * 10 + "x" * 200
    rows = table("face id", "who", "photo", "confidence", right=("confidence",), whole=("face id",))
    rows.add_row(face_id, name, f"/photos/{name}.jpg", "0.998")
    out.print(rows)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].endswith("confidence")
    assert any(face_id in line and line.endswith("0.998") for line in lines)
