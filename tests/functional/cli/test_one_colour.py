"""A face is found in light of any one colour, also if it is overexposed, in photos of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.command_line import EXAMPLES, Facerec, document
from tests.support.long import mostly_long, rarely_short

LIGHTS = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "cyan": (0, 1, 1),
    "magenta": (1, 0, 1),
    "yellow": (1, 1, 0),
    "nearly red": (1, 0.05, 0.05),
    "partly red": (1, 0.1, 0.1),
    "reddish": (1, 0.2, 0.2),
    "overexposed red": (3, 0.3, 0.3),
    "overexposed reddish": (2, 0.3, 0.3),
    "overexposed green": (0.45, 3, 0.45),
    "overexposed magenta": (3, 0.45, 3),
}


@pytest.mark.parametrize("light", mostly_long(LIGHTS.values(), 6), ids=LIGHTS)
@pytest.mark.parametrize("height", rarely_short([250, 600, 1350], 600))
def test_a_face_in_light_of_one_colour_is_found(
    facerec: Facerec, tmp_path: Path, height: int, light: tuple[float, ...]
) -> None:
    photo = Image.open(EXAMPLES / "probe.jpg").convert("L")
    photo = photo.resize((photo.width * height // photo.height, height))
    tinted = np.asarray(photo, dtype=np.float64)[:, :, None] * np.array(light)
    path = tmp_path / "photo.png"
    Image.fromarray(np.minimum(tinted, 255).astype(np.uint8)).save(path)
    assert len(document(facerec("detect", path, "--json"))["faces"]) == 1
