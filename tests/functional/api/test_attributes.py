"""Attributes of faces in Rekognition's protocol: estimated, absent, or placeholders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.client import BaseClient

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.storage.sqlite import SqliteStore
from facerec.testing.engine import FakeAttributes, fake_face, fake_photo
from tests.support.api import rekognition_client
from tests.support.gallery import Collaborators
from tests.support.server import running

ANN = fake_photo(fake_face("ann"))
BOTH = fake_photo(fake_face("ann", width=0.3), fake_face("bob", left=0.6, confidence=0.6))

ServerFactory = Callable[..., str]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[ServerFactory]:
    """Start servers whose networks are installed or not, and return their addresses."""
    with ExitStack() as stack:

        def start(*, installed: bool = True, placeholders: bool = False) -> str:
            store = stack.enter_context(SqliteStore(tmp_path / f"{installed}{placeholders}.db"))
            collaborators = Collaborators(
                store, store, attributes=FakeAttributes(is_installed=installed)
            )
            settings = AppSettings(OpenGuard(), placeholders=placeholders)
            app = create_app(collaborators.gallery(), settings)
            return stack.enter_context(running(app))

        yield start


def detail(client: BaseClient, *attributes: str) -> dict[str, Any]:
    (found,) = client.detect_faces(Image={"Bytes": ANN}, Attributes=list(attributes))["FaceDetails"]
    return dict(found)


AGE_AND_GENDER = {
    "AgeRange": {"Low": 30, "High": 40},
    "Gender": {"Value": "Female", "Confidence": 90.0},
}


def test_age_and_gender_are_returned_to_those_who_ask(serve: ServerFactory) -> None:
    client = rekognition_client(serve())
    default = detail(client)
    assert not default.keys() & AGE_AND_GENDER.keys()
    assert detail(client, "DEFAULT") == default
    assert detail(client, "ALL") == default | AGE_AND_GENDER
    assert detail(client, "AGE_RANGE", "SMILE").keys() == default.keys() | {"AgeRange"}
    client.create_collection(CollectionId="staff")
    indexed = client.index_faces(
        CollectionId="staff", Image={"Bytes": BOTH}, DetectionAttributes=["ALL"]
    )
    (record,) = indexed["FaceRecords"]
    (other,) = indexed["UnindexedFaces"]
    for face in (record["FaceDetail"], other["FaceDetail"]):
        assert face.keys() == default.keys() | AGE_AND_GENDER.keys()


def test_without_networks_all_attributes_are_those_that_there_are(serve: ServerFactory) -> None:
    client = rekognition_client(serve(installed=False))
    assert detail(client, "ALL") == detail(client)
    with pytest.raises(client.exceptions.InvalidParameterException, match="not installed"):
        detail(client, "GENDER")


@pytest.mark.parametrize("installed", [True, False])
def test_placeholders_complete_what_a_program_reads(serve: ServerFactory, installed: bool) -> None:
    client = rekognition_client(serve(installed=installed, placeholders=True))
    face = detail(client, "ALL")
    members = client.meta.service_model.shape_for("FaceDetail").members
    assert face.keys() == members.keys()
    assert face["Sunglasses"] == {"Value": False, "Confidence": 50.0}
    assert face["Emotions"] == [{"Type": "UNKNOWN", "Confidence": 0.0}]
    assert (face["AgeRange"]["High"] == 40) is installed
    assert "Smile" not in detail(client)
    asked = detail(client, "AGE_RANGE", "GENDER")
    assert asked["AgeRange"] == face["AgeRange"]
    assert asked["Gender"]["Value"] in ("Female", "Male")
    compared = client.compare_faces(SourceImage={"Bytes": ANN}, TargetImage={"Bytes": BOTH})
    for compared_face in (compared["FaceMatches"][0]["Face"], compared["UnmatchedFaces"][0]):
        assert compared_face["Smile"] == {"Value": False, "Confidence": 50.0}
    client.create_collection(CollectionId="staff")
    indexed = client.index_faces(
        CollectionId="staff", Image={"Bytes": BOTH}, DetectionAttributes=["ALL"]
    )
    details = [
        indexed["FaceRecords"][0]["FaceDetail"],
        indexed["UnindexedFaces"][0]["FaceDetail"],
    ]
    assert [found.keys() for found in details] == [members.keys()] * 2
    assert "Smile" not in indexed["FaceRecords"][0]["Face"]


def test_placeholders_complete_the_landmarks(serve: ServerFactory) -> None:
    client = rekognition_client(serve(placeholders=True))
    types = set(client.meta.service_model.shape_for("LandmarkType").enum)
    compared = client.compare_faces(SourceImage={"Bytes": ANN}, TargetImage={"Bytes": ANN})
    for face in (detail(client), detail(client, "ALL"), compared["FaceMatches"][0]["Face"]):
        assert len(face["Landmarks"]) == len(types)
        points = {point["Type"]: (point["X"], point["Y"]) for point in face["Landmarks"]}
        assert points.keys() == types
        assert points["mouthLeft"][0] < points["nose"][0] < points["mouthRight"][0]
        box = face["BoundingBox"]
        for name in ("mouthLeft", "mouthRight"):
            x, y = points[name]
            assert box["Left"] < x < box["Left"] + box["Width"]
            assert points["nose"][1] < y < box["Top"] + box["Height"]
    real = rekognition_client(serve())
    assert "mouthLeft" not in {point["Type"] for point in detail(real, "ALL")["Landmarks"]}


def test_rest_estimates_if_asked(serve: ServerFactory) -> None:
    address = f"{serve()}/api/v1/face-recognition/detect"
    (face,) = httpx.post(address, files={"image": ANN}).json()["faces"]
    assert "attributes" not in face
    answer = httpx.post(address, files={"image": ANN}, data={"attributes": "true"})
    assert answer.json()["faces"][0]["attributes"] == {
        "age_range": {"low": 30, "high": 40},
        "gender": "FEMALE",
        "gender_confidence": 0.9,
    }


def test_rest_says_what_is_missing(serve: ServerFactory) -> None:
    address = f"{serve(installed=False)}/api/v1/face-recognition/detect"
    answer = httpx.post(address, files={"image": ANN}, data={"attributes": "true"})
    assert answer.status_code == 422
    assert "their networks are not installed" in answer.json()["detail"]
    assert "hint" not in answer.json()
