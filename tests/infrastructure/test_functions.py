"""The zip-packaged functions hold the core without the libraries for vision."""

from __future__ import annotations

import subprocess
import sys

from tests.support.stack_template import ROOT, properties, resources

UNPACKAGED = (
    "numpy", "PIL", "onnx", "onnxruntime", "dlib", "pillow_heif", "pinecone", "click", "rich",
    "platformdirs",
)  # fmt: skip

PROBE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import {modules}
import facerec.storage.dynamodb.store
"""


def zipped() -> dict[str, str]:
    """Return the handlers of the functions that `lambdas/Makefile` builds."""
    return {
        name: properties(name)["Handler"]
        for name, function in resources("AWS::Serverless::Function").items()
        if function.get("Metadata", {}).get("BuildMethod") == "makefile"
    }


def test_handlers_import_only_packaged_libraries() -> None:
    modules = ", ".join(handler.rpartition(".")[0] for handler in zipped().values())
    assert modules == "lambdas.plan.handler, lambdas.report.handler, lambdas.watch.handler"
    probe = PROBE.format(names=set(UNPACKAGED), modules=modules)
    ended = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


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
