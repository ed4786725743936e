from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from botocore.client import BaseClient

from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api, rekognition_client

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def staff(client: BaseClient) -> str:
    client.create_collection(CollectionId="staff")
    return "staff"


def index(client: BaseClient, person: str, shot: int = 0, away: float = 0.2) -> str:
    photo = fake_photo(fake_face(person, shot=shot, away=away))
    indexed = client.index_faces(CollectionId="staff", Image={"Bytes": photo})
    face_id: str = indexed["FaceRecords"][0]["Face"]["FaceId"]
    return face_id


def make_user(client: BaseClient, person: str, shots: int = 2) -> list[str]:
    faces = [index(client, person, shot) for shot in range(shots)]
    client.create_user(CollectionId="staff", UserId=person)
    client.associate_faces(CollectionId="staff", UserId=person, FaceIds=faces)
    return faces


def test_users_are_created_listed_in_pages_and_deleted(client: BaseClient, staff: str) -> None:
    names = [f"user:{number}" for number in range(5)]
    for name in names:
        client.create_user(CollectionId=staff, UserId=name)
    pages = client.get_paginator("list_users").paginate(
        CollectionId=staff, PaginationConfig={"PageSize": 2}
    )
    listed = [user for page in pages for user in page["Users"]]
    assert [user["UserId"] for user in listed] == names
    assert {user["UserStatus"] for user in listed} == {"CREATED"}
    assert client.describe_collection(CollectionId=staff)["UserCount"] == 5
    client.delete_user(CollectionId=staff, UserId=names[0])
    assert client.describe_collection(CollectionId=staff)["UserCount"] == 4
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.delete_user(CollectionId=staff, UserId=names[0])


def test_a_search_with_a_photo_without_a_face_finds_nobody(client: BaseClient, staff: str) -> None:
    found = client.search_users_by_image(CollectionId=staff, Image={"Bytes": fake_photo()})
    assert (found["UserMatches"], found["UnsearchedFaces"]) == ([], [])
    assert "SearchedFace" not in found


def test_a_user_exists_once(client: BaseClient, staff: str) -> None:
    client.create_user(CollectionId=staff, UserId="ann")
    with pytest.raises(client.exceptions.ConflictException):
        client.create_user(CollectionId=staff, UserId="ann")


def test_a_request_token_makes_a_request_happen_once(
    api: Api, client: BaseClient, staff: str
) -> None:
    for _ in range(2):
        client.create_user(CollectionId=staff, UserId="ann", ClientRequestToken="token-1")
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        client.create_user(CollectionId=staff, UserId="bob", ClientRequestToken="token-1")
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        client.delete_user(CollectionId=staff, UserId="ann", ClientRequestToken="token-1")
    face = index(client, "ann")
    first, second = (
        client.associate_faces(
            CollectionId=staff, UserId="ann", FaceIds=[face], ClientRequestToken="token-2"
        )
        for _ in range(2)
    )
    assert first["AssociatedFaces"] == second["AssociatedFaces"] == [{"FaceId": face}]
    api.clock.now += 9 * 3600
    with pytest.raises(client.exceptions.ConflictException):
        client.create_user(CollectionId=staff, UserId="ann", ClientRequestToken="token-1")


def test_a_request_token_ends_with_its_collection(api: Api, client: BaseClient, staff: str) -> None:
    """Programs that begin by deleting and creating their collection may have fixed tokens."""
    for _ in range(2):
        client.create_user(CollectionId=staff, UserId="ann", ClientRequestToken="token-1")
        assert [user["UserId"] for user in client.list_users(CollectionId=staff)["Users"]] == [
            "ann"
        ]
        client.delete_collection(CollectionId=staff)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.create_user(CollectionId=staff, UserId="ann", ClientRequestToken="token-1")
        api.clock.now += 1
        client.create_collection(CollectionId=staff)


def test_requests_of_one_token_in_flight_get_the_first_answer(
    api: Api, client: BaseClient, staff: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_user = api.collaborators.records.create_user
    entered, released = threading.Event(), threading.Event()

    def slow_create_user(*given: Any) -> None:  # noqa: ANN401
        create_user(*given)
        entered.set()
        released.wait(60)

    monkeypatch.setattr(api.collaborators.records, "create_user", slow_create_user)
    statuses = []

    def create() -> None:
        own = rekognition_client(api.address)
        answered = own.create_user(CollectionId=staff, UserId="ann", ClientRequestToken="once")
        statuses.append(answered["ResponseMetadata"]["HTTPStatusCode"])

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert entered.wait(60)
    time.sleep(0.2)  # the others arrive while the first is answered
    released.set()
    for thread in threads:
        thread.join()
    assert statuses == [200, 200, 200]
    assert len(client.list_users(CollectionId=staff)["Users"]) == 1


def test_associated_faces_are_listed_with_their_user(client: BaseClient, staff: str) -> None:
    faces = [index(client, "ann", shot) for shot in range(3)]
    client.create_user(CollectionId=staff, UserId="ann")
    outcome = client.associate_faces(CollectionId=staff, UserId="ann", FaceIds=faces[:2])
    assert outcome["AssociatedFaces"] == [{"FaceId": face} for face in faces[:2]]
    assert outcome["UnsuccessfulFaceAssociations"] == []
    assert outcome["UserStatus"] == "ACTIVE"
    listed = client.list_faces(CollectionId=staff, UserId="ann")["Faces"]
    assert {face["FaceId"] for face in listed} == set(faces[:2])
    found = client.search_faces(CollectionId=staff, FaceId=faces[2])["FaceMatches"]
    assert {match["Face"]["UserId"] for match in found} == {"ann"}
    again = client.associate_faces(CollectionId=staff, UserId="ann", FaceIds=faces[:2])
    assert again["AssociatedFaces"] == again["UnsuccessfulFaceAssociations"] == []


def test_faces_that_cannot_be_associated_have_reasons(client: BaseClient, staff: str) -> None:
    (taken, *_) = make_user(client, "bob")
    stranger, own = index(client, "cyd"), index(client, "ann", 0)
    client.create_user(CollectionId=staff, UserId="ann")
    client.associate_faces(CollectionId=staff, UserId="ann", FaceIds=[own])
    outcome = client.associate_faces(
        CollectionId=staff, UserId="ann", FaceIds=[UNKNOWN, taken, stranger]
    )
    reasons = {face["FaceId"]: face for face in outcome["UnsuccessfulFaceAssociations"]}
    assert reasons[UNKNOWN]["Reasons"] == ["FACE_NOT_FOUND"]
    assert reasons[taken]["Reasons"] == ["ASSOCIATED_TO_A_DIFFERENT_USER"]
    assert reasons[taken]["UserId"] == "bob"
    assert reasons[stranger]["Reasons"] == ["LOW_MATCH_CONFIDENCE"]
    assert reasons[stranger]["Confidence"] < 75
    assert outcome["AssociatedFaces"] == []
    forced = client.associate_faces(
        CollectionId=staff, UserId="ann", FaceIds=[stranger], UserMatchThreshold=0
    )
    assert forced["AssociatedFaces"] == [{"FaceId": stranger}]


def test_a_user_has_at_most_a_hundred_faces(client: BaseClient, staff: str) -> None:
    faces_in_a_row = (fake_face("ann", left=n / 200, width=1 / 200) for n in range(100))
    photo = fake_photo(*faces_in_a_row)
    indexed = client.index_faces(CollectionId=staff, Image={"Bytes": photo})
    faces = [record["Face"]["FaceId"] for record in indexed["FaceRecords"]]
    client.create_user(CollectionId=staff, UserId="ann")
    assert (
        len(
            client.associate_faces(CollectionId=staff, UserId="ann", FaceIds=faces[:99])[
                "AssociatedFaces"
            ]
        )
        == 99
    )
    more = [faces[99], index(client, "ann", 1)]
    outcome = client.associate_faces(CollectionId=staff, UserId="ann", FaceIds=more)
    assert outcome["AssociatedFaces"] == [{"FaceId": faces[99]}]
    assert [face["FaceId"] for face in outcome["UnsuccessfulFaceAssociations"]] == more[1:]
    with pytest.raises(client.exceptions.ServiceQuotaExceededException):
        client.associate_faces(CollectionId=staff, UserId="ann", FaceIds=more[1:])


def test_disassociated_faces_can_be_associated_again(client: BaseClient, staff: str) -> None:
    mine, theirs, loose = (
        make_user(client, "ann"),
        make_user(client, "bob"),
        index(client, "ann", 9),
    )
    outcome = client.disassociate_faces(
        CollectionId=staff, UserId="ann", FaceIds=[*mine, theirs[0], UNKNOWN, loose]
    )
    assert outcome["DisassociatedFaces"] == [{"FaceId": face} for face in mine]
    failed = {
        face["FaceId"]: face["Reasons"] for face in outcome["UnsuccessfulFaceDisassociations"]
    }
    assert failed == {
        theirs[0]: ["ASSOCIATED_TO_A_DIFFERENT_USER"],
        UNKNOWN: ["FACE_NOT_FOUND"],
    }
    assert outcome["UserStatus"] == "CREATED"
    assert client.list_faces(CollectionId=staff, UserId="ann")["Faces"] == []
    photo = {"Bytes": fake_photo(fake_face("ann"))}
    found = client.search_users_by_image(CollectionId=staff, Image=photo)
    assert found["UserMatches"] == []


def test_a_face_of_a_user_cannot_be_deleted(client: BaseClient, staff: str) -> None:
    face, *_ = make_user(client, "ann")
    kept = client.delete_faces(CollectionId=staff, FaceIds=[face])
    assert kept["DeletedFaces"] == []
    assert kept["UnsuccessfulFaceDeletions"] == [
        {"FaceId": face, "UserId": "ann", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}
    ]
    client.delete_user(CollectionId=staff, UserId="ann")
    assert client.delete_faces(CollectionId=staff, FaceIds=[face])["DeletedFaces"] == [face]


def test_a_user_is_nearer_to_the_person_than_any_of_its_faces(
    client: BaseClient, staff: str
) -> None:
    make_user(client, "ann", shots=8)
    photo = {"Bytes": fake_photo(fake_face("ann"))}
    (user,) = client.search_users_by_image(CollectionId=staff, Image=photo)["UserMatches"]
    faces = client.search_faces_by_image(CollectionId=staff, Image=photo)["FaceMatches"]
    assert user["User"] == {"UserId": "ann", "UserStatus": "ACTIVE"}
    assert user["Similarity"] > max(face["Similarity"] for face in faces)


def test_users_are_searched_by_face_and_by_user(client: BaseClient, staff: str) -> None:
    make_user(client, "ann")
    make_user(client, "bob")
    probe = index(client, "ann", 7)
    by_face = client.search_users(CollectionId=staff, FaceId=probe)
    assert by_face["SearchedFace"] == {"FaceId": probe}
    assert [match["User"]["UserId"] for match in by_face["UserMatches"]] == ["ann"]
    by_user = client.search_users(CollectionId=staff, UserId="ann", UserMatchThreshold=0)
    assert by_user["SearchedUser"] == {"UserId": "ann"}
    assert [match["User"]["UserId"] for match in by_user["UserMatches"]] == ["bob"]
    one = client.search_users(CollectionId=staff, FaceId=probe, UserMatchThreshold=0, MaxUsers=1)
    assert [match["User"]["UserId"] for match in one["UserMatches"]] == ["ann"]
    client.create_user(CollectionId=staff, UserId="nobody")
    assert client.search_users(CollectionId=staff, UserId="nobody")["UserMatches"] == []


def test_users_are_searched_by_the_largest_face_of_a_photo(client: BaseClient, staff: str) -> None:
    make_user(client, "ann")
    photo = fake_photo(
        fake_face("ann", width=0.4),
        fake_face("bob", left=0.5),
        fake_face("cyd", left=0.8, width=0.1, confidence=0.1),
    )
    found = client.search_users_by_image(CollectionId=staff, Image={"Bytes": photo})
    assert [match["User"]["UserId"] for match in found["UserMatches"]] == ["ann"]
    assert found["SearchedFace"]["FaceDetail"]["BoundingBox"]["Width"] == pytest.approx(0.4)
    assert [face["Reasons"] for face in found["UnsearchedFaces"]] == [
        ["FACE_NOT_LARGEST"],
        ["LOW_CONFIDENCE"],
    ]


def test_a_photo_without_a_face_finds_no_user_without_an_error(
    client: BaseClient, staff: str
) -> None:
    found = client.search_users_by_image(CollectionId=staff, Image={"Bytes": fake_photo()})
    assert found["UserMatches"] == []
    assert "SearchedFace" not in found


def test_a_deleted_user_is_not_found(client: BaseClient, staff: str) -> None:
    make_user(client, "ann")
    client.delete_user(CollectionId=staff, UserId="ann")
    photo = {"Bytes": fake_photo(fake_face("ann"))}
    assert client.search_users_by_image(CollectionId=staff, Image=photo)["UserMatches"] == []
    assert len(client.list_faces(CollectionId=staff)["Faces"]) == 2
