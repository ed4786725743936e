"""How a head is turned, on real faces."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from facerec.core.faces import Pose
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces
from facerec.core.protocols.engine import FaceEngine
from facerec.engine.engine import open_engine
from tests.support.long import mostly_long
from tests.support.shared_data import shared_data

ROOT = Path(__file__).resolve().parents[3]
PORTRAITS = sorted((ROOT / "examples" / "photos").glob("*-*.jpg"))

GATE = 25.0
"""Yaw that tells a turned face from one that is not (``docs/accuracy.md``)."""

TURNED = {
    "Allan_Houston/Allan_Houston_0001.jpg": -1,
    "Bill_Frist/Bill_Frist_0002.jpg": -1,
    "David_Beckham/David_Beckham_0024.jpg": 1,
    "Ken_Watanabe/Ken_Watanabe_0001.jpg": 1,
}
"""Photos of LFW that no network of facerec has learnt from, and the side of the photo to which the
people look: 1 is right."""


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return open_engine(threads=1)


def pose_of(engine: FaceEngine, image: Image.Image) -> Pose:
    content = io.BytesIO()
    image.save(content, "PNG")
    (found,) = engine.analyse([content.getvalue()], FaceOptions())
    assert isinstance(found, PhotoFaces)
    pose: Pose = found.faces[0].quality.pose
    return pose


@pytest.mark.parametrize("path", mostly_long(PORTRAITS, 1), ids=lambda path: path.stem)
def test_a_mirror_image_is_turned_to_the_other_side(engine: FaceEngine, path: Path) -> None:
    image = Image.open(path).convert("RGB")
    own, mirrored = pose_of(engine, image), pose_of(engine, ImageOps.mirror(image))
    assert own.yaw == pytest.approx(-mirrored.yaw, abs=6)
    assert own.roll == pytest.approx(-mirrored.roll, abs=3)
    assert own.pitch == pytest.approx(mirrored.pitch, abs=6)


def test_roll_is_clockwise(engine: FaceEngine) -> None:
    image = Image.open(PORTRAITS[0]).convert("RGB")
    leaning = image.rotate(-15, Image.Resampling.BICUBIC, expand=True)
    assert pose_of(engine, leaning).roll - pose_of(engine, image).roll == pytest.approx(15, abs=4)


def test_people_who_look_into_the_camera_have_small_angles(engine: FaceEngine) -> None:
    for path in sorted(shared_data("london").glob("*_neutral_front.jpg"))[::6]:
        pose = pose_of(engine, Image.open(path))
        assert math.hypot(pose.yaw, pose.pitch) < 12, path.name


@pytest.mark.parametrize("name", TURNED)
def test_a_turned_face_is_beyond_the_gate_on_its_side(engine: FaceEngine, name: str) -> None:
    yaw = pose_of(engine, Image.open(shared_data("lfw") / "images" / name)).yaw
    assert yaw * TURNED[name] > GATE
