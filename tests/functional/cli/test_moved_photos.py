"""`facerec index` after photos were moved: `facerec people show` still shows their faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.test_erasing import Installation
from tests.support.job_doors import run_jobs_in_this_process, use_fake_engine


@pytest.mark.parametrize("options", [(), ("--prune",)])
def test_a_person_keeps_the_faces_of_moved_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    use_fake_engine(monkeypatch)
    run_jobs_in_this_process(monkeypatch)
    here = Installation(tmp_path)
    for name in ("ann", "bob", "cid"):
        here.write(name, 1)
    words = ("index", here.photos, "--collection", "staff")
    here.run(*words)
    (face,) = (
        each["face_id"]
        for each in here.json("faces", "list", "--collection", "staff")["faces"]
        if "/ann/" in each["source"]
    )
    here.run("people", "create", "--collection", "staff", "ann")
    here.run("people", "add", "--collection", "staff", "ann", face)
    (here.photos / "ann").rename(here.photos / "anna")

    shown = here.run(*words, *options).output

    assert "1 face of moved photos: new face ids, the same people and corrections" in shown
    assert "removed" not in shown
    (found,) = here.json("people", "show", "--collection", "staff", "ann")["face_ids"]
    stored = here.json("faces", "list", "--collection", "staff")["faces"]
    assert "/anna/" in {each["face_id"]: each["source"] for each in stored}[found]
    assert len(stored) == 3
