"""What a sweep asks of the store of receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facerec.errors import ReadFailedError
from facerec.gallery.receipts import Erasures
from facerec.storage.objects.protocol import ObjectInfo
from lambdas.erasure.scheduled import run_scheduled
from tests.support.gallery import Collaborators
from tests.support.memory_objects import MemoryObjects


class ListedObjects(MemoryObjects):
    """Remembers which prefixes were listed."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[str] = []

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        self.listed.append(prefix)
        return super().list(prefix, after=after)


def test_a_sweep_reads_the_list_of_deleted_collections_once(tmp_path: Path) -> None:
    objects = ListedObjects()
    erasures = Erasures(objects, "erasures/")
    with Collaborators.in_folder(tmp_path, erasures=erasures).gallery() as gallery:
        for number in range(5):
            gallery.create_collection(f"staff-{number}")
            gallery.delete_collection(f"staff-{number}")
        objects.listed.clear()
        assert gallery.sweep() == {}
    assert [prefix for prefix in objects.listed if "deleted/" in prefix] == ["erasures/deleted/"]


PARTS = {
    "notes of deletions": ("_erasures", "deleted_collections"),
    "list of stores": ("_faces", "left_of"),
    "job folders": ("_job_data", "sweep"),
}
"""What a sweep reads before it sweeps the records."""


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_sweep_that_fails_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    with Collaborators.in_folder(tmp_path).gallery() as gallery:
        swept = list[str]()

        def fail(*_: object, **__: object) -> None:
            raise ReadFailedError("a file", "Input/output error")

        def sweep(name: str) -> Callable[..., dict[str, int]]:
            def done(*_: object, **__: object) -> dict[str, int]:
                swept.append(name)
                return {}

            return done

        for name, method in (*PARTS.values(), ("_records", "delete_unowned")):
            replaced = fail if (name, method) == PARTS[part] else sweep(name)
            monkeypatch.setattr(type(getattr(gallery, name)), method, replaced)
        with pytest.raises(ReadFailedError):
            gallery.sweep()
    assert "_records" in swept
    if part != "notes of deletions":
        assert len(swept) == len(PARTS)


@pytest.mark.parametrize(
    "part", ["resume_erasures", "resume_migrations", "all_collections", "expire"]
)
def test_a_part_of_the_hourly_work_that_fails_does_not_stop_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    swept = list[None]()

    def fail(*_: object, **__: object) -> None:
        raise ReadFailedError("a file", "Input/output error")

    def sweep(**_: object) -> dict[str, int]:
        swept.append(None)
        return {}

    with Collaborators.in_folder(tmp_path).gallery() as gallery:
        gallery.create_collection("staff")
        monkeypatch.setattr(gallery, part, fail)
        monkeypatch.setattr(gallery, "sweep", sweep)
        with pytest.raises(ReadFailedError):
            run_scheduled(gallery, clock=lambda: 0.0)
    assert swept
