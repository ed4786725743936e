"""Reads the values of dlib's serialization format.

The format is described in ``dlib/serialize.h`` and ``dlib/cuda/tensor.h`` of dlib 20.
"""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

_SIZE_BITS = 0x0F
_SIGN_BIT = 0x80
_MAX_INTEGER_BYTES = 8
_TENSOR_VERSION = 2
_TENSOR_ALIAS_VERSION = 1

# Exponents that mark infinities and NaN in ``dlib/float_details.h``.
_SPECIAL_EXPONENTS = {32000: math.inf, 32001: -math.inf, 32002: math.nan}


class DlibFormatError(ValueError):
    """The bytes are not in dlib's format, or are truncated."""


class DlibStream:
    """A cursor over serialized bytes; each method reads one value and advances.

    A method raises ``DlibFormatError`` if the next bytes are not such a value, or are incomplete.
    """

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._position = 0

    @property
    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self._position == len(self._content)

    def integer(self) -> int:
        """Read an integer: a control byte with sign and length, then little-endian bytes."""
        control = self._take(1)[0]
        size = control & _SIZE_BITS
        if not 1 <= size <= _MAX_INTEGER_BYTES:
            raise DlibFormatError(f"an integer of {size} bytes at byte {self._position - 1}")
        magnitude = int.from_bytes(self._take(size), "little")
        return -magnitude if control & _SIGN_BIT else magnitude

    def size(self) -> int:
        """Read an integer that must not be negative."""
        count = self.integer()
        if count < 0:
            raise DlibFormatError(f"a negative size before byte {self._position}")
        return count

    def number(self) -> float:
        """Read a floating point value: its mantissa and its exponent of two, as integers."""
        mantissa, exponent = self.integer(), self.integer()
        if exponent in _SPECIAL_EXPONENTS:
            return _SPECIAL_EXPONENTS[exponent]
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError as error:
            raise DlibFormatError(f"a number is too large before byte {self._position}") from error

    def boolean(self) -> bool:
        """Read a Boolean: the character 0 or 1."""
        character = bytes(self._take(1))
        if character not in (b"0", b"1"):
            raise DlibFormatError(f"not a Boolean at byte {self._position - 1}")
        return character == b"1"

    def text(self) -> str:
        """Read a string: its length, then its bytes."""
        length = self.size()
        try:
            return bytes(self._take(length)).decode("ascii")
        except UnicodeDecodeError as error:
            raise DlibFormatError(f"not ASCII text before byte {self._position}") from error

    def tensor(self) -> NDArray[np.float32]:
        """Read a tensor: four dimensions (sample, channel, row, column), then float32 values."""
        self.version("tensor", {_TENSOR_VERSION})
        shape = self._shape()
        count = math.prod(shape)
        values = self._take(count * struct.calcsize("<f"))
        return np.frombuffer(values, dtype="<f4").reshape(shape)

    def tensor_alias(self) -> tuple[int, ...]:
        """Read the shape of a view into another tensor, which has no values of its own."""
        self.version("tensor alias", {_TENSOR_ALIAS_VERSION})
        return self._shape()

    def version(self, what: str, known: set[int]) -> int:
        """Read a version number, which must be one of ``known``."""
        number = self.integer()
        if number not in known:
            raise DlibFormatError(f"unknown version {number} of {what}")
        return number

    def _shape(self) -> tuple[int, ...]:
        return tuple(self.size() for _ in range(4))

    def _take(self, count: int) -> memoryview:
        end = self._position + count
        if end > len(self._content):
            raise DlibFormatError(f"the file ends before byte {end}")
        taken = self._content[self._position : end]
        self._position = end
        return taken
