"""Builds ONNX graphs from the layers of dlib's networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facerec.engine.dlib.network import Affine, Convolution, ImageInput, Tensor

if TYPE_CHECKING:
    import onnx

# Supported by every accepted version of ONNX Runtime, and sufficient for these networks.
_OPSET = 17
_IR_VERSION = 8

_PIXEL_RANGE = 256.0
"""Divisor of pixel values in dlib (``dlib/dnn/input.h``)."""

Shape = tuple[int | str, ...]


class GraphBuilder:
    """Collects nodes and constants. Every node has one output, identified by name."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        """Add a node and return the name of its output."""
        from onnx import helper

        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, values: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, source: str, layer: Convolution) -> str:
        """Add a convolution and return the name of its output."""
        top, left = layer.padding
        return self.node(
            "Conv",
            source,
            self.constant(layer.filters),
            self.constant(layer.biases),
            kernel_shape=layer.filters.shape[2:],
            strides=layer.stride,
            pads=[top, left, top, left],
        )

    def flat_convolution(self, source: str, layer: Convolution) -> str:
        """Add a convolution with few filters as a transposed convolution.

        It computes one matrix product and adds its shifted results. An ordinary 9x9 convolution
        with a single filter is ten times slower, because the runtime computes 16 filters at a time.
        The stride must be 1.
        """
        height, width = layer.filters.shape[2:]
        bottom, right = height - 1 - layer.padding[0], width - 1 - layer.padding[1]
        return self.node(
            "ConvTranspose",
            source,
            self.constant(layer.filters.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]),
            self.constant(layer.biases),
            kernel_shape=(height, width),
            pads=[bottom, right, bottom, right],
        )

    def model(
        self,
        source: tuple[str, type[np.generic], Shape],
        result: tuple[str, str, Shape],
        metadata: dict[str, str] | None = None,
    ) -> bytes:
        """Return the serialized model.

        Args:
            source: The input's name, element type and shape; names in it are free dimensions.
            result: The name of the node's output, the name to give it, and its shape (float32).
            metadata: Properties that the model carries.
        """
        import onnx
        from onnx import helper

        source_name, source_type, source_shape = source
        last, result_name, result_shape = result
        element = helper.np_dtype_to_tensor_dtype(np.dtype(source_type))
        graph = helper.make_graph(
            [*self._nodes, helper.make_node("Identity", [last], [result_name])],
            "facerec",
            [helper.make_tensor_value_info(source_name, element, source_shape)],
            [helper.make_tensor_value_info(result_name, onnx.TensorProto.FLOAT, result_shape)],
            self._constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="facerec",
        )
        helper.set_model_props(model, metadata or {})
        onnx.checker.check_model(model)
        serialized: bytes = model.SerializeToString(deterministic=True)
        return serialized


def pad_channels(convolution: Convolution, inputs: int, outputs: int) -> Convolution:
    """Return a convolution with more channels, padded with zeros."""
    own_outputs, own_inputs, rows, columns = convolution.filters.shape
    filters: Tensor = np.zeros((outputs, inputs, rows, columns), dtype=np.float32)
    filters[:own_outputs, :own_inputs] = convolution.filters
    biases: Tensor = np.zeros(outputs, dtype=np.float32)
    biases[:own_outputs] = convolution.biases
    return replace(convolution, filters=filters, biases=biases)


def fold_affine(convolution: Convolution, affine: Affine) -> Convolution:
    """Return one convolution equal to a convolution followed by an affine layer."""
    scale = affine.scale.astype(np.float64)
    filters = convolution.filters * scale[:, np.newaxis, np.newaxis, np.newaxis]
    biases = convolution.biases * scale + affine.offset
    return _with_values(convolution, filters, biases)


def fold_input(convolution: Convolution, image: ImageInput) -> Convolution:
    """Return a convolution that takes pixels of 0 to 255 and includes dlib's input scaling.

    The convolution must not have padding: zeros would no longer be the mean colour.

    Raises:
        ValueError: The convolution has padding.
    """
    if any(convolution.padding):
        raise ValueError("cannot fold the input into a convolution with padding")
    filters = convolution.filters.astype(np.float64) / _PIXEL_RANGE
    means = np.asarray(image.means)[np.newaxis, :, np.newaxis, np.newaxis]
    biases = convolution.biases - (filters * means).sum(axis=(1, 2, 3))
    return _with_values(convolution, filters, biases)


def _with_values(
    convolution: Convolution, filters: NDArray[np.float64], biases: NDArray[np.float64]
) -> Convolution:
    return replace(
        convolution, filters=filters.astype(np.float32), biases=biases.astype(np.float32)
    )
