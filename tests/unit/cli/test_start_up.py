"""The help of a command starts fast: it imports nothing that only the work of a command needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from facerec.cli.main import main

HEAVY = ("PIL", "boto3", "fastapi", "jsonschema", "numpy", "onnxruntime", "pydantic")

PROGRAM = """
import sys
from facerec.cli.main import main
try:
    main(sys.argv[2:])
except SystemExit as end:
    assert end.code == 0, end.code
print(sorted(set(sys.argv[1].split(",")) & set(sys.modules)) or "", file=sys.stderr, end="")
"""


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command and group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*above, name)
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


@pytest.mark.parametrize("words", [(), *commands(main)], ids=" ".join)
def test_the_help_of_a_command_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    started = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(HEAVY), *words, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    assert "Usage: " in started.stdout
    assert started.stderr == "", f"imports {started.stderr}"
