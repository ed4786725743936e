from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.engine.dlib.network import (
    Affine,
    Convolution,
    PyramidInput,
    Relu,
    SlidingWindow,
    read_network,
)
from facerec.engine.dlib.stream import DlibFormatError
from tests.support.dlib_files import DlibWriter, small_detector


def test_layers_are_read_from_the_input_on() -> None:
    network = read_network(small_detector())
    assert [type(layer) for layer in network.layers] == [Convolution, Affine, Relu, Convolution]
    first, last = network.layers[0], network.layers[-1]
    assert isinstance(first, Convolution)
    assert isinstance(last, Convolution)
    assert (first.filters.shape, first.stride, first.padding) == ((2, 3, 5, 5), (2, 2), (0, 0))
    assert (last.filters.shape, last.stride, last.padding) == ((1, 2, 9, 9), (1, 1), (4, 4))
    assert last.biases.shape == (1,)


def test_the_input_and_the_window_of_a_detector_are_read() -> None:
    network = read_network(small_detector())
    assert network.image == PyramidInput((122.782, 117.001, 104.298), padding=10, outer_padding=11)
    assert network.window == SlidingWindow(80, 80, overlap=0.338, cover=1)


def test_batch_normalisation_becomes_scale_and_offset_from_the_running_figures() -> None:
    writer = DlibWriter().integer(1).text("loss_metric_2").numbers(0.04, 0.6).integers(2, 3)
    writer.text("input_rgb_image_sized").numbers(1, 2, 3).integers(150, 150)
    filters = np.ones((1, 3, 1, 1), dtype=np.float32)
    writer.convolution(filters, np.zeros(1, dtype=np.float32), stride=1, padding=0)
    writer.layer_state(innermost=True)
    figures = [np.array([value], dtype=np.float32) for value in (3.0, 5.0, 7.0, 3.0)]
    writer.batch_normalisation(*figures, epsilon=1.0).layer_state()
    affine = read_network(writer.content).layers[1]
    assert isinstance(affine, Affine)
    assert affine.scale == pytest.approx([3 / np.sqrt(3 + 1)])
    assert affine.offset == pytest.approx([5 - 7 * 3 / np.sqrt(3 + 1)])


@given(st.integers(min_value=0, max_value=len(small_detector()) - 1))
def test_a_file_cut_anywhere_is_a_format_error(length: int) -> None:
    with pytest.raises(DlibFormatError):
        read_network(small_detector()[:length])


def test_a_file_with_more_than_a_network_is_a_format_error() -> None:
    with pytest.raises(DlibFormatError, match="unexpected content"):
        read_network(small_detector() + b"\x01\x01")


def test_an_unknown_layer_is_named() -> None:
    with pytest.raises(DlibFormatError, match="sigm_"):
        read_network(small_detector().replace(b"relu_", b"sigm_"))
