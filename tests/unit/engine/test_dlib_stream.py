from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from facerec.engine.dlib.stream import DlibFormatError, DlibStream
from tests.support.dlib_files import DlibWriter

INTEGERS = st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1)


@given(INTEGERS)
def test_an_integer_reads_as_it_was_written(value: int) -> None:
    stream = DlibStream(DlibWriter().integer(value).content)
    assert stream.integer() == value
    assert stream.at_end


@given(st.floats(allow_nan=False))
def test_a_number_reads_as_it_was_written(value: float) -> None:
    assert DlibStream(DlibWriter().number(value).content).number() == value


def test_what_is_not_a_number_reads_as_such() -> None:
    assert math.isnan(DlibStream(DlibWriter().number(math.nan).content).number())


@given(arrays(np.float32, array_shapes(min_dims=4, max_dims=4, max_side=4)))
def test_a_tensor_reads_with_its_shape_and_values(values: np.ndarray) -> None:
    stream = DlibStream(DlibWriter().tensor(values).content)
    np.testing.assert_array_equal(stream.tensor(), values)
    assert stream.at_end


@given(st.lists(st.booleans()), st.text(alphabet="abc_0123", max_size=20))
def test_values_follow_each_other(truths: list[bool], text: str) -> None:
    writer = DlibWriter().text(text)
    for truth in truths:
        writer.boolean(truth)
    stream = DlibStream(writer.content)
    assert stream.text() == text
    assert [stream.boolean() for _ in truths] == truths
    assert stream.at_end


def test_integers_are_little_endian_after_length_and_sign() -> None:
    assert DlibStream(bytes([0x82, 0x01, 0x02])).integer() == -0x0201


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\x09" + bytes(9), b"\x04abc"], ids=["none", "zero", "long", "cut"]
)
def test_an_integer_of_impossible_length_is_a_format_error(content: bytes) -> None:
    with pytest.raises(DlibFormatError):
        DlibStream(content).integer()


def test_a_tensor_larger_than_its_content_is_a_format_error() -> None:
    content = DlibWriter().integers(2, 10**6, 10**6, 10**6, 1).content
    with pytest.raises(DlibFormatError, match="ends before"):
        DlibStream(content).tensor()


def test_a_negative_size_is_a_format_error() -> None:
    with pytest.raises(DlibFormatError, match="negative"):
        DlibStream(DlibWriter().integer(-1).content).size()


@given(st.binary(max_size=40))
def test_any_bytes_give_values_or_a_format_error(content: bytes) -> None:
    for read in (DlibStream.integer, DlibStream.number, DlibStream.text, DlibStream.tensor):
        try:
            read(DlibStream(content))
        except DlibFormatError:
            continue
