"""Writes dlib's serialization format, for networks small enough to make up."""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


class DlibWriter:
    """The counterpart of ``DlibStream``."""

    def __init__(self) -> None:
        self.content = b""

    def integer(self, value: int) -> DlibWriter:
        size = max(1, (abs(value).bit_length() + 7) // 8)
        sign = 0x80 if value < 0 else 0
        self.content += bytes([size | sign]) + abs(value).to_bytes(size, "little")
        return self

    def integers(self, *values: int) -> DlibWriter:
        for value in values:
            self.integer(value)
        return self

    def number(self, value: float) -> DlibWriter:
        if math.isinf(value):
            return self.integers(0, 32000 if value > 0 else 32001)
        if math.isnan(value):
            return self.integers(0, 32002)
        fraction, exponent = math.frexp(value)
        return self.integers(int(fraction * 2**53), exponent - 53)

    def numbers(self, *values: float) -> DlibWriter:
        for value in values:
            self.number(value)
        return self

    def boolean(self, value: bool) -> DlibWriter:
        self.content += b"1" if value else b"0"
        return self

    def text(self, value: str) -> DlibWriter:
        self.integer(len(value))
        self.content += value.encode("ascii")
        return self

    def tensor(self, values: Values) -> DlibWriter:
        self.integers(2, *values.shape)
        self.content += struct.pack(f"<{values.size}f", *values.reshape(-1).tolist())
        return self

    def alias(self, *shape: int) -> DlibWriter:
        return self.integers(1, *shape)

    def layer_state(self, *, innermost: bool = False) -> DlibWriter:
        for _ in range(3):
            self.boolean(False)
        for _ in range(3):
            self.tensor(np.empty((0, 0, 0, 0), dtype=np.float32))
        return self.integer(1) if innermost else self

    def convolution(self, filters: Values, biases: Values, stride: int, padding: int) -> DlibWriter:
        count, _, rows, columns = filters.shape
        values = np.concatenate([filters.reshape(-1), biases.reshape(-1)])
        self.text("con_4").tensor(values.reshape(values.size, 1, 1, 1))
        self.integers(count, rows, columns, stride, stride, padding, padding)
        self.alias(*filters.shape).alias(1, count, 1, 1)
        return self.numbers(1, 1, 1, 0)

    def batch_normalisation(
        self, scale: Values, offset: Values, means: Values, variances: Values, epsilon: float
    ) -> DlibWriter:
        channels = scale.size
        self.text("bn_con2")
        values = np.concatenate([scale, offset])
        self.tensor(values.reshape(values.size, 1, 1, 1))
        self.alias(1, channels, 1, 1).alias(1, channels, 1, 1)
        for figures in (means, variances, means, variances):
            self.tensor(figures.reshape(1, channels, 1, 1))
        return self.integers(5, 100).numbers(1, 0, 1, 1, epsilon)


def small_detector(seed: int = 0) -> bytes:
    """Return a file like ``mmod_human_face_detector.dat`` with two convolutions of made-up values.

    The first is 5x5 with stride 2, and the second 9x9 with padding 4.
    """
    random = np.random.default_rng(seed)

    def values(*shape: int) -> Values:
        return random.normal(size=shape).astype(np.float32)

    writer = DlibWriter().integer(1).text("loss_mmod_")
    writer.integers(1, 80, 80).numbers(1, 1, 0.5, 0.338, 1, 0.5, 1)
    writer.integers(2, 2, 2, 3)
    writer.text("input_rgb_image_pyramid").numbers(122.782, 117.001, 104.298)
    writer.convolution(values(2, 3, 5, 5), values(2), stride=2, padding=0)
    writer.layer_state(innermost=True)
    writer.batch_normalisation(values(2), values(2), values(2), np.abs(values(2)) + 1, 1e-5)
    writer.layer_state()
    writer.text("relu_").layer_state()
    writer.convolution(values(1, 2, 9, 9), values(1), stride=1, padding=4)
    writer.layer_state()
    return writer.content
