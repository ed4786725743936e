"""Files made to cost memory or time are refused before they do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode import limits
from facerec.engine.decode.decoding import DecodedPhoto, decode
from tests.support import hostile_photos
from tests.support.long import mostly_long
from tests.support.sample_photos import MAX_PIXELS, decoded, sample, saved

COSTLY = {
    "a TIFF of one huge tile": hostile_photos.tiff_of_one_huge_tile(6_000),
    "a GIF of comments": hostile_photos.gif_of_comments(1_000_000),
    "a JPEG of empty scans": hostile_photos.jpeg_of_empty_scans(4_000, 5_000),
    "a small JPEG of empty scans": hostile_photos.jpeg_of_empty_scans(32, 200_000),
    "a JPEG of comments between scans": hostile_photos.jpeg_of_comments_between_scans(3_000_000),
    "a JPEG of segments": hostile_photos.jpeg_of_segments(1_000_000),
    "a JPEG of junk": hostile_photos.jpeg_of_junk(9_000_000),
    "a JPEG of fill bytes": hostile_photos.jpeg_of_junk(2).replace(b"\0\0", b"\xff" * 9_000_000),
    "a PNG of empty chunks": hostile_photos.png_of_empty_chunks(1_000_000),
    "a BMP of short runs": hostile_photos.bmp_of_short_runs(2_000),
}

CHEAP = {
    "a GIF with a few comments": hostile_photos.gif_of_comments(1_000),
    "a JPEG with ten scans": hostile_photos.jpeg_of_empty_scans(4_000, 9),
    "a small JPEG with many scans": hostile_photos.jpeg_of_empty_scans(64, 1_000),
    "a JPEG with many segments": hostile_photos.jpeg_of_segments(1_000),
    "a PNG with many chunks": hostile_photos.png_of_empty_chunks(1_000),
    "a BMP with runs": hostile_photos.bmp_of_short_runs(64),
    "a TIFF of tags at one place": hostile_photos.tiff_of_tags_at_one_place(1_000_000, 2_000),
}

UNREAD = {
    "a JPEG of EXIF": hostile_photos.jpeg_of_exif(6, fractions=800_000),
    "a JPEG of EXIF without an orientation": hostile_photos.jpeg_of_useless_exif(900),
    "a PNG of text that inflates a thousandfold": hostile_photos.png_of_text(3_000),
    "a PNG of identifiers of EXIF": hostile_photos.png_of_exif_identifiers(),
    "a PNG of texts of identifiers of EXIF": hostile_photos.png_of_texts_of_exif_identifiers(),
    "a WebP of identifiers of EXIF": hostile_photos.webp_of_exif_identifiers(),
    "a GIF of comments after its picture": hostile_photos.gif_of_comments(1_000_000, after=True),
}
"""Files with data that no pixel needs, and whose reading would take 3 seconds and more."""


WORST: dict[str, Callable[[], bytes]] = {
    "a JPEG of as many scans and pixels as are permitted": lambda: (
        hostile_photos.jpeg_of_empty_scans(9_999, 48)
    ),
    "a progressive JPEG in full colour": lambda: saved(
        sample(200, 200).resize((7_000, 7_000)), "JPEG", progressive=True, subsampling=0
    ),
    "a PNG of 16 bits": lambda: saved(Image.new("I;16", (9_900, 9_900)), "PNG"),
    "a PNG with transparency": lambda: saved(Image.new("RGBA", (9_900, 9_900)), "PNG"),
    "a GIF": lambda: saved(Image.new("P", (9_900, 9_900)), "GIF"),
    "a BMP": lambda: saved(Image.new("RGB", (4_700, 4_700)), "BMP"),
}
"""Files that cost as much as the limits allow, in this process."""


def outcome_of(content: bytes) -> DecodedPhoto | UnreadablePhoto:
    return decode(content, smallest_face=None, max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("name", COSTLY)
def test_a_file_that_costs_more_than_its_pixels_is_refused_at_once(name: str) -> None:
    started = time.process_time()
    outcome = outcome_of(COSTLY[name])
    assert isinstance(outcome, UnreadablePhoto), name
    assert outcome.reason is UnreadableReason.TOO_LARGE
    assert time.process_time() - started < 2


@pytest.mark.parametrize("name", UNREAD)
def test_data_that_no_pixel_needs_costs_nothing(name: str) -> None:
    started = time.process_time()
    assert isinstance(outcome_of(UNREAD[name]), DecodedPhoto), name
    assert time.process_time() - started < 2


@pytest.mark.parametrize(("before", "read"), [(3, True), (4, False)])
def test_the_texts_of_a_png_inflate_to_four_megabytes_together(before: int, read: bool) -> None:
    outcome = outcome_of(hostile_photos.png_of_text(before, orientation=6))
    assert isinstance(outcome, DecodedPhoto)
    assert outcome.has_orientation is read


@pytest.mark.parametrize("name", CHEAP)
def test_a_file_with_a_little_of_the_same_is_read(name: str) -> None:
    assert isinstance(outcome_of(CHEAP[name]), DecodedPhoto), outcome_of(CHEAP[name])


@pytest.mark.parametrize("name", mostly_long(WORST, 2))
def test_the_worst_files_that_are_decoded_in_this_process_take_seconds(name: str) -> None:
    content = WORST[name]()
    started = time.process_time()
    assert isinstance(outcome_of(content), DecodedPhoto)
    # They take 1 to 2 seconds; a server ends 35 seconds after SIGTERM at the latest.
    assert time.process_time() - started < limits.MAX_SECONDS / 2


def test_frames_of_an_animated_png_cost_nothing() -> None:
    frames = [Image.new("RGB", (1_000, 1_000), (number, 0, 0)) for number in range(60)]
    content = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    started = time.process_time()
    assert isinstance(outcome_of(content), DecodedPhoto)
    assert time.process_time() - started < 1


def test_hostile_files_take_little_memory() -> None:
    decoding = (
        "import resource\n"
        "from tests.unit.engine.test_decode_costs import CHEAP, COSTLY, UNREAD, outcome_of\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for content in (*COSTLY.values(), *CHEAP.values(), *UNREAD.values()):\n"
        "    outcome_of(content)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    # A process starts with the peak of the one that it was forked from, so a small process is
    # between the decoding one and this one, whose other tests may have taken much memory.
    between = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    command = [sys.executable, "-u", "-c", between, decoding]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    growth, largest = (int(kilobytes) * 1024 for kilobytes in output.split())
    assert growth < 200_000_000
    # The largest of the decoding process and the decoders that it has started.
    assert largest < 1_000_000_000


def test_the_passes_over_a_damaged_jpeg_share_one_limit_of_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Clock:
        """Processor time that passes by a second at each reading."""

        now = 0

        def thread_time(self) -> int:
            self.now += 1
            return self.now

    content = saved(sample(1_000, 1_000), "JPEG", quality=95)
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    monkeypatch.setattr(limits, "MAX_SECONDS", 1_000_000)
    assert isinstance(outcome_of(content), DecodedPhoto)
    monkeypatch.setattr(limits, "MAX_SECONDS", clock.now + 1)
    assert isinstance(outcome_of(content), DecodedPhoto)
    outcome = outcome_of(content.removesuffix(b"\xff\xd9"))
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.TIMED_OUT


def test_a_jpeg_in_a_tiff_may_not_have_many_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    from facerec.engine.decode import tiff
    from facerec.engine.decode.in_process import decode_in_process
    from facerec.engine.decode.photo import DecodeOptions

    content = saved(sample(256, 256), "TIFF", compression="jpeg")
    options = DecodeOptions(None, MAX_PIXELS)
    assert isinstance(decode_in_process(content, options), DecodedPhoto)
    monkeypatch.setattr(tiff, "MAX_PIXEL_PASSES", 10_000)
    outcome = decode_in_process(content, options)
    assert isinstance(outcome, UnreadablePhoto)
    assert "scans" in outcome.detail


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "BMP"])
def test_a_decoder_that_reads_block_by_block_ends_when_its_time_is_up(
    format_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = saved(sample(1_000, 1_000), format_name)
    monkeypatch.setattr(limits, "MAX_SECONDS", 0)
    outcome = outcome_of(content)
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.TIMED_OUT


def test_large_metadata_of_a_png_is_not_read() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "x" * 100_000_000, zip=True)
    file = BytesIO()
    sample().save(file, "PNG", pnginfo=info)
    assert decoded(file.getvalue()).width == 96


def test_a_huge_image_of_one_colour_is_refused_by_its_pixels() -> None:
    outcome = outcome_of(saved(Image.new("1", (20_000, 20_000)), "PNG"))
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.TOO_LARGE
