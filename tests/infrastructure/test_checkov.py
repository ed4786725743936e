"""checkov finds nothing in the template but what the skip list gives a reason for."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.support.stack_template import ROOT, TEMPLATE

CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
CONFIGURATION = (ROOT / ".checkov.yaml").read_text("utf-8")
SKIPPED = re.findall(r"^  - (CKV_\w+)$", CONFIGURATION, flags=re.MULTILINE)


def failed_checks(*options: str) -> set[str]:
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed: run `make .venv-checkov/.ready`")
    done = subprocess.run(
        [CHECKOV, "--file", TEMPLATE, "--output", "json", "--quiet", "--skip-download", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.parent,
    )
    found: Any = json.loads(done.stdout)
    results = found.get("results", {})
    return {check["check_id"] for check in results.get("failed_checks", [])}


def test_every_entry_of_the_skip_list_has_a_reason() -> None:
    assert len(SKIPPED) > 5
    for check in SKIPPED:
        assert re.search(rf"^  # .+\n(  # .+\n)*  - {check}$", CONFIGURATION, flags=re.MULTILINE)


@pytest.mark.long
def test_checkov_finds_what_is_skipped_and_nothing_else() -> None:
    assert failed_checks("--framework", "cloudformation") == set(SKIPPED)
    assert failed_checks("--config-file", str(ROOT / ".checkov.yaml")) == set()
