"""Where the file of the embedded store contains the pixels of thumbnails."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.core.limits import MAX_THUMBNAIL_BYTES
from facerec.core.records import Collection
from facerec.storage.sqlite import SqliteStore
from facerec.storage.sqlite.database import PAGE_SIZE
from facerec.testing.faces import by_image, stored_face

TABLES = bytes(489)
"""The bytes before the pixels: as many as a page with rows contains, fewer than in JPEG files."""

PAGES_WITH_ROWS = (2, 5, 10, 13)
"""First byte of such pages (https://www.sqlite.org/fileformat2.html#b_tree_pages)."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "facerec.db") as store:
        for name in ("s", "staff" * 50):
            store.create_collection(Collection(name, "fake-1", 1.0))
        yield store


def fill(store: SqliteStore, collection_id: str, count: int) -> dict[str, bytes]:
    """Store faces with thumbnails of all sizes; return the pixels by face id."""
    order = random.Random(7)
    faces = [stored_face("ann", image=f"photo {number}", shot=number) for number in range(count)]
    store.put_images(collection_id, by_image(faces))
    room = MAX_THUMBNAIL_BYTES - len(TABLES)
    pixels = {
        face.record.face_id: order.randbytes(room * number // count - 2) + b"\xff\xd9"
        for number, face in enumerate(faces, 1)
    }
    store.put_thumbnails(collection_id, {each: TABLES + own for each, own in pixels.items()})
    return pixels


def pages_of(file: bytes, pixels: bytes) -> Iterator[int]:
    """Yield the first byte of each page that contains a part of the pixels."""
    for start in range(0, len(pixels) - 16, 16):
        found = file.find(pixels[start : start + 16])
        if found >= 0:
            yield file[found // PAGE_SIZE * PAGE_SIZE]


@pytest.mark.parametrize("name", ["s", "staff" * 50])
def test_no_page_with_rows_which_may_be_copied_contains_pixels(
    store: SqliteStore, tmp_path: Path, name: str
) -> None:
    pixels = fill(store, name, 20)
    store.erase_copies(["nobody"])  # writes the log to the file
    file = (tmp_path / "facerec.db").read_bytes()
    found = [page for own in pixels.values() for page in pages_of(file, own)]
    assert len(found) > sum(map(len, pixels.values())) / 20
    assert set(found).isdisjoint(PAGES_WITH_ROWS)


def test_pixels_of_deleted_faces_are_in_no_file_of_the_store(
    store: SqliteStore, tmp_path: Path
) -> None:
    kept, order = fill(store, "s", 30), random.Random(5)
    while kept:
        gone = order.sample(sorted(kept), min(len(kept), 9))
        store.delete_faces("s", gone)
        content = b"\n".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
        assert [list(pages_of(content, kept.pop(face_id))) for face_id in gone] == [[]] * len(gone)
