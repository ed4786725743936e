"""The space for deletions is taken from roomy disks only, and from no deletion that is running."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections import namedtuple
from pathlib import Path

import pytest

from facerec.errors import NoSpaceError
from facerec.storage.reserved_space import FILE_NAME, MIN_BYTES, ReservedSpace

Usage = namedtuple("Usage", ["total", "used", "free"])


def kept(data: Path) -> int:
    path = data / FILE_NAME
    return path.stat().st_blocks * 512 if path.exists() else 0


def let_be_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2 * free, free, free))


def test_the_space_is_taken_once(tmp_path: Path) -> None:
    for _ in range(2):
        ReservedSpace(tmp_path).keep()
        assert kept(tmp_path) == MIN_BYTES


def test_the_space_grows_with_the_database(tmp_path: Path) -> None:
    ReservedSpace(tmp_path).keep()
    (tmp_path / "facerec.db").write_bytes(bytes(2 * MIN_BYTES))
    ReservedSpace(tmp_path).keep()
    assert kept(tmp_path) == 4 * MIN_BYTES


@pytest.mark.parametrize("free", [0, 100_000, MIN_BYTES, 4_000_000])
def test_no_space_is_taken_on_a_disk_with_little_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    let_be_free(monkeypatch, free)
    ReservedSpace(tmp_path).keep()
    with ReservedSpace(tmp_path).released():
        pass
    assert not (tmp_path / FILE_NAME).exists()


def test_the_space_grows_to_an_eighth_of_what_is_free_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "facerec.db").write_bytes(bytes(4 * MIN_BYTES))
    let_be_free(monkeypatch, 16 * MIN_BYTES)
    ReservedSpace(tmp_path).keep()
    assert kept(tmp_path) == 2 * MIN_BYTES


def test_a_deletion_without_reserved_space_names_what_to_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_be_free(monkeypatch, 100_000)
    with (
        pytest.raises(NoSpaceError) as caught,
        ReservedSpace(tmp_path).released(),
    ):
        raise NoSpaceError("no space is left")
    assert caught.value.hint is not None
    assert "free 9 MB on the disk" in caught.value.hint


def test_nobody_takes_the_space_of_a_deletion_that_is_running(tmp_path: Path) -> None:
    ReservedSpace(tmp_path).keep()
    with ReservedSpace(tmp_path).released():
        ReservedSpace(tmp_path).keep()
        with ReservedSpace(tmp_path).released():
            assert kept(tmp_path) == 0
        assert kept(tmp_path) == 0
    assert kept(tmp_path) == MIN_BYTES


def test_the_last_of_several_deletions_takes_the_space_up_again(tmp_path: Path) -> None:
    ReservedSpace(tmp_path).keep()
    started, end = threading.Event(), threading.Event()

    def delete() -> None:
        with ReservedSpace(tmp_path).released():
            started.set()
            end.wait()

    with ReservedSpace(tmp_path).released():
        thread = threading.Thread(target=delete)
        thread.start()
        started.wait()
    assert kept(tmp_path) == 0
    end.set()
    thread.join()
    assert kept(tmp_path) == MIN_BYTES


def test_a_deletion_takes_no_space_that_was_free_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ReservedSpace(tmp_path).keep()
    let_be_free(monkeypatch, 5_000_000)
    with ReservedSpace(tmp_path).released():
        let_be_free(monkeypatch, 5_100_000)
    assert kept(tmp_path) == pytest.approx(100_000, abs=4096)


def test_a_sparse_copy_of_the_file_is_filled(tmp_path: Path) -> None:
    with (tmp_path / FILE_NAME).open("wb") as file:
        file.truncate(MIN_BYTES)
    assert kept(tmp_path) == 0
    ReservedSpace(tmp_path).keep()
    assert kept(tmp_path) == MIN_BYTES


def test_growing_that_fails_leaves_the_space_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int, start: int, size: int) -> None:
        os.ftruncate(descriptor, size)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", fail)
        ReservedSpace(tmp_path).keep()
        assert not (tmp_path / FILE_NAME).exists()
    ReservedSpace(tmp_path).keep()
    (tmp_path / "facerec.db").write_bytes(bytes(2 * MIN_BYTES))
    monkeypatch.setattr(os, "posix_fallocate", fail)
    ReservedSpace(tmp_path).keep()
    assert kept(tmp_path) == (tmp_path / FILE_NAME).stat().st_size == MIN_BYTES


@pytest.mark.timeout(20)
@pytest.mark.parametrize("has_reader", [False, True])
def test_a_pipe_in_the_place_of_the_file_blocks_nothing(tmp_path: Path, has_reader: bool) -> None:
    pipe = tmp_path / FILE_NAME
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) if has_reader else None
    ReservedSpace(tmp_path).keep()
    with ReservedSpace(tmp_path).released():
        pass
    assert pipe.is_fifo()
    if reader is not None:
        os.close(reader)


def test_what_a_link_in_the_place_of_the_file_names_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"content")
    (tmp_path / FILE_NAME).symlink_to("other")
    ReservedSpace(tmp_path).keep()
    with ReservedSpace(tmp_path).released():
        pass
    assert (tmp_path / "other").read_bytes() == b"content"


def test_a_data_folder_on_a_file_system_without_locks_has_no_reserved_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    ReservedSpace(tmp_path).keep()
    with ReservedSpace(tmp_path).released():
        pass
    assert kept(tmp_path) == 0
