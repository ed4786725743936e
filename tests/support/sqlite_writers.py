"""Processes that write to a store, for the tests of concurrency and of crashes."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from facerec.core.records import StoredFace
from facerec.storage.sqlite import SqliteStore
from facerec.testing.faces import by_image, stored_face

FACES_OF_BATCH = 40


def batch_of(writer: int, batch: int) -> list[StoredFace]:
    """Return a batch's faces: each batch of a writer replaces some images of the one before."""
    return [
        stored_face(
            f"{writer} {batch} {number}",
            image=f"{writer} {batch if number % 2 else 'again'} {number}",
            source=f"batch {batch}",
        )
        for number in range(FACES_OF_BATCH)
    ]


def write_batches(path: Path, writer: int, batches: int) -> None:
    """Put the batches of one writer, and the last batch of the next writer as well."""
    with SqliteStore(path) as store:
        for batch in range(batches):
            store.put_images("staff", by_image(batch_of(writer, batch)))
        store.put_images("staff", by_image(batch_of((writer + 1) % 4, batches - 1)))


if __name__ == "__main__":
    open_store = SqliteStore(Path(sys.argv[1]))
    for acknowledged in count(int(sys.argv[2])):
        open_store.put_images("staff", by_image(batch_of(0, acknowledged)))
        sys.stdout.write(f"{acknowledged}\n")
        sys.stdout.flush()
