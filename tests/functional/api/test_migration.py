"""A script that was written for Rekognition, run as it is."""

from __future__ import annotations

import os
import subprocess
import sys

from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api

SCRIPT = """
import boto3

rekognition = boto3.client("rekognition")
rekognition.create_collection(CollectionId="employees")

faces_of = {}
for person in range(25):
    for shot in range(4):
        name = f"person{person}/{shot}.jpg"
        indexed = rekognition.index_faces(
            CollectionId="employees",
            Image={"S3Object": {"Bucket": "photos", "Name": name}},
            ExternalImageId=f"person{person}:{shot}",
            MaxFaces=1,
            QualityFilter="AUTO",
            DetectionAttributes=["DEFAULT"],
        )
        face = indexed["FaceRecords"][0]["Face"]
        faces_of.setdefault(person, []).append(face["FaceId"])

described = rekognition.describe_collection(CollectionId="employees")
assert described["FaceCount"] == 100, described

for person, faces in faces_of.items():
    user = f"person{person}"
    rekognition.create_user(CollectionId="employees", UserId=user)
    joined = rekognition.associate_faces(
        CollectionId="employees", UserId=user, FaceIds=faces, UserMatchThreshold=80
    )
    assert len(joined["AssociatedFaces"]) == 4, joined

right = 0
for person in range(25):
    photo = {"S3Object": {"Bucket": "photos", "Name": f"probe{person}.jpg"}}
    found = rekognition.search_faces_by_image(
        CollectionId="employees", Image=photo, FaceMatchThreshold=90, MaxFaces=3
    )
    best = found["FaceMatches"][0]["Face"]
    users = rekognition.search_users_by_image(CollectionId="employees", Image=photo, MaxUsers=1)
    right += best["ExternalImageId"].startswith(f"person{person}:") and (
        users["UserMatches"][0]["User"]["UserId"] == best["UserId"] == f"person{person}"
    )
assert right == 25, right

listed = [
    face["FaceId"]
    for page in rekognition.get_paginator("list_faces").paginate(
        CollectionId="employees", PaginationConfig={"PageSize": 30}
    )
    for face in page["Faces"]
]
assert len(set(listed)) == 100

try:
    rekognition.search_faces_by_image(
        CollectionId="employees", Image={"S3Object": {"Bucket": "photos", "Name": "empty.jpg"}}
    )
except rekognition.exceptions.InvalidParameterException:
    pass
else:
    raise AssertionError("a photo without a face was searched for")

for person in range(25):
    rekognition.delete_user(CollectionId="employees", UserId=f"person{person}")
deleted = rekognition.delete_faces(CollectionId="employees", FaceIds=listed)
assert len(deleted["DeletedFaces"]) == 100
rekognition.delete_collection(CollectionId="employees")
assert "employees" not in rekognition.list_collections()["CollectionIds"]
print("migrated")
"""


def test_a_script_for_rekognition_runs_unchanged(api: Api) -> None:
    for person in range(25):
        (api.bucket / f"person{person}").mkdir()
        for shot in range(4):
            photo = fake_photo(fake_face(f"p{person}", shot=shot, away=0.3))
            (api.bucket / f"person{person}" / f"{shot}.jpg").write_bytes(photo)
        probe = fake_photo(fake_face(f"p{person}", shot=9, away=0.3))
        (api.bucket / f"probe{person}.jpg").write_bytes(probe)
    (api.bucket / "empty.jpg").write_bytes(fake_photo())
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_REKOGNITION": api.address,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
    }
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout == "migrated\n", ended.stderr
