"""Objects that are local files."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from facerec.core import answering
from facerec.errors import (
    AccessDeniedError,
    ObjectChangedError,
    ObjectNotFoundError,
    ReadTimedOutError,
    StoreUnavailableError,
    WriteTimedOutError,
)
from facerec.storage.objects import local_writing
from facerec.storage.objects.local import LocalObjects
from tests.support.leased_files import leased

OBJECTS = LocalObjects()


@pytest.mark.parametrize(
    "path", ["missing", "folder", "file/below", "pipe", "zero\0byte", "long" * 2000, "circle"]
)
@pytest.mark.timeout(60)
def test_special_files_are_not_found_and_never_block(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for method in (OBJECTS.head, OBJECTS.read):
        with pytest.raises(ObjectNotFoundError):
            method(f"{tmp_path}/{path}")


def test_an_unreadable_file_is_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").touch(mode=0o000)
    if os.geteuid() == 0:

        def denied(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(os, "open", denied)
    with pytest.raises(AccessDeniedError):
        LocalObjects().read(str(tmp_path / "secret"))


def test_a_full_disk_is_a_clear_error_and_keeps_existing_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    OBJECTS.write(f"{tmp_path}/a", b"before")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(local_writing, "flush", full)
    with pytest.raises(StoreUnavailableError, match="no space is left to write") as raised:
        OBJECTS.write(f"{tmp_path}/a", b"after")
    assert raised.value.hint == "free some space and retry"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert OBJECTS.read(f"{tmp_path}/a") == b"before"


def test_one_of_many_concurrent_writers_wins_and_no_file_remains(
    tmp_path: Path,
) -> None:
    uri, won = f"{tmp_path}/name", []
    start = threading.Barrier(8)

    def write(content: bytes) -> None:
        start.wait()
        if OBJECTS.write(uri, content, if_absent=True):
            won.append(content)

    threads = [threading.Thread(target=write, args=(b"%d" % n * 5000,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [OBJECTS.read(uri)]
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_a_file_that_changed_is_not_read_as_the_version_that_was_pinned(tmp_path: Path) -> None:
    uri = f"{tmp_path}/a"
    OBJECTS.write(uri, b"one")
    version = OBJECTS.head(uri).version
    assert OBJECTS.read(uri, version=version) == b"one"
    OBJECTS.write(uri, b"two")
    with pytest.raises(ObjectChangedError):
        OBJECTS.read(uri, version=version)


def test_listing_follows_links_to_folders_without_loops(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "photo").touch()
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "b").symlink_to(tmp_path / "a" / "b")
    os.mkfifo(tmp_path / "pipe")
    names = [found.uri.removeprefix(f"{tmp_path}/") for found in OBJECTS.list(f"{tmp_path}/")]
    assert names[0] == "a/b/photo"
    assert "b/photo" in names
    assert len(names) == len(set(names)) < 8


def test_a_file_with_an_undecodable_name_is_listed_and_read(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / name).write_bytes(b"photo")
    (found,) = OBJECTS.list(f"{tmp_path}/")
    assert OBJECTS.read(found.uri) == b"photo"


def test_one_odd_entry_costs_that_entry_and_not_the_tree(tmp_path: Path) -> None:
    for name in ("a.jpg", "sub/b.jpg", "z.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"a photo")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "sub" / "self").symlink_to(tmp_path / "sub" / "self")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    found = [info.uri.removeprefix(f"{tmp_path}/") for info in OBJECTS.list(f"{tmp_path}/")]
    assert found == ["a.jpg", "self", "sub/b.jpg", "sub/self", "z.jpg"]
    with pytest.raises(ObjectNotFoundError):
        OBJECTS.read(f"{tmp_path}/self")


def test_a_folder_that_may_not_be_read_is_an_entry_that_is_denied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "locked/b.jpg", "z.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"a photo")
    scandir, access = os.scandir, os.access

    def refuse(path: str) -> object:
        if path.endswith("locked/"):
            raise PermissionError(errno.EACCES, "denied")
        return scandir(path)

    # Root, as which tests may run, is never refused.
    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and "lock" not in path)
    found = [info.uri.removeprefix(f"{tmp_path}/") for info in OBJECTS.list(f"{tmp_path}/")]
    assert found == ["a.jpg", "locked", "z.jpg"]
    with pytest.raises(AccessDeniedError):
        OBJECTS.read(f"{tmp_path}/locked")
    with pytest.raises(AccessDeniedError):
        list(OBJECTS.list(f"{tmp_path}/locked/"))


def test_a_tree_may_be_deeper_than_python_s_stack(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1_200):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    (tmp_path / "a.jpg").write_bytes(b"a photo")
    try:
        assert f"{tmp_path}/a.jpg" in [info.uri for info in OBJECTS.list(f"{tmp_path}/")]
    finally:
        # pytest removes old folders, but not as deep ones.
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_a_file_that_does_not_answer_is_given_up_and_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_bytes(b"later")
    (tmp_path / "photo").write_bytes(b"now")
    objects = LocalObjects(max_seconds=0.3)
    with leased(tmp_path / "blocked"):
        for method in (objects.read, objects.fetch):
            with pytest.raises(ReadTimedOutError, match=r"no answer in 0\.3 seconds"):
                method(f"{tmp_path}/blocked")
        assert objects.read(f"{tmp_path}/photo") == b"now"
    assert LocalObjects().read(f"{tmp_path}/blocked") == b"later"


def test_a_lease_that_its_holder_gives_up_only_delays_a_read(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    with leased(tmp_path / "photo", seconds=0.3):
        assert OBJECTS.read(f"{tmp_path}/photo") == b"photo"


@pytest.mark.timeout(60)
def test_calls_that_never_return_end_in_an_error_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photo").write_bytes(b"photo")
    monkeypatch.setattr(answering, "MAX_BLOCKED", 2)
    objects = LocalObjects(max_seconds=0.1)
    with leased(tmp_path / "photo"):
        for _ in range(2):
            with pytest.raises(ReadTimedOutError):
                objects.read(f"{tmp_path}/photo")
        with pytest.raises(StoreUnavailableError, match="does not answer: 2 calls wait"):
            objects.read(f"{tmp_path}/photo")
    # They return now, and reading works again.
    while True:
        with suppress(StoreUnavailableError):
            assert LocalObjects().read(f"{tmp_path}/photo") == b"photo"
            break


WRITES: dict[str, Callable[[LocalObjects, str], object]] = {
    "write": lambda objects, folder: objects.write(f"{folder}/file", b"later"),
    "write_file": lambda objects, folder: objects.write_file(
        f"{folder}/file", Path(folder, "other")
    ),
    "replace": lambda objects, folder: objects.replace(
        f"{folder}/file", b"later", version=objects.head(f"{folder}/file").version
    ),
    "delete": lambda objects, folder: objects.delete(f"{folder}/file"),
    "delete_folder": lambda objects, folder: objects.delete_folder(f"{folder}/below/"),
}
STEPS = {
    "write": ("mkdir", "open", "fsync", "replace"),
    "write_file": ("open", "fsync", "replace"),
    "replace": ("open", "fsync", "replace"),
    "delete": ("unlink",),
    "delete_folder": ("unlink", "rmdir"),
}


@contextmanager
def hanging(step: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a call of the file system wait until the block ends, as on a mount without a server."""
    answer = threading.Event()
    call = getattr(os, step)

    def wait(*args: object, **options: object) -> object:
        if threading.current_thread().name == "files":
            answer.wait()
        return call(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, step, wait)
        try:
            yield
        finally:
            answer.set()


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("write", "step"), [(write, step) for write, steps in STEPS.items() for step in steps]
)
def test_a_write_that_is_not_answered_is_given_up_and_changes_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str, step: str
) -> None:
    (tmp_path / "below").mkdir()
    for name in ("file", "other", "below/a", "below/b"):
        (tmp_path / name).write_bytes(b"before")
    objects = LocalObjects(max_write_seconds=0.2)
    with hanging(step, monkeypatch):
        message = rf"folder {tmp_path} does not answer: .* could not be written or deleted in 0\.2"
        with pytest.raises(WriteTimedOutError, match=message):
            WRITES[write](objects, str(tmp_path))
        assert (tmp_path / "file").read_bytes() == b"before"
    # The step that hung may be made now, and no other.
    time.sleep(0.2)
    if step not in ("replace", "unlink"):
        assert (tmp_path / "file").read_bytes() == b"before"
        assert (tmp_path / "below" / "b").exists() or step == "rmdir"
    WRITES[write](LocalObjects(), str(tmp_path))


@pytest.mark.timeout(20)
def test_each_step_of_a_long_write_has_the_whole_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_writing, "WRITE_BLOCK", 1)
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        time.sleep(0.2)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    assert LocalObjects(max_write_seconds=0.3).write(f"{tmp_path}/file", b"content")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("is_copied", [False, True])
def test_a_large_file_is_written_to_a_slow_disk_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_copied: bool
) -> None:
    monkeypatch.setattr(local_writing, "WRITE_BLOCK", 10)
    monkeypatch.setattr(local_writing, "MAX_UNFLUSHED", 100)
    content, flushed = os.urandom(1_000), dict[int, int]()
    fsync = os.fsync

    def flush_slowly(descriptor: int) -> None:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            # A millisecond for each byte that is not on the disk yet.
            time.sleep((found.st_size - flushed.get(found.st_ino, 0)) / 1_000)
            flushed[found.st_ino] = found.st_size
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flush_slowly)
    (tmp_path / "source").write_bytes(content)
    objects, uri = LocalObjects(max_write_seconds=0.5), f"{tmp_path}/file"
    if is_copied:
        objects.write_file(uri, tmp_path / "source")
    else:
        assert objects.write(uri, content)
    assert objects.read(uri) == content


def interrupt_main() -> None:
    """Interrupt the main thread as Ctrl-C does, also while it waits."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


@pytest.fixture
def receives_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C interrupt the tests, also where they run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("receives_ctrl_c")
@pytest.mark.timeout(20)
def test_an_interrupted_write_ends_before_its_caller_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def interrupt(descriptor: int) -> None:
        interrupt_main()
        time.sleep(0.3)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        OBJECTS.write(f"{tmp_path}/file", b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("receives_ctrl_c")
@pytest.mark.timeout(20)
def test_a_write_that_hangs_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "SETTLING_SECONDS", 0.2)
    with hanging("fsync", monkeypatch):
        interruption = threading.Timer(0.2, interrupt_main)
        interruption.start()
        with pytest.raises(KeyboardInterrupt):
            OBJECTS.write(f"{tmp_path}/file", b"content")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may open /proc/kmsg")
@pytest.mark.timeout(60)
def test_a_link_to_a_file_that_the_kernel_fills_never_blocks(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").symlink_to("/proc/kmsg")
    with suppress(ObjectNotFoundError):
        # There may be messages, of which each read returns the next one.
        while OBJECTS.read(f"{tmp_path}/b.jpg", end=2**20):
            continue


def test_the_content_of_a_file_with_an_unknown_size_is_complete_and_limited(
    tmp_path: Path,
) -> None:
    (tmp_path / "b.jpg").symlink_to("/proc/cpuinfo")
    whole = Path("/proc/cpuinfo").read_bytes()
    assert len(OBJECTS.read(f"{tmp_path}/b.jpg")) == pytest.approx(len(whole), rel=0.1)
    assert len(OBJECTS.fetch(f"{tmp_path}/b.jpg", end=10)[0]) == 10
