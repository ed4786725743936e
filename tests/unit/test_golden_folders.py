"""Each format that facerec writes is in a golden folder, and golden folders are kept for good."""

from __future__ import annotations

import hashlib
import re

from tests.support.golden.formats import folder_of, formats_now, formats_of
from tests.support.golden.packing import GOLDEN, golden_folders

MAX_BYTES = 200_000


def test_the_formats_that_are_written_now_are_in_a_golden_folder() -> None:
    kept = [formats_of(golden) for golden in golden_folders()]
    assert formats_now() in kept, (
        "a format version was raised: write another golden folder with "
        "`python -m tests.support.golden.write`, and keep the earlier ones"
    )


def test_golden_folders_are_small_and_named_after_their_formats() -> None:
    for golden in golden_folders():
        assert golden.stem.startswith(folder_of(formats_of(golden)).stem.removesuffix(".tar"))
        assert golden.stat().st_size < MAX_BYTES


def test_every_golden_folder_is_kept_as_it_was_written() -> None:
    listed = dict(
        re.findall(r"^\| `(\S+)` \| `([0-9a-f]{64})` \|", (GOLDEN / "README.md").read_text(), re.M)
    )
    assert listed == {
        golden.name: hashlib.sha256(golden.read_bytes()).hexdigest() for golden in golden_folders()
    }
