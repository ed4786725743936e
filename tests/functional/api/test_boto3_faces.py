from __future__ import annotations

import pytest
from botocore.client import BaseClient

from facerec.api.rekognition.shapes import version_number
from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api

GROUP = fake_photo(
    fake_face("ann", left=0.0, width=0.1, height=0.1),
    fake_face("bob", left=0.2, width=0.3, height=0.3),
    fake_face("cyd", left=0.6, width=0.2, height=0.2),
)


@pytest.fixture
def staff(client: BaseClient) -> str:
    client.create_collection(CollectionId="staff")
    return "staff"


def index(
    client: BaseClient, person: str, shot: int = 0, away: float = 0.1, **settings: object
) -> str:
    photo = fake_photo(fake_face(person, shot=shot, away=away))
    indexed = client.index_faces(
        CollectionId="staff", Image={"Bytes": photo}, ExternalImageId=person, **settings
    )
    (record,) = indexed["FaceRecords"]
    face_id: str = record["Face"]["FaceId"]
    return face_id


def test_faces_are_indexed_largest_first_with_rekognitions_default_attributes(
    client: BaseClient, staff: str
) -> None:
    indexed = client.index_faces(
        CollectionId=staff, Image={"Bytes": GROUP}, ExternalImageId="group:1"
    )
    records = indexed["FaceRecords"]
    assert [round(r["Face"]["BoundingBox"]["Width"], 3) for r in records] == [0.3, 0.2, 0.1]
    face, detail = records[0]["Face"], records[0]["FaceDetail"]
    assert face["ExternalImageId"] == "group:1"
    assert face["Confidence"] == pytest.approx(99.0)
    assert indexed["FaceModelVersion"] == "fake-1"
    assert face["IndexFacesModelVersion"] == version_number("fake-1")
    assert set(detail) == {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"}
    assert {mark["Type"] for mark in detail["Landmarks"]} >= {"eyeLeft", "eyeRight", "nose"}
    assert indexed["UnindexedFaces"] == []
    assert "OrientationCorrection" not in indexed
    assert client.describe_collection(CollectionId=staff)["FaceCount"] == 3


def test_the_same_photo_indexed_again_gives_the_same_ids_and_no_duplicates(
    client: BaseClient, staff: str
) -> None:
    first = index(client, "ann")
    assert index(client, "ann") == first
    assert client.describe_collection(CollectionId=staff)["FaceCount"] == 1


def test_indexing_fewer_faces_of_a_photo_deletes_none(client: BaseClient, staff: str) -> None:
    client.index_faces(CollectionId=staff, Image={"Bytes": GROUP})
    again = client.index_faces(CollectionId=staff, Image={"Bytes": GROUP}, MaxFaces=1)
    assert len(again["FaceRecords"]) == 1
    assert client.describe_collection(CollectionId=staff)["FaceCount"] == 3


def test_faces_that_are_not_indexed_come_with_reasons(client: BaseClient, staff: str) -> None:
    photo = fake_photo(
        fake_face("ann", width=0.3),
        fake_face("bob", left=0.5),
        fake_face("cyd", left=0.7, sharp=False),
    )
    indexed = client.index_faces(CollectionId=staff, Image={"Bytes": photo}, MaxFaces=1)
    assert len(indexed["FaceRecords"]) == 1
    assert [face["Reasons"] for face in indexed["UnindexedFaces"]] == [
        ["EXCEEDS_MAX_FACES"],
        ["LOW_SHARPNESS"],
    ]
    all_faces = client.index_faces(
        CollectionId=staff, Image={"Bytes": photo}, QualityFilter="NONE", MaxFaces=1000
    )
    assert len(all_faces["FaceRecords"]) == 3


def test_a_photo_without_a_face_indexes_nothing(client: BaseClient, staff: str) -> None:
    indexed = client.index_faces(CollectionId=staff, Image={"Bytes": fake_photo()})
    assert indexed["FaceRecords"] == []


def test_a_photo_in_a_bucket_is_indexed_by_its_address(
    api: Api, client: BaseClient, staff: str
) -> None:
    (api.bucket / "of ann.jpg").write_bytes(fake_photo(fake_face("ann")))
    client.index_faces(
        CollectionId=staff, Image={"S3Object": {"Bucket": "photos", "Name": "of ann.jpg"}}
    )
    (record,) = api.collaborators.faces.list_faces(staff)
    assert record.source == "s3://photos/of ann.jpg"


def test_faces_are_listed_in_pages_and_by_id(client: BaseClient, staff: str) -> None:
    ids = sorted(index(client, f"person{number}") for number in range(5))
    pages = client.get_paginator("list_faces").paginate(
        CollectionId=staff, PaginationConfig={"PageSize": 2}
    )
    listed = [[face["FaceId"] for face in page["Faces"]] for page in pages]
    assert listed == [ids[:2], ids[2:4], ids[4:]]
    some = client.list_faces(
        CollectionId=staff, FaceIds=[ids[3], "0" * 8 + "-0000" * 3 + "-" + "0" * 12]
    )
    assert [face["FaceId"] for face in some["Faces"]] == [ids[3]]


def test_deleted_faces_are_gone_and_unknown_ones_are_listed(client: BaseClient, staff: str) -> None:
    face_id = index(client, "ann")
    unknown = "00000000-0000-4000-8000-000000000000"
    deleted = client.delete_faces(CollectionId=staff, FaceIds=[face_id, unknown])
    assert deleted["DeletedFaces"] == [face_id]
    assert deleted["UnsuccessfulFaceDeletions"] == [
        {"FaceId": unknown, "Reasons": ["FACE_NOT_FOUND"]}
    ]
    assert client.list_faces(CollectionId=staff)["Faces"] == []


def test_a_stored_face_finds_the_others_of_its_person_but_not_itself(
    client: BaseClient, staff: str
) -> None:
    first, second, third = (
        index(client, "ann", shot, away) for shot, away in ((0, 0.1), (1, 0.2), (2, 0.3))
    )
    index(client, "bob")
    found = client.search_faces(CollectionId=staff, FaceId=first)
    assert found["SearchedFaceId"] == first
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [second, third]
    similarities = [match["Similarity"] for match in found["FaceMatches"]]
    assert similarities == sorted(similarities, reverse=True)
    assert all(80 <= similarity <= 100 for similarity in similarities)
    one = client.search_faces(CollectionId=staff, FaceId=first, MaxFaces=1)
    assert [match["Face"]["FaceId"] for match in one["FaceMatches"]] == [second]


def test_a_threshold_of_zero_finds_everybody(client: BaseClient, staff: str) -> None:
    first = index(client, "ann")
    index(client, "bob")
    found = client.search_faces(CollectionId=staff, FaceId=first, FaceMatchThreshold=0)
    assert len(found["FaceMatches"]) == 1
    assert found["FaceMatches"][0]["Similarity"] < 50


def test_a_photo_is_searched_for_its_largest_face_only(client: BaseClient, staff: str) -> None:
    for person in ("ann", "bob", "cyd"):
        index(client, person)
    found = client.search_faces_by_image(CollectionId=staff, Image={"Bytes": GROUP})
    assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["bob"]
    assert found["SearchedFaceBoundingBox"]["Width"] == pytest.approx(0.3)
    assert found["SearchedFaceConfidence"] == pytest.approx(99.0)
    assert found["FaceMatches"][0]["Similarity"] > 99


def test_a_stranger_matches_nobody(client: BaseClient, staff: str) -> None:
    index(client, "ann")
    photo = fake_photo(fake_face("stranger"))
    found = client.search_faces_by_image(CollectionId=staff, Image={"Bytes": photo})
    assert found["FaceMatches"] == []


def test_blurred_faces_are_searched_unless_the_quality_filter_rejects_them(
    client: BaseClient, staff: str
) -> None:
    index(client, "ann")
    photo = {"Bytes": fake_photo(fake_face("ann", sharp=False))}
    assert client.search_faces_by_image(CollectionId=staff, Image=photo)["FaceMatches"]
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.search_faces_by_image(CollectionId=staff, Image=photo, QualityFilter="AUTO")


def test_faces_are_compared_with_the_largest_of_the_source(client: BaseClient) -> None:
    target = fake_photo(fake_face("ann"), fake_face("bob", left=0.5, away=0.2))
    compared = client.compare_faces(SourceImage={"Bytes": GROUP}, TargetImage={"Bytes": target})
    assert compared["SourceImageFace"]["BoundingBox"]["Width"] == pytest.approx(0.3)
    (match,) = compared["FaceMatches"]
    assert match["Similarity"] > 99
    assert match["Face"]["BoundingBox"]["Left"] == pytest.approx(0.5)
    assert len(compared["UnmatchedFaces"]) == 1
    everybody = client.compare_faces(
        SourceImage={"Bytes": GROUP}, TargetImage={"Bytes": target}, SimilarityThreshold=0
    )
    assert len(everybody["FaceMatches"]) == 2


def test_faces_are_detected_largest_first(client: BaseClient) -> None:
    found = client.detect_faces(Image={"Bytes": GROUP}, Attributes=["ALL"])
    widths = [round(face["BoundingBox"]["Width"], 3) for face in found["FaceDetails"]]
    assert widths == [0.3, 0.2, 0.1]
    assert "AgeRange" not in found["FaceDetails"][0]
    assert client.detect_faces(Image={"Bytes": fake_photo()})["FaceDetails"] == []
