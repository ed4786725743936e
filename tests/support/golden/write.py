"""Write the golden folder of this source: ``python -m tests.support.golden.write [SUFFIX]``.

A suffix distinguishes it from an earlier one with the same versions of formats.
It does the same each time; times, random ids and the keys of tombstones differ.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.golden.deployed import write_stack
from tests.support.golden.formats import folder_of, formats_now
from tests.support.golden.local import write_data_folder
from tests.support.golden.packing import FORMATS, pack
from tests.support.workflow.emulation import emulated_aws


def write(target: Path) -> None:
    """Write the golden folder to a file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "golden"
        with pytest.MonkeyPatch.context() as patch, emulated_aws(patch):
            write_data_folder(root, patch)
        with pytest.MonkeyPatch.context() as patch, emulated_aws(patch):
            write_stack(root / "aws", patch)
        (root / FORMATS).write_text(json.dumps(formats_now()))
        pack(root, target)


if __name__ == "__main__":
    golden = folder_of(formats_now(), *sys.argv[1:])
    if golden.exists():
        sys.exit(f"{golden} is kept: a golden folder is never written again")
    golden.parent.mkdir(parents=True, exist_ok=True)
    write(golden)
    sys.stdout.write(f"{golden}: {golden.stat().st_size} bytes\n")
