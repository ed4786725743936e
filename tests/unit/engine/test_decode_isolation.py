"""Decoders in a process of their own: their limits, crashes and end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from facerec.core.photos import UnreadablePhoto, UnreadableReason
from facerec.engine.decode.in_process import decode_in_process
from facerec.engine.decode.isolation import DecoderProcess, DecoderProcesses
from facerec.engine.decode.photo import DecodedPhoto, DecodeOptions
from tests.support.sample_photos import sample, saved

OPTIONS = DecodeOptions(None, 100_000_000)
TIFF = saved(sample(), "TIFF")

BUSY_FOR_EVER = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (1, 1_000))
while True: pass
"""
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
CRASHED = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
LIMITED = """
import sys
sys.path[:] = sys.argv[1:]
from facerec.engine.decode import isolation
isolation.MAX_MEMORY = 30_000_000
isolation.serve(sys.stdin.buffer, sys.stdout.buffer)
"""


class Starts:
    """Starts a process of each given code in turn, and of the real one afterwards."""

    def __init__(self, *codes: str) -> None:
        self._codes = list(codes)
        self.count = 0

    def __call__(self) -> DecoderProcess:
        self.count += 1
        return DecoderProcess(self._codes.pop(0)) if self._codes else DecoderProcess()


def test_the_pixels_are_those_of_a_decoder_in_this_process() -> None:
    processes = DecoderProcesses()
    for content in (TIFF, saved(sample(1_000, 700), "WEBP"), b"II*\0", saved(sample(), "AVIF")):
        isolated, here = processes.decode(content, OPTIONS), decode_in_process(content, OPTIONS)
        if isinstance(here, DecodedPhoto):
            assert isinstance(isolated, DecodedPhoto)
            assert np.array_equal(isolated.pixels, here.pixels)
            assert isolated.pixels.flags.writeable
            fields = ("width", "height", "scale", "is_preview")
            assert all(getattr(isolated, name) == getattr(here, name) for name in fields)
        else:
            assert isolated == here
    processes.close()


def test_a_decoder_that_does_not_finish_is_killed() -> None:
    starts = Starts(BUSY_FOR_EVER)
    processes = DecoderProcesses(starts)
    started = time.monotonic()
    outcome = processes.decode(TIFF, OPTIONS)
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.TIMED_OUT
    assert time.monotonic() - started < 30
    assert isinstance(processes.decode(TIFF, OPTIONS), DecodedPhoto)
    assert starts.count == 2
    processes.close()


@pytest.mark.parametrize("code", [KILLED, CRASHED])
def test_a_decoder_that_is_killed_once_is_not_the_photo_s_fault(code: str) -> None:
    processes = DecoderProcesses(Starts(code))
    assert isinstance(processes.decode(TIFF, OPTIONS), DecodedPhoto)
    processes.close()


@pytest.mark.parametrize("code", [KILLED, CRASHED])
def test_a_photo_at_which_the_decoder_crashes_twice_is_refused(code: str) -> None:
    processes = DecoderProcesses(Starts(code, code))
    outcome = processes.decode(TIFF, OPTIONS)
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.CRASHED
    assert isinstance(processes.decode(TIFF, OPTIONS), DecodedPhoto)
    processes.close()


def test_a_photo_that_needs_too_much_memory_is_refused_and_the_next_one_read() -> None:
    starts = Starts(LIMITED)
    processes = DecoderProcesses(starts)
    outcome = processes.decode(
        saved(Image.new("RGB", (5_000, 5_000)), "TIFF", compression="tiff_deflate"), OPTIONS
    )
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.TOO_LARGE
    assert isinstance(processes.decode(TIFF, OPTIONS), DecodedPhoto)
    assert starts.count == 1
    processes.close()


def test_a_process_is_used_again() -> None:
    starts = Starts()
    processes = DecoderProcesses(starts)
    for _ in range(5):
        processes.decode(TIFF, OPTIONS)
    assert starts.count == 1
    processes.close()


def test_concurrent_threads_do_not_mix_their_photos() -> None:
    starts = Starts()
    processes = DecoderProcesses(starts)
    barrier = threading.Barrier(3)

    def decode_some(side: int) -> bool:
        barrier.wait()
        content = saved(sample(side, side), "TIFF")
        outcomes = [processes.decode(content, OPTIONS) for _ in range(10)]
        return all(isinstance(one, DecodedPhoto) and one.width == side for one in outcomes)

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(decode_some, (40, 50, 60)))
    assert starts.count <= 3
    processes.close()


def test_the_output_of_libraries_about_odd_files_is_discarded() -> None:
    code = (
        "from facerec.engine.decode.decoding import decode\n"
        "from tests.unit.engine.test_decode_isolation import TIFF\n"
        "for end in range(8, len(TIFF), 50):\n"
        "    decode(TIFF[:end] + bytes(100), smallest_face=None, max_pixels=10_000)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (b"", b"")
