"""Deletions work on a disk that is completely full, and free space on it.

The disk is a file system of a few megabytes in memory, which only root can mount.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from facerec.core.erasures import SubjectKind
from facerec.errors import NoSpaceError
from facerec.factory import open_gallery, open_local_store
from facerec.storage.reserved_space import FILE_NAME
from facerec.testing.faces import by_image, stored_face
from tests.functional.test_erasing import Installation
from tests.support.job_doors import use_fake_engine

Mount = Callable[[int], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount a file system of some megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(megabytes: int) -> Path:
        words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        try:
            subprocess.run(words, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this user cannot mount a file system")
        return folder

    yield mount
    # A command may have left the store open.
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(disk: Path) -> None:
    """Write to a disk until it has no byte left."""
    names = (disk / f"other-{number}" for number in count())
    path = next(path for path in names if not path.exists())
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.fixture
def full(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Fill the disk with a collection of four faces."""
    use_fake_engine(monkeypatch)
    here = Installation(mount(8))
    for person in ("ann", "bob"):
        for number in (1, 2):
            here.write(person, number)
    here.index()
    fill(here.data.parent)
    assert shutil.disk_usage(here.data).free == 0
    return here


def test_deletions_follow_each_other_on_a_full_disk(full: Installation) -> None:
    (face, *_) = full.faces()
    for words in (
        ("faces", "delete", face),
        ("erase", "--external-id", "bob", "--yes", "--check"),
        ("collections", "delete", "staff", "--yes"),
    ):
        named = () if words[0] == "collections" else ("--collection", "staff")
        result = full.run(*words, *named)
        assert result.exit_code == 0, result.output
        # Somebody else uses the space that was freed.
        fill(full.data.parent)
    assert full.run("collections", "list", "--json").exit_code == 0
    assert not list((full.data / "jobs").glob("*/embeddings*"))


def test_a_deleted_collection_frees_space_and_the_next_deletion_has_some(
    full: Installation,
) -> None:
    jobs = sum(path.stat().st_size for path in (full.data / "jobs").rglob("*"))
    assert full.run("collections", "delete", "staff", "--yes").exit_code == 0
    left = sum(path.stat().st_size for path in (full.data / "jobs").rglob("*"))
    assert left < jobs
    assert (full.data / FILE_NAME).stat().st_size > 0


def test_what_a_full_disk_refuses_uses_none_of_the_space_for_deletions(full: Installation) -> None:
    kept = (full.data / FILE_NAME).stat().st_size
    full.photos.rename(full.data.parent / "renamed")
    result = full.run("index", full.data.parent / "renamed", "--collection", "others")
    assert result.exit_code == 1
    assert "no space is left" in result.stderr
    assert (full.data / FILE_NAME).stat().st_size > kept / 2


def test_deletions_work_on_a_full_disk_beside_commands_that_read(full: Installation) -> None:
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            with suppress(NoSpaceError), open_gallery(full.data) as gallery:
                gallery.list_collections()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for face in list(full.faces()):
            result = full.run("faces", "delete", face, "--collection", "staff")
            assert result.exit_code == 0, result.output
            fill(full.data.parent)
    finally:
        ended.set()
        reader.join()


def test_a_small_disk_has_no_reserved_space(mount: Mount) -> None:
    data = mount(1) / "data"
    for name in ("staff", "visitors"):
        with open_gallery(data) as gallery:
            gallery.create_collection(name)
    assert not (data / FILE_NAME).exists()
    assert shutil.disk_usage(data).free > 500_000


@pytest.mark.long
def test_a_large_collection_is_deleted_on_a_full_disk(mount: Mount) -> None:
    data = mount(64) / "data"
    with open_gallery(data) as gallery:
        gallery.create_collection("staff")
    with open_local_store(data) as store:
        for number in range(14):
            faces = [stored_face(f"{number}-{each}") for each in range(1000)]
            store.put_images("staff", by_image(faces))
    with open_gallery(data) as gallery:
        size = (data / FILE_NAME).stat().st_size
        fill(data.parent)
        gallery.delete_collection("staff")
        assert gallery.list_erasures("staff")[0].subject is SubjectKind.COLLECTION
    assert size < (data / "facerec.db").stat().st_size
