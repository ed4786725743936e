"""The command line as a person uses it, on the example photos and the real networks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from facerec.cli.main import main
from tests.support.command_line import EXAMPLES, Facerec


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return an empty data folder."""
    return tmp_path / "data"


@pytest.fixture
def facerec(data: Path) -> Facerec:
    """Return a function that runs a command on the data folder."""

    def run(*words: object, data: Path = data, **settings: Any) -> Result:  # noqa: ANN401
        environment = {"FACEREC_DATA": str(data)}
        return CliRunner(env=environment).invoke(main, [str(word) for word in words], **settings)

    return run


@pytest.fixture(scope="session")
def indexed_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index the example photos once; tests work on copies of the data folder."""
    data = tmp_path_factory.mktemp("examples") / "data"
    index = ["index", str(EXAMPLES / "manifest.jsonl"), "--collection", "people"]
    result = CliRunner(env={"FACEREC_DATA": str(data)}).invoke(main, [*index, "--workers", "1"])
    assert result.exit_code == 0, result.output
    return data


@pytest.fixture
def people(indexed_examples: Path, data: Path) -> Path:
    """Fill the data folder with the indexed example photos."""
    shutil.copytree(indexed_examples, data)
    for plan in data.glob("jobs/*/plan.json"):
        # A plan names its own folder.
        plan.write_text(plan.read_text().replace(str(indexed_examples), str(data)))
    return data
