"""Files of lines that are as long as a manifest, read in blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from facerec.errors import JobFolderError, ObjectNotFoundError
from facerec.jobs import long_files
from facerec.jobs.long_files import read_lines
from facerec.storage.objects.local import LocalObjects


@pytest.fixture(autouse=True)
def short_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_files, "BLOCK", 8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"a\n",
        b"a\n\nb",
        b"a\rb\n",
        b"1234567\n",
        b"12345678",
        b"1234567\n\n",
        b"123\n" * 9,
    ],
)
def test_lines_are_those_of_the_whole_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)
    expected = content.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert list(read_lines(LocalObjects(), str(path))) == expected


def test_a_file_that_is_changed_meanwhile_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\nsix\nten\n")
    lines = read_lines(LocalObjects(), str(path))
    read = [next(lines)]
    LocalObjects().write(str(path), b"new\nones\nand more\n")
    read += lines
    assert read[-3:] == [b"new", b"ones", b"and more"]


def test_a_line_of_no_end_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "job" / "lines"
    path.parent.mkdir()
    path.write_bytes(b"x" * 100)
    with pytest.raises(JobFolderError):
        list(read_lines(LocalObjects(), str(path)))


def test_a_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFoundError):
        list(read_lines(LocalObjects(), str(tmp_path / "lines")))
