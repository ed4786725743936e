"""The proposal network as a PyTorch module, and its export to ONNX."""

from __future__ import annotations

import io
import json
from typing import Any

import torch
from patches import GREY, OFFSETS_IN_OCTAVE, SIDE, SIDES, STRIDE
from torch import Tensor, nn

from facerec.engine.detect.proposals import INPUT_NAME, MIN_FACE_PIXELS, OUTPUT_NAME, SIDES_KEY
from facerec.engine.dlib.detector_interface import DetectorGeometry

CHANNELS = (16, 32, 64)
DEPTH = 4
"""Number of blocks that keep the size: a depthwise convolution, then a pointwise one."""

_DEPTHWISE_SIDE = 5
"""Side of the depthwise convolutions' kernels."""

ORIGIN = 7
"""Input pixel at the centre of the first output: (7 - 1) / 2 for the first convolution, plus one of
its outputs at a stride of 4."""

_CONTRAST = 64.0
_PRIOR_LOGIT = -4.0


class ProposalModule(nn.Module):
    """Convolutions of 7x7/4 and 3x3/2, then depthwise 5x5 and pointwise 1x1 in turn.

    Returns a logit and three offsets for each anchor size.
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, rest = CHANNELS
        blocks: list[nn.Module] = [*_block(1, first, 7, 4, 0), *_block(first, second, 3, 2, 0)]
        for inputs in [second, *[rest] * (DEPTH - 1)]:
            blocks += _block(
                inputs, inputs, _DEPTHWISE_SIDE, 1, _DEPTHWISE_SIDE // 2, groups=inputs
            )
            blocks += _block(inputs, rest, 1, 1, 0)
        self.features = nn.Sequential(*blocks)
        self.head = nn.Conv2d(rest, len(SIDES) * 4, 1)
        nn.init.constant_(self.head.bias[: len(SIDES)], _PRIOR_LOGIT)

    def forward(self, grey: Tensor) -> Tensor:
        """Map pixels (n, 1, rows, columns) of 0 to 255 to outputs (n, 4 * sizes, ...)."""
        places: Tensor = self.head(self.features((grey - GREY) / _CONTRAST))
        return places


def _block(
    inputs: int, outputs: int, side: int, stride: int, padding: int, groups: int = 1
) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding, groups=groups)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def to_onnx(network: ProposalModule, about: str) -> bytes:
    """Return the network as an ONNX model of convolutions only, with its geometry as metadata.

    Args:
        network: The network in evaluation mode; its weights are changed.
        about: Origin of the weights, stored in the model.
    """
    import onnx

    layers: list[nn.Module] = []
    features: Any = network.features
    for convolution, normalisation, relu in zip(*[iter(features)] * 3, strict=True):
        layers += [nn.utils.fuse_conv_bn_eval(convolution, normalisation), relu]
    first: Any = layers[0]
    with torch.no_grad():
        # The first convolution has no padding, so the input scaling folds into it.
        first.bias -= first.weight.sum((1, 2, 3)) * GREY / _CONTRAST
        first.weight /= _CONTRAST
        # The network was trained on thirds of octaves; the model returns octaves.
        for values in (network.head.weight, network.head.bias):
            values[len(SIDES) + 2 :: 3] /= OFFSETS_IN_OCTAVE
    file = io.BytesIO()
    torch.onnx.export(
        nn.Sequential(*layers, network.head),
        (torch.zeros(1, 1, SIDE, SIDE),),
        file,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        dynamic_axes={
            INPUT_NAME: {0: "n", 2: "rows", 3: "columns"},
            OUTPUT_NAME: {0: "n", 2: "output_rows", 3: "output_columns"},
        },
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load_from_string(file.getvalue())
    geometry = DetectorGeometry(
        means=(float(GREY),) * 3,
        padding=0,
        outer_padding=16,
        window=MIN_FACE_PIXELS,
        stride=STRIDE,
        origin=ORIGIN,
        reach=DEPTH * (_DEPTHWISE_SIDE // 2),
        overlap=0.3,
        cover=1.0,
    )
    properties = {SIDES_KEY: json.dumps([round(float(side), 3) for side in SIDES])}
    onnx.helper.set_model_props(model, geometry.to_metadata() | properties)
    model.producer_name, model.doc_string = "facerec", about
    content: bytes = model.SerializeToString(deterministic=True)
    return content
