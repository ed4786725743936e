"""The zip-packaged functions hold the core without the libraries for vision."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack_template import ROOT, properties, resources

UNPACKAGED = (
    "numpy", "PIL", "onnx", "onnxruntime", "dlib", "pillow_heif", "pinecone", "click", "rich",
    "platformdirs",
)  # fmt: skip

WITHOUT_VISION = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
"""

IMPORTS = """
import {modules}
import facerec.storage.dynamodb.store
"""

WORK = """
from pathlib import Path
from facerec.config import Settings
from facerec.jobs.aws.submissions import submission_from_json
from facerec.storage.sqlite import SqliteStore
from lambdas.plan.handler import plan_execution
from lambdas.report.handler import end_submission, no_reasons
from tests.support.memory_objects import MemoryObjects

settings, objects = Settings(bucket="photos", model_version="fake-1"), MemoryObjects()
objects.content["s3://photos/a/1.jpg"] = b"a photo"
objects.content["s3://photos/all.txt"] = b"s3://photos/a/1.jpg"
with SqliteStore(Path(sys.argv[1])) as records:
    for manifest in ("s3://photos/all.txt", "s3://photos/a/"):
        document = {"collection_id": "staff", "manifest": manifest, "create_collection": True}
        planned = plan_execution(document, "run-1", settings, objects, lambda: records)
        assert not planned["refused"], planned
        ended = end_submission(submission_from_json(planned), settings, objects, no_reasons)
        assert ended["again"], ended
"""


def zipped() -> dict[str, str]:
    """Return the handlers of the functions that `lambdas/Makefile` builds."""
    return {
        name: properties(name)["Handler"]
        for name, function in resources("AWS::Serverless::Function").items()
        if function.get("Metadata", {}).get("BuildMethod") == "makefile"
    }


def run(program: str, *words: str) -> None:
    """Run a program in a process that has only the libraries of the functions."""
    program = WITHOUT_VISION.replace("{names}", repr(set(UNPACKAGED))) + program
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_handlers_import_only_packaged_libraries() -> None:
    modules = ", ".join(handler.rpartition(".")[0] for handler in zipped().values())
    assert modules == "lambdas.plan.handler, lambdas.report.handler, lambdas.watch.handler"
    run(IMPORTS.format(modules=modules))


def test_planning_and_reporting_need_only_packaged_libraries(tmp_path: Path) -> None:
    """What functions import only when they work is imported too."""
    run(WORK, str(tmp_path / "records.sqlite"))


@pytest.mark.parametrize("name", ["numpy", "PIL"])
def test_a_library_that_is_not_packaged_cannot_be_imported(name: str) -> None:
    with pytest.raises(AssertionError, match=f"ModuleNotFoundError: {name}"):
        run(f"import {name}")


def test_the_makefile_has_a_target_for_each_function() -> None:
    makefile = (ROOT / "lambdas" / "Makefile").read_text("utf-8")
    for name in zipped():
        assert properties(name)["CodeUri"] == "lambdas/"
        assert f"build-{name}" in makefile
        # The wheels are of one interpreter and one architecture.
        assert "--python-version 3.11" in makefile
        assert properties(name)["Runtime"] == "python3.11"
        assert properties(name)["Architectures"] == ["x86_64"]
        assert "manylinux2014_x86_64" in makefile
