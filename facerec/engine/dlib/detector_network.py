"""dlib's MMOD face detection network as an ONNX graph.

It has the structure of ``net_type`` in ``tools/python/src/cnn_face_detector.cpp`` of dlib.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facerec.engine.dlib.detector_interface import INPUT_NAME, OUTPUT_NAME, DetectorGeometry
from facerec.engine.dlib.network import (
    Affine,
    Convolution,
    Network,
    PyramidInput,
    Relu,
    read_network,
)
from facerec.engine.dlib.onnx_graph import GraphBuilder, fold_affine, fold_input, pad_channels
from facerec.engine.dlib.stream import DlibFormatError

CHANNEL_BLOCK = 16
"""Number of channels that ONNX Runtime's convolutions compute together with AVX-512; half as many
with AVX2. Layers of 45 channels run at two thirds of the speed of 48, so they are padded with
zeros."""


def build_detector_model(weights: bytes, *, padded: bool = True) -> bytes:
    """Convert ``mmod_human_face_detector.dat`` to ONNX.

    The model takes ``tile``, float32 of shape (n, 3, rows, columns), RGB of 0 to 255, and returns
    ``scores``, float32 of shape (n, 1, output rows, output columns).

    Args:
        weights: Content of the file.
        padded: Whether layers are padded with zeros as in dlib. Otherwise they compute only outputs
            that do not depend on anything outside the input, and shrink one by one.

    Raises:
        DlibFormatError: The content is not that network.
    """
    network = read_network(weights)
    geometry = _geometry(network)
    graph = GraphBuilder()
    name, channels = INPUT_NAME, len(geometry.means)
    layers = iter(network.layers)
    for number, layer in enumerate(layers):
        if not isinstance(layer, Convolution):
            raise DlibFormatError(f"expected a convolution, got {type(layer).__name__}")
        convolution = fold_input(layer, network.image) if number == 0 else layer
        if not padded:
            convolution = replace(convolution, padding=(0, 0))
        affine = next(layers, None)
        if affine is None:
            last = pad_channels(convolution, channels, len(convolution.filters))
            name = graph.flat_convolution(name, last)
            break
        if not isinstance(affine, Affine) or not isinstance(next(layers, None), Relu):
            raise DlibFormatError("expected an affine layer and a ReLU after a convolution")
        convolution = fold_affine(convolution, affine)
        outputs = -(-len(convolution.filters) // CHANNEL_BLOCK) * CHANNEL_BLOCK
        name = graph.convolution(name, pad_channels(convolution, channels, outputs))
        name, channels = graph.node("Relu", name), outputs
    return graph.model(
        (INPUT_NAME, np.float32, ("n", 3, "rows", "columns")),
        (name, OUTPUT_NAME, ("n", 1, "output_rows", "output_columns")),
        geometry.to_metadata(),
    )


def _geometry(network: Network) -> DetectorGeometry:
    image, window = network.image, network.window
    if not isinstance(image, PyramidInput) or window is None or window.width != window.height:
        raise DlibFormatError("not a detection network with a square window")
    stride, origin, reach = 1, 0, 0
    for layer in reversed(network.layers):
        if not isinstance(layer, Convolution):
            continue
        # From output to input, like ``map_output_to_input`` of dlib's con_.
        half = layer.filters.shape[2] // 2
        origin = origin * layer.stride[0] + half - layer.padding[0]
        if stride == 1 and layer.stride[0] == 1:
            reach += half
        stride *= layer.stride[0]
    return DetectorGeometry(
        means=image.means,
        padding=image.padding,
        outer_padding=image.outer_padding,
        window=window.width,
        stride=stride,
        origin=origin,
        reach=reach,
        overlap=window.overlap,
        cover=window.cover,
    )
