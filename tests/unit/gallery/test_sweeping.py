"""What a sweep asks of the store of receipts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facerec.gallery.receipts import Erasures
from facerec.storage.objects.protocol import ObjectInfo
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
