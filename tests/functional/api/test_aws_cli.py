"""The real AWS CLI, with nothing changed but the endpoint: every operation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from awscli.clidriver import create_clidriver

from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api

Aws = Callable[..., Any]


@pytest.fixture
def aws(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Aws:
    """The CLI's own entry point, called within this process since starting one takes a second."""
    for name, value in environment(api).items():
        monkeypatch.setenv(name, value)

    driver = create_clidriver()

    def run(*arguments: str, fails: bool = False) -> Any:  # noqa: ANN401
        capsys.readouterr()
        ended = driver.main(["rekognition", *arguments])
        said = capsys.readouterr()
        assert bool(ended) == fails, said.err
        return json.loads(said.out) if said.out.strip() else said.err

    for name, person in (("ann.jpg", "ann"), ("ann 2.jpg", "ann"), ("bob.jpg", "bob")):
        photo = fake_photo(fake_face(person, shot=len(name), away=0.1))
        (api.bucket / name).write_bytes(photo)
    return run


def environment(api: Api) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_REKOGNITION": api.address,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }


def in_bucket(name: str) -> str:
    return json.dumps({"S3Object": {"Bucket": "photos", "Name": name}})


def test_every_operation_answers_the_cli(aws: Aws) -> None:
    staff = ("--collection-id", "staff")
    arn = aws("create-collection", *staff, "--tags", "team=a")["CollectionArn"]
    assert aws("describe-collection", *staff)["FaceCount"] == 0
    assert aws("list-collections")["CollectionIds"] == ["staff"]
    aws("tag-resource", "--resource-arn", arn, "--tags", "floor=2")
    aws("untag-resource", "--resource-arn", arn, "--tag-keys", "team")
    assert aws("list-tags-for-resource", "--resource-arn", arn)["Tags"] == {"floor": "2"}

    faces = {}
    for name in ("ann.jpg", "ann 2.jpg", "bob.jpg"):
        indexed = aws(
            "index-faces", *staff, "--image", in_bucket(name), "--external-image-id", name[:3]
        )
        faces[name] = indexed["FaceRecords"][0]["Face"]["FaceId"]
    assert len(aws("list-faces", *staff, "--page-size", "2")["Faces"]) == 3
    found = aws("search-faces", *staff, "--face-id", faces["ann.jpg"])
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [faces["ann 2.jpg"]]
    found = aws("search-faces-by-image", *staff, "--image", in_bucket("bob.jpg"))
    assert found["FaceMatches"][0]["Face"]["ExternalImageId"] == "bob"
    pair = ("--source-image", in_bucket("ann.jpg"), "--target-image", in_bucket("ann 2.jpg"))
    assert len(aws("compare-faces", *pair)["FaceMatches"]) == 1
    assert len(aws("detect-faces", "--image", in_bucket("ann.jpg"))["FaceDetails"]) == 1

    ann = (*staff, "--user-id", "ann")
    aws("create-user", *ann)
    joined = aws("associate-faces", *ann, "--face-ids", faces["ann.jpg"], faces["ann 2.jpg"])
    assert joined["UserStatus"] == "ACTIVE"
    assert [user["UserId"] for user in aws("list-users", *staff)["Users"]] == ["ann"]
    assert aws("search-users", *staff, "--face-id", faces["ann.jpg"])["UserMatches"]
    assert aws("search-users-by-image", *staff, "--image", in_bucket("ann.jpg"))["UserMatches"]
    aws("disassociate-faces", *ann, "--face-ids", faces["ann.jpg"])
    aws("delete-user", *ann)
    assert aws("delete-faces", *staff, "--face-ids", faces["bob.jpg"])["DeletedFaces"]
    aws("delete-collection", *staff)
    assert aws("list-collections")["CollectionIds"] == []


def test_the_cli_shows_the_services_errors(aws: Aws) -> None:
    complaint = aws("describe-collection", "--collection-id", "nowhere", fails=True)
    assert "ResourceNotFoundException" in complaint
    assert "The collection id: nowhere does not exist" in complaint


def test_an_environment_variable_is_all_that_a_process_needs(api: Api) -> None:
    command = [sys.executable, "-m", "awscli", "rekognition", "list-collections"]
    ended = subprocess.run(
        command,
        env={**os.environ, **environment(api)},
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert json.loads(ended.stdout)["CollectionIds"] == []
