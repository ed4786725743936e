"""Measures pose as a gate on photos whose pose is known roughly: ``python -m benchmarks.pose``.

Reads three kinds of photos in ``../shared/data``, none of which has measured angles:

- portraits of people who look straight into the camera (London), whose yaw is about 0;
- faces turned by about 45 degrees and more, to a known side (``benchmarks/turned_faces.json``):
  people of LFW and FairFace who were not used to train the pose network, chosen by eye from those
  with the nose furthest from the middle of the eyes;
- photos of LFW and their mirror images, whose yaw and roll are each other's opposites.

``docs/accuracy.md`` has the results.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.support.results import DATA, arguments, finish, show
from facerec.core.faces import Pose
from facerec.core.options import FaceOptions, QualityFilter
from facerec.factory import open_inspector
from facerec.gallery.inspection import Inspector

TURNED = Path(__file__).with_name("turned_faces.json")
GATES = (15, 20, 25, 30, 35, 40)
OPTIONS = FaceOptions(min_confidence=0.5, quality_filter=QualityFilter.NONE)


def main() -> None:
    """Print the tables."""
    parser = arguments(__doc__)
    parser.add_argument("--every", type=int, default=20, help="which photos of LFW are mirrored")
    options = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit(f"needs the photos in {DATA}")
    inspector = open_inspector()
    turned = json.loads(TURNED.read_text())
    away = {
        side: [pose.yaw for pose in poses(inspector, [DATA / name for name in names])]
        for side, names in turned.items()
    }
    towards_side = np.array([*(-yaw for yaw in away["left"]), *away["right"]])
    frontal = np.array(
        [pose.yaw for pose in poses(inspector, sorted((DATA / "london").glob("*_front.jpg")))]
    )
    listed = len(turned["left"]) + len(turned["right"])
    gates = [
        {
            "gate": f"{gate} degrees",
            "turned, above": f"{np.mean(abs(towards_side) > gate):.0%}",
            "frontal, above": f"{np.mean(abs(frontal) > gate):.0%}",
        }
        for gate in GATES
    ]
    show(f"{len(towards_side)} of {listed} turned faces, {len(frontal)} portraits", gates)
    sides = [
        {
            "turned to the right side": f"{np.mean(towards_side > 0):.0%}",
            "their yaw (median)": f"{np.median(towards_side):.0f}",
            "frontal, yaw (95 %)": f"{np.percentile(abs(frontal), 95):.1f}",
        }
    ]
    show("sides", sides)
    photos = sorted((DATA / "lfw" / "images").rglob("*.jpg"))[:: options.every]
    mirrors = [mirror_row(inspector, photos)]
    show("mirror images", mirrors)
    finish("pose", {"gates": gates, "sides": sides, "mirrors": mirrors}, options.json)


def poses(inspector: Inspector, photos: Iterable[Path | bytes]) -> Iterable[Pose]:
    """Yield the pose of the face nearest to the middle of each photo that has one."""
    for photo in photos:
        faces = inspector.detect(photo, options=OPTIONS).faces
        if faces:
            nearest = min(
                faces,
                key=lambda face: (
                    abs(face.box.left + face.box.width / 2 - 0.5)
                    + abs(face.box.top + face.box.height / 2 - 0.5)
                ),
            )
            yield nearest.quality.pose


def mirror_row(inspector: Inspector, photos: Iterable[Path]) -> dict[str, object]:
    """Return how well the poses of photos and of their mirror images agree."""
    pairs = []
    for path in photos:
        with Image.open(path) as image:
            upright = image.convert("RGB")
        both = [*poses(inspector, map(in_png, (upright, ImageOps.mirror(upright))))]
        if len(both) == 2:
            pairs.append([(pose.yaw, pose.pitch, pose.roll) for pose in both])
    own, mirrored = np.array(pairs).transpose(1, 0, 2)
    errors = abs(own - mirrored * [-1, 1, -1])
    clear = abs(own[:, 0]) >= 10
    return {
        "photos": len(pairs),
        "yaw differs by (mean)": f"{errors[:, 0].mean():.1f}",
        "pitch": f"{errors[:, 1].mean():.1f}",
        "roll": f"{errors[:, 2].mean():.1f}",
        "opposite sides, from 10 degrees": f"{np.mean((own * mirrored)[clear, 0] < 0):.0%}",
    }


def in_png(image: Image.Image) -> bytes:
    """Return an image as a file."""
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


if __name__ == "__main__":
    main()
