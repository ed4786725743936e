"""Photos that viewers show, though their files are not quite as a standard has them."""

from __future__ import annotations

import random
import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode.decoding import decode
from tests.support.hostile_photos import jpeg_segment, png_chunk
from tests.support.sample_photos import MAX_PIXELS, decoded, difference, sample, saved

JPEG = saved(sample(400, 300), "JPEG", quality=90)
PROGRESSIVE = saved(sample(400, 300), "JPEG", quality=90, progressive=True)
RESTARTS = saved(sample(400, 300), "JPEG", quality=90, restart_marker_rows=1)
GREY = saved(sample(400, 300).convert("L"), "JPEG", quality=90)
LARGE = saved(sample(1_600, 1_200), "JPEG", quality=80)
KINDS = {
    "baseline": JPEG,
    "progressive": PROGRESSIVE,
    "restarts": RESTARTS,
    "grey": GREY,
    "large": LARGE,
}
TRAILERS = {
    "nothing": b"",
    "half an end marker": b"\xff",
    "a film": b"MotionPhoto_Data" + random.Random(1).randbytes(20_000),
    "zeros": bytes(1_000),
    "fill bytes": b"\xff" * 100,
    "Samsung's trailer": b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1600000000000SEFHe\0\0\0SEFT",
}


def reason(content: bytes) -> UnreadableReason | None:
    outcome = decode(content, smallest_face=None, max_pixels=MAX_PIXELS)
    return outcome.reason if isinstance(outcome, UnreadablePhoto) else None


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_is_read_with_anything_in_place_of_its_end_marker(kind: str, trailer: str) -> None:
    content = KINDS[kind]
    assert content.endswith(b"\xff\xd9")
    photo = decoded(content[:-2] + TRAILERS[trailer])
    assert np.array_equal(photo.pixels, decoded(content).pixels)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("trailer", ["nothing", "half an end marker", "zeros"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_jpeg_stays_corrupt(kind: str, trailer: str, share: float) -> None:
    content = KINDS[kind]
    cut = content[: int(len(content) * share)].rstrip(b"\xff")
    assert reason(cut + TRAILERS[trailer]) is UnreadableReason.CORRUPT


def test_a_progressive_jpeg_without_its_last_scan_is_corrupt() -> None:
    assert reason(PROGRESSIVE[: PROGRESSIVE.rindex(b"\xff\xc4")]) is UnreadableReason.CORRUPT


@pytest.mark.parametrize("kind", ["zTXt", "iTXt"])
def test_a_png_with_large_text_is_read(kind: str) -> None:
    info = PngImagePlugin.PngInfo()
    add = info.add_text if kind == "zTXt" else info.add_itxt
    add("prompt", "x" * 1_100_000, zip=True)
    assert difference(decoded(saved(sample(), "PNG", pnginfo=info)).pixels, sample()) == 0


def test_a_png_with_a_large_colour_profile_is_read() -> None:
    content = saved(sample(), "PNG", icc_profile=bytes(1_100_000))
    assert difference(decoded(content).pixels, sample()) == 0


@pytest.mark.parametrize("kind", [b"tEXt", b"tIME", b"pHYs", b"eXIf", b"iCCP", b"gAMA", b"sPLT"])
def test_a_png_with_a_damaged_chunk_that_no_pixel_needs_is_read(kind: bytes) -> None:
    plain = saved(sample(), "PNG")
    content = plain[:33] + png_chunk(kind, b"II*\0 damaged", damaged=True) + plain[33:]
    assert difference(decoded(content).pixels, sample()) == 0


def test_a_png_with_a_damaged_header_is_corrupt() -> None:
    content = bytearray(saved(sample(), "PNG"))
    content[content.index(b"IHDR") + 4 + 13] ^= 1
    assert reason(bytes(content)) is UnreadableReason.CORRUPT


def exif(orientation: int) -> bytes:
    return b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x0112, 3, 1, orientation) + bytes(4)


@pytest.mark.parametrize("chunk", ["eXIf", "xmp", "Raw profile type exif"])
def test_the_orientation_of_a_png_is_kept(chunk: str) -> None:
    info = PngImagePlugin.PngInfo()
    plain = saved(sample(), "PNG")
    if chunk == "eXIf":
        content = plain[:33] + png_chunk(b"eXIf", exif(6)) + plain[33:]
    else:
        if chunk == "xmp":
            info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
        else:
            packed = (b"Exif\0\0" + exif(6)).hex()
            info.add_text(chunk, f"\nexif\n{len(packed) // 2}\n{packed}\n", zip=True)
        content = saved(sample(), "PNG", pnginfo=info)
    photo = decoded(content)
    assert (photo.width, photo.height) == (64, 96)


@pytest.mark.parametrize("kind", ["EXIF", "XMP"])
def test_the_orientation_of_a_jpeg_is_kept_among_other_metadata(kind: str) -> None:
    metadata = {"EXIF": b"Exif\0\0" + exif(6)}.get(
        kind, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    )
    plain = saved(sample(), "JPEG", comment=b"a comment", icc_profile=bytes(100_000))
    content = plain[:2] + jpeg_segment(0xE2, b"MPF\0") + jpeg_segment(0xE1, metadata) + plain[2:]
    photo = decoded(content)
    assert (photo.width, photo.height) == (64, 96)
    assert np.array_equal(photo.pixels, np.rot90(decoded(plain).pixels, 3))


XMP = b'<x tiff:Orientation="%d"/>'


def exif_text(block: bytes) -> bytes:
    return b"\nexif\n%8d\n%s\n" % (len(block), block.hex().encode())


def png_of(*metadata: tuple[str, bytes]) -> bytes:
    """Return a PNG with blocks of metadata before its pixels."""
    kinds = {
        "EXIF": lambda block: png_chunk(b"eXIf", block),
        "EXIF with a wrong checksum": lambda block: png_chunk(b"eXIf", block, damaged=True),
        "EXIF as text": lambda block: png_chunk(
            b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(exif_text(block))
        ),
        "XMP": lambda block: png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + block),
    }
    plain = saved(sample(), "PNG")
    return plain[:33] + b"".join(kinds[kind](block) for kind, block in metadata) + plain[33:]


def jpeg_of(*metadata: tuple[str, bytes]) -> bytes:
    """Return a JPEG with blocks of metadata before its pixels."""
    identifiers = {"EXIF": b"Exif\0\0", "XMP": b"http://ns.adobe.com/xap/1.0/\0"}
    plain = saved(sample(), "JPEG")
    segments = (jpeg_segment(0xE1, identifiers[kind] + block) for kind, block in metadata)
    return plain[:2] + b"".join(segments) + plain[2:]


def webp_of(*metadata: tuple[str, bytes]) -> bytes:
    """Return a WebP with blocks of metadata after its pixels."""
    content = saved(sample(), "WEBP", lossless=True, icc_profile=bytes(128))
    for kind, block in metadata:
        padding = bytes(len(block) % 2)
        content += kind.encode().ljust(4) + struct.pack("<L", len(block)) + block + padding
    return b"RIFF" + struct.pack("<L", len(content) - 8) + content[8:]


CONTAINERS = {"PNG": png_of, "JPEG": jpeg_of, "WebP": webp_of}
UNUSABLE = {
    "no EXIF": b"\xff" * 40,
    "empty": b"",
    "a directory elsewhere": b"II*\0\xff\xff\xff\xff",
    "cut off": exif(3)[:16],
    "an orientation that does not exist": exif(9),
    "no orientation": exif(3).replace(b"\x12\x01", b"\x13\x01"),
}


@pytest.mark.parametrize("unusable", UNUSABLE)
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_first_usable_exif_of_a_file_turns_it(container: str, unusable: str) -> None:
    blocks = [("EXIF", UNUSABLE[unusable])] * 2 + [("EXIF", exif(6)), ("EXIF", exif(3))]
    photo = decoded(CONTAINERS[container](*blocks))
    plain = decoded(CONTAINERS[container]()).pixels
    assert np.array_equal(photo.pixels, np.rot90(plain, 3))
    assert photo.has_orientation


@pytest.mark.parametrize("unusable", UNUSABLE)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_file_without_usable_exif_is_turned_by_the_first_usable_xmp(
    container: str, unusable: str
) -> None:
    blocks = [("XMP", b"<x/>"), ("XMP", XMP % 6), ("XMP", XMP % 3), ("EXIF", UNUSABLE[unusable])]
    photo = decoded(CONTAINERS[container](*blocks))
    plain = decoded(CONTAINERS[container]()).pixels
    assert np.array_equal(photo.pixels, np.rot90(plain, 3))


@pytest.mark.parametrize("container", CONTAINERS)
def test_usable_exif_counts_before_xmp(container: str) -> None:
    photo = decoded(CONTAINERS[container](("XMP", XMP % 8), ("EXIF", exif(6))))
    plain = decoded(CONTAINERS[container]()).pixels
    assert np.array_equal(photo.pixels, np.rot90(plain, 3))


@pytest.mark.parametrize("damaged", ["EXIF with a wrong checksum", "EXIF as text"])
def test_a_png_is_turned_by_exif_after_a_damaged_one(damaged: str) -> None:
    content = png_of((damaged, b"\xff" * 26), (damaged, exif(9)), ("EXIF as text", exif(6)))
    assert decoded(content).width == 64


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize(("tag", "xmp"), [(6, None), (6, 6), (None, 6)])
def test_a_tiff_is_turned_once_and_states_its_orientation(
    tag: int | None, xmp: int | None, quote: str, compression: str
) -> None:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    if tag is not None:
        directory[0x0112] = tag
    if xmp is not None:
        directory[700] = f"<x tiff:Orientation={quote}{xmp}{quote}/>".encode()
        directory.tagtype[700] = 1
    content = saved(sample(), "TIFF", tiffinfo=directory, compression=compression)
    photo = decoded(content)
    assert np.array_equal(photo.pixels, np.rot90(np.asarray(sample()), 3))
    assert photo.has_orientation


@pytest.mark.parametrize("damage", [b"\xff\xff\xff\xff", b"II*\0\xff\xff\xff\xff"])
def test_an_avif_with_damaged_exif_is_read_and_turned_by_its_properties(damage: bytes) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a camera"
    exif[ExifTags.Base.Orientation] = 6
    content = saved(sample(), "AVIF", exif=exif)
    start = content.index(b"MM\0*")
    photo = decoded(content[:start] + damage + content[start + len(damage) :])
    assert np.array_equal(photo.pixels, decoded(content).pixels)
    assert (photo.width, photo.has_orientation) == (64, True)


def test_an_avif_without_turning_properties_is_turned_by_xmp_and_never_by_exif() -> None:
    stored = decoded(saved(sample(), "AVIF", exif=exif(1))).pixels
    packet = XMP % 8
    for metadata, turned in (({}, stored), ({"xmp": packet}, np.rot90(stored))):
        content = saved(sample(), "AVIF", exif=exif(1), **metadata)
        # Pillow would write the property for any other orientation.
        assert b"irot" not in content
        photo = decoded(content.replace(exif(1), exif(6)))
        assert np.array_equal(photo.pixels, turned)


def test_the_colours_of_a_jpeg_that_adobe_stored_are_kept() -> None:
    colours = sample().convert("CMYK")
    photo = decoded(saved(colours, "JPEG", quality=95, comment=b"a comment"))
    assert difference(photo.pixels, sample()) <= 8


def heic(orientation: int = 1, *, by_itself: bool = False) -> bytes:
    """Return a HEIC with an orientation in EXIF, and as a property if it turns itself."""
    file = BytesIO()
    written = orientation if by_itself else 1
    pillow_heif.from_pillow(sample(128, 96)).save(file, quality=95, exif=exif(written))
    assert (b"irot" in file.getvalue()) == (written != 1)
    return file.getvalue().replace(exif(written), exif(orientation))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("by_itself", [False, True])
def test_a_heic_is_turned_once_by_its_properties_or_by_exif(
    orientation: int, by_itself: bool
) -> None:
    stored = decoded(heic(1)).pixels
    turned = {1: stored, 3: np.rot90(stored, 2), 6: np.rot90(stored, 3), 8: np.rot90(stored)}
    photo = decoded(heic(orientation, by_itself=by_itself))
    assert np.array_equal(photo.pixels, turned[orientation])
    assert (photo.height, photo.width) == photo.pixels.shape[:2]


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"MiHB", b"miaf", b"mif2", b"1pic"])
def test_a_heic_is_recognised_by_any_of_its_brands(brand: bytes) -> None:
    content = heic()
    assert b"heic" in content[16:32]
    assert decoded(content[:8] + brand + content[12:]).width == 128


def test_a_video_is_not_a_photo() -> None:
    film = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp42") + bytes(100)
    assert reason(film) is UnreadableReason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 15, 16])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_grey_of_fewer_used_bits_is_as_bright_as_of_all(format_name: str, bits: int) -> None:
    grey = np.asarray(sample().convert("L")).astype(np.float64) / 255
    grey = (grey - grey.min()) / (grey.max() - grey.min())
    values = np.rint(grey * (2**bits - 1)).astype(np.uint16)
    photo = decoded(saved(Image.fromarray(values), format_name))
    assert difference(photo.pixels, Image.fromarray(np.rint(grey * 255).astype(np.uint8))) < 1.5


def directory(entries: list[tuple[int, int, list[int]]], start: int) -> bytes:
    after, body, more = start + 2 + 12 * len(entries) + 4, b"", b""
    for tag, kind, values in sorted(entries):
        packed = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            more_at = after + len(more)
            more += packed
            packed = struct.pack("<I", more_at)
        body += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return struct.pack("<H", len(entries)) + body + bytes(4) + more


def picture(photo: Image.Image, start: int, *more: tuple[int, int, list[int]]) -> list:
    size = len(photo.tobytes())
    return [
        *((256, 4, [photo.width]), (257, 4, [photo.height]), (258, 3, [8, 8, 8]), (259, 3, [1])),
        *((262, 3, [2]), (273, 4, [start]), (277, 3, [3]), (278, 4, [photo.height])),
        *((279, 4, [size]), *more),
    ]


def two_pictures(
    first: Image.Image, second: Image.Image, *more: tuple[int, int, list[int]]
) -> bytes:
    """Return a TIFF whose second picture is in a directory below the first."""
    pixels = first.tobytes() + second.tobytes()
    start = 8 + len(pixels)
    below = start + len(directory(picture(first, 8, (330, 4, [0]), *more), start))
    return (
        b"II*\0"
        + struct.pack("<I", start)
        + pixels
        + directory(picture(first, 8, (330, 4, [below]), *more), start)
        + directory(picture(second, 8 + len(first.tobytes())), below)
    )


SMALL, FULL = sample(160, 120), sample(320, 240)


@pytest.mark.parametrize(
    "content",
    [
        two_pictures(SMALL, FULL, (254, 4, [1])),
        two_pictures(SMALL, FULL, (255, 3, [2])),
        two_pictures(SMALL, FULL, (50706, 4, [0x0401])),
        two_pictures(SMALL, FULL),
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(4) + directory(picture(SMALL, 200), 16) + bytes(60_000),
    ],
    ids=["reduced", "reduced, the old way", "DNG", "a larger picture below", "CR2"],
)
def test_a_raw_photo_is_not_taken_for_its_thumbnail(content: bytes) -> None:
    assert reason(content) is UnreadableReason.UNSUPPORTED_FORMAT


def test_a_tiff_with_smaller_versions_of_itself_is_read() -> None:
    assert decoded(two_pictures(FULL, SMALL)).width == 320


def test_a_tiff_with_a_broken_directory_below_is_read() -> None:
    assert decoded(two_pictures(FULL, SMALL)[:-40]).width == 320


def test_a_png_of_several_pictures_is_read_as_its_first() -> None:
    file = saved(
        sample(), "PNG", save_all=True, append_images=[Image.new("RGB", (96, 64))], duration=10
    )
    assert b"fdAT" in file
    assert difference(decoded(file).pixels, sample()) == 0


def tinted(photo: Image.Image, *shares: float) -> Image.Image:
    grey = np.asarray(photo.convert("L"), dtype=np.float64)
    return Image.fromarray((grey[:, :, None] * np.array(shares)).astype(np.uint8))


@pytest.mark.parametrize(
    "shares",
    [
        *[(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1), (1, 0, 1)],
        *[(1, 0.02, 0.02), (0.1, 1, 0.1), (0.1, 0.1, 1), (1, 0.1, 1)],
    ],
)
def test_a_photo_in_light_of_one_colour_is_read_as_grey(shares: tuple[float, ...]) -> None:
    photo = decoded(saved(tinted(sample(), *shares), "PNG"))
    assert difference(photo.pixels, sample().convert("L")) < 1


@pytest.mark.parametrize("shares", [(1, 1, 1), (1, 1, 0), (1, 0.2, 0.2), (0.5, 1, 0.5)])
def test_a_photo_in_yellow_or_mixed_light_is_read_as_it_is(shares: tuple[float, ...]) -> None:
    photo = tinted(sample(), *shares)
    assert difference(decoded(saved(photo, "PNG")).pixels, photo) == 0


def test_a_black_photo_stays_black() -> None:
    assert not decoded(saved(Image.new("RGB", (64, 64)), "PNG")).pixels.any()
