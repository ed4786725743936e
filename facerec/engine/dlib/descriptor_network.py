"""dlib's face recognition network as an ONNX graph.

It has the structure of ``anet_type`` in ``tools/python/src/face_recognition.cpp`` of dlib: a
residual network of 29 convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np

from facerec.core.faces import EMBEDDING_SIZE
from facerec.engine.dlib.descriptor_interface import CHIP_SIZE, INPUT_NAME, OUTPUT_NAME
from facerec.engine.dlib.network import (
    AddPrevious,
    Affine,
    Convolution,
    FullyConnected,
    Layer,
    Network,
    Pool,
    Relu,
    read_network,
)
from facerec.engine.dlib.onnx_graph import GraphBuilder, fold_affine, fold_input
from facerec.engine.dlib.stream import DlibFormatError

# The output of a block: its name, channels, and side in pixels.
_Features = tuple[str, int, int]
_L = TypeVar("_L", bound=Layer)


def build_descriptor_model(weights: bytes) -> bytes:
    """Convert ``dlib_face_recognition_resnet_model_v1.dat`` to ONNX.

    The model takes ``chips``, uint8 of shape (n, 150, 150, 3), RGB, and returns ``descriptors``,
    float32 of shape (n, 128).

    Args:
        weights: Content of the file.

    Raises:
        DlibFormatError: The content is not that network.
    """
    network = read_network(weights)
    graph = GraphBuilder()
    layers = iter(network.layers)
    features = _stem(graph, network, layers)
    layer = next(layers, None)
    while isinstance(layer, Convolution):
        features = _residual_block(graph, layer, layers, features)
        layer = next(layers, None)
    last = _head(graph, layer, layers, features)
    return graph.model(
        (INPUT_NAME, np.uint8, ("n", CHIP_SIZE, CHIP_SIZE, 3)),
        (last, OUTPUT_NAME, ("n", EMBEDDING_SIZE)),
    )


def _stem(graph: GraphBuilder, network: Network, layers: Iterator[Layer]) -> _Features:
    convolution = fold_input(_expect(Convolution, next(layers, None)), network.image)
    convolution = fold_affine(convolution, _expect(Affine, next(layers, None)))
    _expect(Relu, next(layers, None))
    pool = _expect(Pool, next(layers, None))

    # Transposed as bytes, which moves a quarter of the memory of float32.
    channels_first = graph.node("Transpose", INPUT_NAME, perm=[0, 3, 1, 2])
    pixels = graph.node("Cast", channels_first, to=1)
    name = graph.node("Relu", graph.convolution(pixels, convolution))
    name = graph.node("MaxPool", name, kernel_shape=pool.window, strides=pool.stride)
    side = _side_after(_side_after(CHIP_SIZE, convolution), pool)
    return name, len(convolution.filters), side


def _residual_block(
    graph: GraphBuilder, first: Convolution, layers: Iterator[Layer], source: _Features
) -> _Features:
    first = fold_affine(first, _expect(Affine, next(layers, None)))
    _expect(Relu, next(layers, None))
    second = _expect(Convolution, next(layers, None))
    second = fold_affine(second, _expect(Affine, next(layers, None)))
    name, channels, side = source
    output = graph.convolution(graph.node("Relu", graph.convolution(name, first)), second)
    block = (output, len(second.filters), _side_after(_side_after(side, first), second))
    shortcut = source
    layer = next(layers, None)
    if isinstance(layer, Pool):
        pooled = graph.node("AveragePool", name, kernel_shape=layer.window, strides=layer.stride)
        shortcut = (pooled, channels, _side_after(side, layer))
        layer = next(layers, None)
    _expect(AddPrevious, layer)
    _expect(Relu, next(layers, None))
    return _add(graph, block, shortcut)


def _add(graph: GraphBuilder, left: _Features, right: _Features) -> _Features:
    """Add two tensors as dlib does, the smaller one padded with zeros, and apply a ReLU."""
    channels, side = max(left[1], right[1]), max(left[2], right[2])
    names = []
    for name, own_channels, own_side in (left, right):
        ends = [0, channels - own_channels, side - own_side, side - own_side]
        if any(ends):
            pads = graph.constant(np.array([0, 0, 0, 0, *ends], dtype=np.int64))
            names.append(graph.node("Pad", name, pads))
        else:
            names.append(name)
    return graph.node("Relu", graph.node("Add", *names)), channels, side


def _head(
    graph: GraphBuilder, layer: Layer | None, layers: Iterator[Layer], source: _Features
) -> str:
    pool = _expect(Pool, layer)
    matrix = _expect(FullyConnected, next(layers, None))
    if not pool.average or any(pool.window) or matrix.weights.shape[1] != EMBEDDING_SIZE:
        raise DlibFormatError("the last layers are not those of the face recognition network")
    pooled = graph.node("Flatten", graph.node("GlobalAveragePool", source[0]))
    return graph.node("MatMul", pooled, graph.constant(matrix.weights))


def _side_after(side: int, layer: Convolution | Pool) -> int:
    window = layer.filters.shape[2] if isinstance(layer, Convolution) else layer.window[0]
    return (side + 2 * layer.padding[0] - window) // layer.stride[0] + 1


def _expect(kind: type[_L], layer: Layer | None) -> _L:
    if not isinstance(layer, kind):
        found = "the end of the network" if layer is None else f"a {type(layer).__name__} layer"
        raise DlibFormatError(f"expected a {kind.__name__} layer, got {found}")
    return layer
