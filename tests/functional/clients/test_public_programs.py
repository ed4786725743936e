"""What public programs for Rekognition do, written for this test, against ``facerec serve``.

The programs are those that were tried or read before facerec was called a replacement: each test
sends their calls in their order, and reads from the answers what they read. Nothing but the
environment differs from AWS.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from PIL import Image

from tests.functional.clients.conftest import run
from tests.support.command_line import serving

PHOTOS = Path("examples/photos").resolve()
OBAMA, OBAMA_2 = PHOTOS / "barack-obama-1.jpg", PHOTOS / "barack-obama-2.jpg"
BIDEN, COLLINS = PHOTOS / "joe-biden-1.jpg", PHOTOS / "eileen-collins-1.jpg"
NO_FACE = PHOTOS / "rocket.jpg"
NO_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a program: only the endpoint is not AWS's."""
    data = tmp_path_factory.mktemp("data")
    options = ("--bucket", f"photos={PHOTOS}", "--rekognition-attributes", "placeholder")
    with serving(data, *options) as (address, _):
        yield {
            "AWS_ENDPOINT_URL_REKOGNITION": address,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
        }


@pytest.fixture
def rekognition(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[BaseClient]:
    """A client as programs make it, with a collection ``people`` that is deleted afterwards."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.Session().client("rekognition", config=Config(retries={"mode": "standard"}))
    yield client
    for name in client.list_collections()["CollectionIds"]:
        client.delete_collection(CollectionId=name)


def in_bucket(photo: Path) -> dict[str, Any]:
    return {"S3Object": {"Bucket": "photos", "Name": photo.name}}


def of(photo: Path) -> dict[str, Any]:
    return {"Bytes": photo.read_bytes()}


def test_a_tour_of_collections(rekognition: BaseClient) -> None:
    """The developer guide's examples and the SDK examples' demo."""
    created = rekognition.create_collection(CollectionId="people")
    assert created["StatusCode"] == 200
    assert created["CollectionArn"].endswith("collection/people")
    for photo in (OBAMA, BIDEN):
        indexed = rekognition.index_faces(
            CollectionId="people",
            Image=in_bucket(photo),
            ExternalImageId=photo.name,
            MaxFaces=1,
            QualityFilter="AUTO",
            DetectionAttributes=["ALL"],
        )
        for record in indexed["FaceRecords"]:
            assert record["Face"]["BoundingBox"]["Width"] > 0
            assert record["FaceDetail"]["Smile"]["Confidence"] >= 0
        for face in indexed["UnindexedFaces"]:
            assert all(face["Reasons"])
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 2
    pages = rekognition.get_paginator("list_faces").paginate(
        CollectionId="people", PaginationConfig={"PageSize": 1}
    )
    faces = [face for page in pages for face in page["Faces"]]
    assert {face["ExternalImageId"] for face in faces} == {OBAMA.name, BIDEN.name}
    found = rekognition.search_faces_by_image(
        CollectionId="people", Image=of(OBAMA_2), FaceMatchThreshold=70, MaxFaces=5
    )
    best = found["FaceMatches"][0]
    assert best["Face"]["ExternalImageId"] == OBAMA.name
    assert best["Similarity"] > 70
    alike = rekognition.search_faces(CollectionId="people", FaceId=best["Face"]["FaceId"])
    assert alike["FaceMatches"] == []
    deleted = rekognition.delete_faces(
        CollectionId="people", FaceIds=[face["FaceId"] for face in faces]
    )
    assert len(deleted["DeletedFaces"]) == 2
    assert rekognition.delete_collection(CollectionId="people")["StatusCode"] == 200


def test_a_report_on_every_attribute(rekognition: BaseClient) -> None:
    """Programs that read attributes without asking whether they are there."""
    for face in rekognition.detect_faces(Image=in_bucket(COLLINS), Attributes=["ALL"])[
        "FaceDetails"
    ]:
        age = f"between {face['AgeRange']['Low']} and {face['AgeRange']['High']}"
        assert 15 <= face["AgeRange"]["Low"] < face["AgeRange"]["High"] <= 80, age
        assert face["Gender"]["Value"] in ("Female", "Male")
        for name in ("Smile", "Eyeglasses", "Sunglasses", "Beard", "Mustache", "EyesOpen"):
            assert face[name]["Value"] is False
            assert face[name]["Confidence"] >= 50
        assert face["MouthOpen"]["Value"] is False
        assert not face["FaceOccluded"]["Value"]
        assert sorted(face["Emotions"], key=lambda emotion: -emotion["Confidence"])[0]["Type"]
        assert abs(face["Pose"]["Yaw"]) < 45
        landmarks = {point["Type"]: point["X"] for point in face["Landmarks"]}
        assert landmarks["eyeLeft"] < landmarks["nose"] < landmarks["eyeRight"]
        assert face["Quality"]["Brightness"] > 20


def test_a_doorbell_that_sees_nobody(rekognition: BaseClient) -> None:
    """Cameras, where most frames show no face: programs compare the text of the error."""
    rekognition.create_collection(CollectionId="people")
    with pytest.raises(rekognition.exceptions.InvalidParameterException) as raised:
        rekognition.search_faces_by_image(CollectionId="people", Image=of(NO_FACE))
    message = raised.value.response["Error"]["Message"]
    assert message.startswith("There are no faces in the image. Should be at least 1.")
    indexed = rekognition.index_faces(CollectionId="people", Image=of(NO_FACE))
    assert indexed["FaceRecords"] == []


def test_a_reset_deletes_and_creates_a_collection(rekognition: BaseClient) -> None:
    for _ in range(2):
        try:
            rekognition.create_collection(CollectionId="people")
        except rekognition.exceptions.ResourceAlreadyExistsException as error:
            assert "already exists" in str(error)
            rekognition.delete_collection(CollectionId="people")
            rekognition.create_collection(CollectionId="people")
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 0


def test_identities_with_user_vectors(rekognition: BaseClient) -> None:
    """Onboarding: one face, good quality, not known yet; then a user, and later a log-in."""
    rekognition.create_collection(CollectionId="people")
    (face,) = rekognition.detect_faces(Image=of(OBAMA), Attributes=["ALL"])["FaceDetails"]
    assert not face["Sunglasses"]["Value"]
    assert face["Quality"]["Sharpness"] > 10
    same = rekognition.compare_faces(
        SourceImage=of(OBAMA), TargetImage=of(OBAMA_2), SimilarityThreshold=80
    )
    assert len(same["FaceMatches"]) == 1
    assert same["SourceImageFace"]["Confidence"] > 90
    face_ids = [
        rekognition.index_faces(CollectionId="people", Image=of(photo), ExternalImageId="44")[
            "FaceRecords"
        ][0]["Face"]["FaceId"]
        for photo in (OBAMA, OBAMA_2)
    ]
    rekognition.create_user(CollectionId="people", UserId="44", ClientRequestToken="a")
    associated = rekognition.associate_faces(
        CollectionId="people", UserId="44", FaceIds=face_ids, UserMatchThreshold=70
    )
    assert associated["UserStatus"] in ("ACTIVE", "UPDATING")
    found = rekognition.search_users_by_image(CollectionId="people", Image=of(OBAMA_2))
    assert found["UserMatches"][0]["User"]["UserId"] == "44"
    stranger = rekognition.search_users_by_image(CollectionId="people", Image=of(COLLINS))
    assert stranger["UserMatches"] == []
    assert rekognition.list_faces(CollectionId="people", UserId="44")["Faces"][0]["UserId"] == "44"


def test_faces_are_cut_out_and_searched(rekognition: BaseClient) -> None:
    """Attendance from group photos: detect, crop by the box, search each crop."""
    rekognition.create_collection(CollectionId="people")
    rekognition.index_faces(CollectionId="people", Image=of(OBAMA), ExternalImageId="obama")
    photo = Image.open(OBAMA_2).convert("RGB")
    width, height = photo.size
    present = set()
    for face in rekognition.detect_faces(Image=of(OBAMA_2))["FaceDetails"]:
        box = face["BoundingBox"]
        left, top = box["Left"] * width, box["Top"] * height
        crop = photo.crop(
            (
                int(left),
                int(top),
                int(left + box["Width"] * width),
                int(top + box["Height"] * height),
            )
        )
        stream = io.BytesIO()
        crop.save(stream, format="JPEG")
        found = rekognition.search_faces_by_image(
            CollectionId="people", Image={"Bytes": stream.getvalue()}, FaceMatchThreshold=75
        )
        present |= {match["Face"]["ExternalImageId"] for match in found["FaceMatches"]}
    assert present == {"obama"}


def test_programs_compare_the_texts_of_errors(rekognition: BaseClient) -> None:
    """An attendance app, a provider's wrapper and retry loops look for these sentences."""
    rekognition.create_collection(CollectionId="people")
    missing = {"S3Object": {"Bucket": "photos", "Name": "nobody.jpg"}}
    with pytest.raises(rekognition.exceptions.InvalidS3ObjectException) as raised:
        rekognition.search_faces_by_image(CollectionId="people", Image=missing)
    assert (
        "Unable to get object metadata from S3. Check object key, region and/or access permissions."
        in str(raised.value)
    )
    with pytest.raises(rekognition.exceptions.InvalidImageFormatException) as raised:
        rekognition.index_faces(CollectionId="people", Image={"Bytes": b"no photo"})
    assert "Request has invalid image format" in str(raised.value)
    with pytest.raises(rekognition.exceptions.InvalidParameterException) as raised:
        rekognition.search_faces(CollectionId="people", FaceId=NO_ID)
    assert "faceId was not found in the collection" in str(raised.value)
    with pytest.raises(rekognition.exceptions.ResourceAlreadyExistsException) as raised:
        rekognition.create_collection(CollectionId="people")
    assert "The collection id: people already exists" in str(raised.value)


def test_a_selfie_is_compared_with_a_document(rekognition: BaseClient) -> None:
    """A workshop compares with quality filters, and shows which faces did not match."""
    small = io.BytesIO()
    with Image.open(OBAMA_2) as photo:
        photo.convert("RGB").resize((photo.width // 4, photo.height // 4)).save(small, "JPEG")
    document = {"Bytes": small.getvalue()}
    found = rekognition.compare_faces(
        SourceImage=document, TargetImage=of(OBAMA), SimilarityThreshold=70, QualityFilter="AUTO"
    )
    assert found["FaceMatches"][0]["Similarity"] > 70
    other = rekognition.compare_faces(SourceImage=of(OBAMA), TargetImage=of(BIDEN))
    assert other["FaceMatches"] == []
    (unmatched,) = other["UnmatchedFaces"]
    kinds = {point["Type"] for point in unmatched["Landmarks"]}
    assert {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"} <= kinds
    # a face that a filter rejects is not said to be absent
    with Image.open(OBAMA_2) as photo:
        tiny = io.BytesIO()
        photo.convert("RGB").resize((160, 160 * photo.height // photo.width)).save(tiny, "JPEG")
    with pytest.raises(rekognition.exceptions.InvalidParameterException) as raised:
        rekognition.compare_faces(
            SourceImage={"Bytes": tiny.getvalue()}, TargetImage=of(OBAMA), QualityFilter="HIGH"
        )
    assert "SMALL_BOUNDING_BOX" in str(raised.value)


def test_a_collection_is_indexed_again_from_its_listing(rekognition: BaseClient) -> None:
    """A reindexing solution indexes the photos of all listed faces again."""
    if "people" not in rekognition.list_collections()["CollectionIds"]:
        rekognition.create_collection(CollectionId="people")
    for photo in (OBAMA, BIDEN):
        rekognition.index_faces(
            CollectionId="people", Image=in_bucket(photo), ExternalImageId=photo.name
        )
    rekognition.create_collection(CollectionId="people-2", Tags={"source": "people"})
    for face in rekognition.list_faces(CollectionId="people", MaxResults=10)["Faces"]:
        indexed = rekognition.index_faces(
            CollectionId="people-2",
            Image={"S3Object": {"Bucket": "photos", "Name": face["ExternalImageId"]}},
            ExternalImageId=face["ExternalImageId"],
            QualityFilter="NONE",
        )
        (record,) = indexed["FaceRecords"]
        assert record["Face"]["BoundingBox"] == face["BoundingBox"]
        assert indexed["FaceModelVersion"]
    described = rekognition.describe_collection(CollectionId="people-2")
    tags = rekognition.list_tags_for_resource(ResourceArn=described["CollectionARN"])["Tags"]
    assert (described["FaceCount"], tags) == (2, {"source": "people"})


def test_an_employee_leaves(rekognition: BaseClient) -> None:
    """Programs take the faces from the user before they delete both."""
    rekognition.create_collection(CollectionId="people")
    (record,) = rekognition.index_faces(CollectionId="people", Image=of(OBAMA))["FaceRecords"]
    face_ids = [record["Face"]["FaceId"]]
    rekognition.create_user(CollectionId="people", UserId="44")
    rekognition.associate_faces(CollectionId="people", UserId="44", FaceIds=face_ids)
    found = rekognition.search_users(CollectionId="people", FaceId=face_ids[0])
    assert found["UserMatches"][0]["User"]["UserId"] == "44"
    (refused,) = rekognition.delete_faces(CollectionId="people", FaceIds=face_ids)[
        "UnsuccessfulFaceDeletions"
    ]
    assert refused["Reasons"] == ["ASSOCIATED_TO_AN_EXISTING_USER"]
    left = rekognition.disassociate_faces(CollectionId="people", UserId="44", FaceIds=face_ids)
    assert [face["FaceId"] for face in left["DisassociatedFaces"]] == face_ids
    deleted = rekognition.delete_faces(CollectionId="people", FaceIds=face_ids)
    assert deleted["DeletedFaces"] == face_ids
    rekognition.delete_user(CollectionId="people", UserId="44")
    assert rekognition.list_users(CollectionId="people")["Users"] == []


def test_names_are_listed_page_by_page_and_deleted_in_batches(rekognition: BaseClient) -> None:
    """A home automation deletes all faces of a name; a doorbell follows the tokens itself."""
    rekognition.create_collection(CollectionId="people")
    for photo, name in ((OBAMA, "obama"), (OBAMA_2, "obama"), (BIDEN, "biden")):
        rekognition.index_faces(
            CollectionId="people",
            Image=of(photo),
            ExternalImageId=name,
            DetectionAttributes=["ALL"],
        )
    page = rekognition.list_faces(CollectionId="people", MaxResults=2)
    faces = page["Faces"]
    while "NextToken" in page:
        token = page["NextToken"]
        page = rekognition.list_faces(CollectionId="people", MaxResults=2, NextToken=token)
        faces += page["Faces"]
    face_ids = [face["FaceId"] for face in faces if face["ExternalImageId"] == "obama"]
    assert (len(faces), len(face_ids)) == (3, 2)
    for start in range(0, len(face_ids), 10):
        rekognition.delete_faces(CollectionId="people", FaceIds=face_ids[start : start + 10])
    left = rekognition.list_faces(CollectionId="people")["Faces"]
    assert [face["ExternalImageId"] for face in left] == ["biden"]


def test_a_photo_album_starts_again_and_is_searched_by_a_selfie(rekognition: BaseClient) -> None:
    """An album deletes every collection; it and an attendance app ask for many weak matches."""
    for name in ("people", "my-event-example"):
        rekognition.create_collection(CollectionId=name)
    for name in rekognition.list_collections()["CollectionIds"]:
        rekognition.delete_collection(CollectionId=name)
    assert rekognition.list_collections()["CollectionIds"] == []
    rekognition.create_collection(CollectionId="people")
    for photo in (OBAMA, BIDEN):
        rekognition.index_faces(CollectionId="people", Image=of(photo), ExternalImageId=photo.stem)
    found = rekognition.search_faces_by_image(
        CollectionId="people", Image=of(OBAMA_2), MaxFaces=100, FaceMatchThreshold=20
    )
    assert found["FaceMatches"][0]["Face"]["ExternalImageId"] == OBAMA.stem
    assert found["SearchedFaceConfidence"] > 90
    (only,) = rekognition.search_faces_by_image(
        CollectionId="people", Image=of(OBAMA_2), MaxFaces=1, QualityFilter="AUTO"
    )["FaceMatches"]
    assert only["Face"]["Confidence"] > 90


def test_faces_that_do_not_meet_the_requirements_are_deleted(rekognition: BaseClient) -> None:
    """A workflow indexes all faces of a photo, and deletes those of the wrong age or quality."""
    rekognition.create_collection(CollectionId="people")
    seen = rekognition.detect_faces(Image=in_bucket(OBAMA), Attributes=["ALL"])["FaceDetails"]
    indexed = rekognition.index_faces(
        CollectionId="people",
        Image=in_bucket(OBAMA),
        ExternalImageId="etag-0",
        DetectionAttributes=["ALL"],
    )["FaceRecords"]
    assert len(seen) == len(indexed) == 1
    kept = [
        record["Face"]["FaceId"]
        for record in indexed
        if record["FaceDetail"]["AgeRange"]["Low"] >= 80
        and record["FaceDetail"]["Quality"]["Brightness"] >= 40
        and record["FaceDetail"]["Quality"]["Sharpness"] >= 40
    ]
    excluded = [record["Face"]["FaceId"] for record in indexed if not kept]
    deleted = rekognition.delete_faces(CollectionId="people", FaceIds=excluded)["DeletedFaces"]
    assert deleted == excluded
    assert rekognition.describe_collection(CollectionId="people")["FaceCount"] == 0


def test_a_visitor_is_compared_with_each_member(rekognition: BaseClient) -> None:
    """An access control compares photos in a bucket, after asking whether there is a face."""
    assert rekognition.detect_faces(Image=in_bucket(NO_FACE))["FaceDetails"] == []
    found = rekognition.detect_faces(Image=in_bucket(OBAMA_2), Attributes=["DEFAULT"])
    assert found["FaceDetails"][0]["BoundingBox"]["Width"] > 0
    names = []
    for member in (BIDEN, OBAMA):
        compared = rekognition.compare_faces(
            SourceImage=in_bucket(member), TargetImage=in_bucket(OBAMA_2), SimilarityThreshold=80
        )
        names += [member.stem for match in compared["FaceMatches"] if match["Similarity"] > 80]
    assert names == [OBAMA.stem]


def test_a_program_that_is_told_to_ignore_endpoints_sends_photos_to_aws(
    rekognition: BaseClient, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client shows where it sends them, before it sends anything."""
    assert rekognition.meta.endpoint_url == environment["AWS_ENDPOINT_URL_REKOGNITION"]
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    client = boto3.Session().client("rekognition")
    assert client.meta.endpoint_url == "https://rekognition.eu-west-1.amazonaws.com"


def test_what_is_missing_is_an_error_of_the_service(rekognition: BaseClient) -> None:
    """Programs may look for labels or text first."""
    for detect in (
        rekognition.detect_labels,
        rekognition.detect_text,
        rekognition.detect_moderation_labels,
        rekognition.recognize_celebrities,
    ):
        with pytest.raises(ClientError) as raised:
            detect(Image=in_bucket(OBAMA))
        assert raised.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_shell_script_with_the_aws_cli(
    environment: dict[str, str], rekognition: BaseClient
) -> None:
    def aws(*words: str) -> str:
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), "rekognition", *words],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    people = ("--collection-id", "people")
    aws("create-collection", *people)
    image = json.dumps(in_bucket(OBAMA))
    query = ("--query", "FaceRecords[0].Face.FaceId", "--output", "text")
    face_id = aws("index-faces", *people, "--image", image, "--external-image-id", "o", *query)
    # the local file is an option of its own since version 1.16 of the CLI
    found = aws(
        "search-faces-by-image",
        *people,
        *("--image-bytes", f"fileb://{OBAMA_2}", "--face-match-threshold", "75"),
        *("--query", "FaceMatches[].Face.FaceId", "--output", "text"),
    )
    assert found == face_id
    ages = aws(
        *("detect-faces", "--image", image, "--attributes", "ALL"),
        *("--query", "FaceDetails[0].[AgeRange.Low, Gender.Value]", "--output", "text"),
    )
    assert ages.split()[1] == "Male"
    aws("delete-faces", *people, "--face-ids", face_id)
    assert aws("list-faces", *people, "--query", "length(Faces)") == "0"


def test_a_program_in_javascript(
    environment: dict[str, str],
    rekognition: BaseClient,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = Path(__file__).with_name("javascript_program.mjs").read_text()
    (project / "program.mjs").write_text(program)
    printed = json.loads(run(project, "node", "program.mjs", str(PHOTOS)))
    assert printed == {
        "faces": 1,
        "recognised": "obama",
        "noFace": ["InvalidParameterException", True],
        "exists": "ResourceAlreadyExistsException",
        "ages": True,
        "user": "44",
        "pages": ["biden", "obama"],
        "compared": [1, "MISSING"],
        "left": [1, 0],
    }
