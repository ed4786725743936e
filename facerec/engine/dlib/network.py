"""Reads dlib's serialized networks as a list of layers, starting at the input.

The layouts follow the ``deserialize`` functions in ``dlib/dnn/core.h``, ``layers.h``, ``input.h``
and ``loss.h`` of dlib 20, for the layers that the face networks use.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.engine.dlib.stream import DlibFormatError, DlibStream

Tensor = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """Filters (out, in, rows, columns) and biases (out,), with strides and paddings (y, x)."""

    filters: Tensor
    biases: Tensor
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A scale and an offset for each channel, both of shape (channels,)."""

    scale: Tensor
    offset: Tensor


@dataclass(frozen=True, slots=True)
class Relu:
    """Sets negative values to zero."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A maximum or an average over windows (y, x); a window of 0 covers everything."""

    average: bool
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True)
class AddPrevious:
    """Adds the output of an earlier layer; the smaller tensor is padded with zeros."""


@dataclass(frozen=True, slots=True, eq=False)
class FullyConnected:
    """A matrix of shape (inputs, outputs), without biases."""

    weights: Tensor


Layer = Convolution | Affine | Relu | Pool | AddPrevious | FullyConnected


@dataclass(frozen=True, slots=True)
class ImageInput:
    """Means that are subtracted from red, green and blue before dividing by 256."""

    means: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PyramidInput(ImageInput):
    """A pyramid tiled into one image, with gaps between and around the levels, in pixels."""

    padding: int
    outer_padding: int


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """How the output of an MMOD network maps to boxes.

    Attributes:
        width: Width in pixels of the window that slides over each level of the pyramid.
        height: Height of that window in pixels.
        overlap: Two boxes whose intersection is more than this share of the smallest box around
            both are the same object.
        cover: Two boxes whose intersection is more than this share of either are the same object.
    """

    width: int
    height: int
    overlap: float
    cover: float


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network as stored by dlib; only detectors have a ``window``."""

    image: ImageInput
    layers: tuple[Layer, ...]
    window: SlidingWindow | None


def read_network(content: bytes) -> Network:
    """Read a network from the bytes of a ``.dat`` file.

    Raises:
        DlibFormatError: The content is not a network of known layers, or is truncated or too long.
    """
    stream = DlibStream(content)
    stream.version("loss layer", {1})
    window = _read_loss(stream)
    versions, input_name = _read_nesting(stream)
    image = _read_input(stream, input_name)
    layers = [_read_layer(stream)]
    _skip_layer_state(stream, innermost=True)
    for version in reversed(versions[:-1]):
        # Tags and skips, of version 1, mark a position in the network. They can be ignored: the
        # face networks use them only around residual blocks.
        if version == _LAYER_VERSION:
            layers.append(_read_layer(stream))
            _skip_layer_state(stream, innermost=False)
    if not stream.at_end:
        raise DlibFormatError("unexpected content after the network")
    return Network(image, tuple(layers), window)


_LAYER_VERSION = 2
_MARK_VERSION = 1
_INNERMOST_LAYER_VERSION = 3


def _read_loss(stream: DlibStream) -> SlidingWindow | None:
    name = stream.text()
    if name == "loss_metric_2":
        for _ in ("margin", "distance threshold"):
            stream.number()
        return None
    if name != "loss_mmod_":
        raise DlibFormatError(f"unknown loss {name!r}")
    stream.version("detector options", {1})
    width, height = stream.size(), stream.size()
    for _ in ("loss per false alarm", "loss per miss", "overlap that counts as found"):
        stream.number()
    window = SlidingWindow(width, height, overlap=stream.number(), cover=stream.number())
    for _ in ("overlap with ignored boxes", "their cover"):
        stream.number()
    return window


def _read_nesting(stream: DlibStream) -> tuple[list[int], str]:
    """Read the versions of all layers, outermost first, and the name of the input after them."""
    versions: list[int] = []
    # Each layer starts with its version and then contains the layers below it, so all versions
    # come first. The innermost has a version of its own; the input follows it.
    while not versions or versions[-1] != _INNERMOST_LAYER_VERSION:
        known = {_LAYER_VERSION, _MARK_VERSION, _INNERMOST_LAYER_VERSION}
        versions.append(stream.version("layer", known))
    return versions, stream.text()


def _read_input(stream: DlibStream, name: str) -> ImageInput:
    means = (stream.number(), stream.number(), stream.number())
    if name == "input_rgb_image_sized":
        for _ in ("rows", "columns"):
            stream.size()
        return ImageInput(means)
    if name == "input_rgb_image_pyramid":
        # dlib's defaults for files older than these settings.
        return PyramidInput(means, padding=10, outer_padding=11)
    raise DlibFormatError(f"unknown input {name!r}")


def _skip_layer_state(stream: DlibStream, *, innermost: bool) -> None:
    for _ in ("set up", "gradient is stale", "output is disabled"):
        stream.boolean()
    for _ in ("gradient", "cached output", "last gradient"):
        stream.tensor()
    if innermost:
        stream.integer()  # the sample expansion factor


def _read_layer(stream: DlibStream) -> Layer:
    name = stream.text()
    reader = _LAYER_READERS.get(name)
    if reader is None:
        raise DlibFormatError(f"unknown layer {name!r}")
    return reader(stream)


def _read_convolution(stream: DlibStream) -> Convolution:
    values = stream.tensor().reshape(-1)
    count, rows, columns = stream.size(), stream.size(), stream.size()
    stride = (stream.size(), stream.size())
    padding = (stream.size(), stream.size())
    shape, bias_shape = stream.tensor_alias(), stream.tensor_alias()
    _skip_multipliers(stream)
    if shape[0] != count or shape[2:] != (rows, columns) or math.prod(bias_shape) != count:
        raise DlibFormatError("a convolution's shapes contradict each other")
    filters, biases = _split(values, math.prod(shape))
    if biases.size != count:
        raise DlibFormatError("the number of a convolution's values does not match its shape")
    return Convolution(filters.reshape(shape), biases, stride, padding)


def _read_affine(stream: DlibStream) -> Affine:
    values = stream.tensor().reshape(-1)
    scale_shape, offset_shape = stream.tensor_alias(), stream.tensor_alias()
    stream.integer()  # the mode, which the shapes imply
    scale, offset = _split(values, math.prod(scale_shape))
    if offset.size != math.prod(offset_shape):
        raise DlibFormatError("an affine layer's values do not fill its shape")
    return Affine(scale, offset)


def _read_batch_normalisation(stream: DlibStream) -> Affine:
    """Read a batch normalisation and return it as the affine layer it is at inference."""
    values = stream.tensor().reshape(-1).astype(np.float64)
    for _ in ("scales", "offsets"):
        stream.tensor_alias()
    for _ in ("last means", "last inverse deviations"):
        stream.tensor()
    means, variances = (stream.tensor().reshape(-1).astype(np.float64) for _ in range(2))
    for _ in ("number of updates", "window of the running figures"):
        stream.integer()
    _skip_multipliers(stream)
    epsilon = stream.number()
    if not values.size == 2 * means.size == 2 * variances.size:
        raise DlibFormatError("the shapes of a batch normalisation do not match")
    scale = values[: means.size] / np.sqrt(variances + epsilon)
    offset = values[means.size :] - scale * means
    return Affine(scale.astype(np.float32), offset.astype(np.float32))


def _read_relu(stream: DlibStream) -> Relu:
    return Relu()


def _read_max_pool(stream: DlibStream) -> Pool:
    return _read_pool(stream, average=False)


def _read_average_pool(stream: DlibStream) -> Pool:
    return _read_pool(stream, average=True)


def _read_pool(stream: DlibStream, *, average: bool) -> Pool:
    window, stride, padding = ((stream.size(), stream.size()) for _ in range(3))
    return Pool(average, window, stride, padding)


def _read_add_previous(stream: DlibStream) -> AddPrevious:
    return AddPrevious()


def _read_fully_connected(stream: DlibStream) -> FullyConnected:
    outputs, inputs = stream.size(), stream.size()
    values = stream.tensor().reshape(-1)
    for _ in ("weights", "biases"):
        stream.tensor_alias()
    stream.integer()  # whether there are biases, which the number of values implies
    _skip_multipliers(stream)
    if values.size != inputs * outputs:
        raise DlibFormatError("a matrix's values do not fill its shape")
    return FullyConnected(values.reshape(inputs, outputs))


def _skip_multipliers(stream: DlibStream) -> None:
    for _ in ("learning rate", "weight decay", "bias learning rate", "bias weight decay"):
        stream.number()


def _split(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    return values[:count], values[count:]


_LAYER_READERS: dict[str, Callable[[DlibStream], Layer]] = {
    "con_4": _read_convolution,
    "affine_": _read_affine,
    "bn_con2": _read_batch_normalisation,
    "relu_": _read_relu,
    "max_pool_2": _read_max_pool,
    "avg_pool_2": _read_average_pool,
    "add_prev_": _read_add_previous,
    "fc_2": _read_fully_connected,
}
