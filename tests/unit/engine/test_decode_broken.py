"""Broken files are outcomes with a reason: never exceptions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode.decoding import DecodedPhoto, decode
from tests.support.sample_photos import MAX_PIXELS, sample, saved

pytestmark = pytest.mark.filterwarnings(r"ignore:::PIL\b")

GOOD = {
    "JPEG": saved(sample(), "JPEG"),
    "PNG": saved(sample(), "PNG"),
    "GIF": saved(sample(), "GIF"),
    "WEBP": saved(sample(), "WEBP"),
    "BMP": saved(sample(), "BMP"),
    "TIFF": saved(sample(), "TIFF"),
    "AVIF": saved(sample(), "AVIF"),
}
PROGRESSIVE = saved(sample(), "JPEG", progressive=True)

SIGNATURES = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"RIFF\0\0\0\0WEBP",
    b"\0\0\0\x1cftypheic",
    b"\0\0\0\x1cftypmif1",
    b"\0\0\0\x1cftypavif",
]


def outcome_of(content: bytes) -> DecodedPhoto | UnreadablePhoto:
    outcome = decode(content, smallest_face=None, max_pixels=1_000_000)
    if isinstance(outcome, DecodedPhoto):
        assert outcome.pixels.ndim == 3
    else:
        assert outcome.detail
        assert outcome.detail.isprintable()
        assert len(outcome.detail) < 250
    return outcome


def test_an_empty_file_is_an_outcome() -> None:
    outcome = decode(b"", smallest_face=None, max_pixels=MAX_PIXELS)
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.EMPTY


@pytest.mark.parametrize("format_name", GOOD)
def test_a_truncated_photo_is_an_outcome_with_a_reason(format_name: str) -> None:
    content = GOOD[format_name]
    outcome = outcome_of(content[: len(content) // 2])
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.CORRUPT
    assert "damaged" in outcome.detail


def test_a_jpeg_of_12_bits_is_not_supported() -> None:
    content = GOOD["JPEG"]
    frame = content.index(b"\xff\xc0")
    twelve_bits = content[: frame + 4] + b"\x0c" + content[frame + 5 :]
    outcome = outcome_of(twelve_bits)
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.UNSUPPORTED_FORMAT
    assert "12-bit" in outcome.detail


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_alone_is_not_a_photo(signature: bytes) -> None:
    assert isinstance(outcome_of(signature), UnreadablePhoto)


@given(st.binary(max_size=300))
def test_random_bytes_never_raise(content: bytes) -> None:
    outcome_of(content)


@given(st.sampled_from(SIGNATURES), st.binary(max_size=300))
def test_random_bytes_after_a_signature_never_raise(signature: bytes, content: bytes) -> None:
    outcome_of(signature + content)


def mutations(content: bytes) -> st.SearchStrategy[bytes]:
    """Return the file with some bytes changed and perhaps its end cut off."""
    places = st.integers(0, len(content) - 1)
    changes = st.dictionaries(places, st.integers(0, 255), max_size=12)

    def changed(values: dict[int, int], end: int) -> bytes:
        mutated = bytearray(content)
        for place, value in values.items():
            mutated[place] = value
        return bytes(mutated[:end])

    return st.builds(changed, changes, st.integers(1, len(content)))


def never_raises(content: bytes) -> Callable[[], None]:
    @settings(deadline=None, max_examples=150)
    @given(mutations(content))
    def check(mutated: bytes) -> None:
        outcome_of(mutated)

    return check


def test_a_changed_jpeg_never_raises() -> None:
    never_raises(GOOD["JPEG"])()


def test_a_changed_progressive_jpeg_never_raises() -> None:
    never_raises(PROGRESSIVE)()


@pytest.mark.parametrize("format_name", ["PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_changed_photo_of_another_format_never_raises(format_name: str) -> None:
    never_raises(GOOD[format_name])()
