"""Measure how heads are turned with MediaPipe's Face Mesh.

python training/pose/teach.py FACES.npz OUT.npz
"""

from __future__ import annotations

import sys
from typing import Any

import mediapipe
import numpy as np
from numpy.typing import NDArray

LEFT_EYE, RIGHT_EYE, FOREHEAD, CHIN = 33, 263, 10, 152
"""Points of the mesh: the outer corners of the eyes, left and right as seen in the photo, and the
ends of the line down the middle of the face."""


def main() -> None:
    """Write yaw and pitch of each square, and of its mirror image; NaN where no face is found."""
    squares = np.load(sys.argv[1])["squares"]
    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=1, min_detection_confidence=0.2
    )
    angles = [_angles(mesh, square) for square in squares]
    mirrored = [_angles(mesh, square[:, ::-1]) for square in squares]
    np.savez(sys.argv[2], angles=np.array(angles), mirrored=np.array(mirrored))


def _angles(mesh: Any, square: NDArray[np.uint8]) -> tuple[float, float]:  # noqa: ANN401 - MediaPipe's
    """Return yaw, positive to the photo's right, and pitch, positive upwards, in degrees."""
    found = mesh.process(np.ascontiguousarray(square)).multi_face_landmarks
    if not found:
        return np.nan, np.nan
    points = np.array([(point.x, point.y, point.z) for point in found[0].landmark])
    across = points[RIGHT_EYE] - points[LEFT_EYE]
    across /= np.linalg.norm(across)
    down = points[CHIN] - points[FOREHEAD]
    down -= (down @ across) * across
    ahead = np.cross(across, down / np.linalg.norm(down))
    yaw = np.arctan2(across[2], np.hypot(across[0], across[1]))
    return float(np.degrees(yaw)), float(np.degrees(np.arcsin(np.clip(ahead[1], -1, 1))))


if __name__ == "__main__":
    main()
