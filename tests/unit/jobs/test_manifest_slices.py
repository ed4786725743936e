"""Laws of how children share a manifest: each line is read exactly once, and in order."""

from __future__ import annotations

import gzip
import tempfile
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.errors import InvalidInputError
from facerec.jobs.manifest.inspection import inspect, read_sample
from facerec.jobs.manifest.lines import MAX_LINE_BYTES, split_lines
from facerec.jobs.manifest.slices import ManifestLine, SliceReader, slice_of
from facerec.jobs.manifest.source import Source
from facerec.storage.objects.local import LocalObjects
from tests.support.jobs import LocalJob

OBJECTS = LocalObjects()

contents = st.binary(max_size=12).filter(lambda line: b"\n" not in line and b"\r" not in line)
endings = st.sampled_from([b"\n", b"\r\n"])


@st.composite
def manifests(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A text with mixed line ends, the last one perhaps without; and its lines."""
    lines = draw(st.lists(contents, max_size=60))
    text = b"".join(line + draw(endings) for line in lines)
    if lines and lines[-1] and draw(st.booleans()):
        text = text.removesuffix(b"\n").removesuffix(b"\r")
    # Only what begins a text can be a byte order mark or name a compression.
    return b"x\n" + text, [b"x", *lines]


def planned(folder: str, name: str, content: bytes) -> Source:
    path = Path(folder) / name
    path.write_bytes(content)
    return inspect(*read_sample(OBJECTS, str(path))).source


def read(source: Source, children: int, stripes: int, child: int) -> list[ManifestLine]:
    return list(SliceReader(OBJECTS, source, slice_of(source, children, stripes, child)))


@given(manifests(), st.integers(1, 80))
def test_each_line_is_read_once_and_in_order_by_byte_ranges(
    manifest: tuple[bytes, list[bytes]], children: int
) -> None:
    text, lines = manifest
    with tempfile.TemporaryDirectory() as folder:
        source = planned(folder, "list.txt", text)
        slices = [read(source, children, 1, child) for child in range(children)]
    assert [line.content for part in slices for line in part] == lines
    for part in slices:
        assert [line.end.lines for line in part] == list(range(1, len(part) + 1))


@given(manifests(), st.integers(1, 7))
def test_each_line_of_a_gzip_file_is_read_once_and_in_order_by_stripes(
    manifest: tuple[bytes, list[bytes]], children: int
) -> None:
    text, _ = manifest
    with tempfile.TemporaryDirectory() as folder:
        source = planned(folder, "list.txt.gz", gzip.compress(text * 4))
        slices = [read(source, children, children, child) for child in range(children)]
    joined = sorted((line for part in slices for line in part), key=lambda line: line.end.lines)
    assert [line.end.lines for line in joined] == list(range(1, len(joined) + 1))
    assert [line.content for line in joined] == (text * 4).splitlines()
    for part in slices:
        assert [line.end.lines for line in part] == sorted(line.end.lines for line in part)


@given(manifests(), st.integers(1, 6), st.data(), st.booleans())
def test_reading_resumes_at_any_line(
    manifest: tuple[bytes, list[bytes]], children: int, data: st.DataObject, compressed: bool
) -> None:
    text, _ = manifest
    with tempfile.TemporaryDirectory() as folder:
        name, content = ("a.txt.gz", gzip.compress(text)) if compressed else ("a.txt", text)
        source = planned(folder, name, content)
        stripes = children if compressed else 1
        part = slice_of(source, children, stripes, data.draw(st.integers(0, children - 1)))
        reader = SliceReader(OBJECTS, source, part)
        whole = list(reader)
        if not whole:
            return
        left = data.draw(st.integers(0, len(whole) - 1))
        rest = SliceReader(OBJECTS, source, part, whole[left].end)
        assert list(rest) == whole[left + 1 :]
        assert rest.end == reader.end


@given(manifests(), st.lists(st.integers(1, 9), min_size=1))
def test_lines_do_not_depend_on_how_a_text_is_split(
    manifest: tuple[bytes, list[bytes]], sizes: list[int]
) -> None:
    text, _ = manifest
    pieces, start = [], 0
    while start < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[start : start + size])
        start += size
    assert list(split_lines(pieces)) == list(split_lines([text]))


def test_a_line_that_is_too_long_keeps_only_its_position() -> None:
    text = b"a\n" + b"b" * (5 * MAX_LINE_BYTES) + b"\r\nc"
    pieces = [text[start : start + 1000] for start in range(0, len(text), 1000)]
    for lines in (list(split_lines(pieces)), list(split_lines([text]))):
        assert lines == [(2, b"a"), (len(text) - 1, None), (len(text), b"c")]


def test_a_text_without_line_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    compressor = zlib.compressobj(9, wbits=31)
    # After a full flush, the same zeros are the same bytes again: 2 GB need not be compressed.
    first, second = (
        compressor.compress(bytes(1_000_000)) + compressor.flush(zlib.Z_FULL_FLUSH)
        for _ in range(2)
    )
    content = first + 1_999 * second + compressor.flush()
    manifest = tmp_path / "list.jsonl.gz"
    manifest.write_bytes(content)
    assert len(content) < 3_000_000
    job = LocalJob(tmp_path, manifest)
    started = time.monotonic()
    with pytest.raises(InvalidInputError, match="a line of the manifest"):
        job.run()
    assert time.monotonic() - started < 10
