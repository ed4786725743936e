"""The ONNX models: converted from dlib's weights once, then read from the cache.

A model is an argument of ``open_session``: the path of a cached file, or the serialized model
itself if it was just converted or cannot be cached.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.core.deferred import DeferredModule
from facerec.engine.dlib.cache_folder import cache_folder, write_to_cache
from facerec.engine.dlib.sessions import Model
from facerec.engine.dlib.weights import REPAIR, Weights, find_weights, fingerprint
from facerec.errors import WeightsError

if TYPE_CHECKING:
    from facerec.engine.dlib import crop_network, descriptor_network, detector_network, stream
else:
    # Reading a cached model needs none of these modules.
    crop_network = DeferredModule("facerec.engine.dlib.crop_network")
    descriptor_network = DeferredModule("facerec.engine.dlib.descriptor_network")
    detector_network = DeferredModule("facerec.engine.dlib.detector_network")
    stream = DeferredModule("facerec.engine.dlib.stream")

CONVERTER_VERSION = 2
"""Version of the converters' output, to be raised with every change of it. Files of other versions
are ignored."""

_BLOCK_BYTES = 64 * 1024
"""Number of bytes read at a time, so that a model that is only checked is never held in memory as a
whole."""


def descriptor_model() -> Model:
    """Return the face recognition network (see ``descriptor_network``).

    Raises:
        WeightsError: dlib's weights are missing or cannot be used.
    """
    return _load_or_convert(
        "descriptor",
        Weights.DESCRIPTOR,
        lambda weights: descriptor_network.build_descriptor_model(weights),
    )


def detector_model() -> Model:
    """Return the face detection network (see ``detector_network``).

    Raises:
        WeightsError: dlib's weights are missing or cannot be used.
    """
    return _load_or_convert(
        "detector", Weights.DETECTOR, lambda weights: detector_network.build_detector_model(weights)
    )


def crop_model() -> Model:
    """Return the face detection network for crops (see ``crop_network``).

    Raises:
        WeightsError: dlib's weights are missing or cannot be used.
    """
    return _load_or_convert(
        "crop", Weights.DETECTOR, lambda weights: crop_network.build_crop_model(weights)
    )


def _load_or_convert(name: str, weights: Weights, convert: Callable[[bytes], bytes]) -> Model:
    source = find_weights(weights)
    digest = fingerprint(source)
    cached = cache_folder() / "models" / f"{name}-{digest[:16]}-v{CONVERTER_VERSION}.onnx"
    if _is_intact(cached):
        return cached
    model = _convert(source, convert)
    # The checksum is written last, so a model without a checksum is an interrupted write and is
    # converted again.
    write_to_cache(cached, model)
    write_to_cache(_checksum_path(cached), _text(zlib.crc32(model)))
    return model


def _convert(source: Path, convert: Callable[[bytes], bytes]) -> bytes:
    try:
        return convert(source.read_bytes())
    except OSError as error:
        raise WeightsError(
            f"the weights {source} cannot be read: {error.strerror}", REPAIR
        ) from error
    except stream.DlibFormatError as error:
        raise WeightsError(f"the weights {source} are damaged: {error}", REPAIR) from error


def _is_intact(path: Path) -> bool:
    """Return whether a model is cached and matches its checksum.

    The checksum detects damage. A digest would take three times as long and add no security:
    a process that can write the model can also write the digest.
    """
    checksum = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                checksum = zlib.crc32(block, checksum)
        return _checksum_path(path).read_bytes() == _text(checksum)
    except OSError:
        return False


def _checksum_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.crc32")


def _text(checksum: int) -> bytes:
    return f"{checksum:08x}".encode()
