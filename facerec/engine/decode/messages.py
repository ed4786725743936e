"""Messages between processes: a few fields as JSON, and bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

_LENGTHS = struct.Struct(">IQ")
"""Lengths of the fields and of the payload, in bytes."""


def write_message(
    stream: IO[bytes], fields: Mapping[str, Any], payload: bytes | memoryview
) -> None:
    """Write a message and flush the stream.

    Raises:
        BrokenPipeError: The reader has closed the stream.
    """
    encoded = json.dumps(fields).encode()
    size = payload.nbytes if isinstance(payload, memoryview) else len(payload)
    stream.write(_LENGTHS.pack(len(encoded), size))
    stream.write(encoded)
    stream.write(payload)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytearray] | None:
    """Return the next message, or None if the stream ends before it is complete."""
    lengths = _read(stream, _LENGTHS.size)
    if lengths is None:
        return None
    fields_size, payload_size = _LENGTHS.unpack(lengths)
    encoded = _read(stream, fields_size)
    payload = _read(stream, payload_size)
    if encoded is None or payload is None:
        return None
    return json.loads(encoded), payload


def _read(stream: IO[bytes], size: int) -> bytearray | None:
    data = bytearray(size)
    view = memoryview(data)
    filled = 0
    while filled < size:
        count = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            return None
        filled += count
    return data
