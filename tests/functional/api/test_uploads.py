"""Photos sent as files, by clients that build no JSON."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api

RECOGNITION = "/api/v1/face-recognition"
ANN = fake_photo(fake_face("ann"))
BOTH = fake_photo(fake_face("ann", width=0.3), fake_face("bob", left=0.6))


@pytest.fixture
def rest(api: Api) -> httpx.Client:
    client = httpx.Client(base_url=api.address)
    client.post("/api/v1/collections", json={"collection_id": "staff"})
    return client


def send(rest: httpx.Client, route: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's
    response = rest.post(f"{RECOGNITION}/{route}", **request)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def test_a_photo_is_the_body_of_a_request(rest: httpx.Client) -> None:
    headers = {"Content-Type": "image/jpeg"}
    fields = {"collection_id": "staff", "external_image_id": "ann"}
    indexed = send(rest, "index", params=fields, content=ANN, headers=headers)
    assert indexed["faces"][0]["external_image_id"] == "ann"
    fields = {"collection_id": "staff", "threshold": "0.5", "limit": "1"}
    matched = send(rest, "match", params=fields, content=BOTH, headers=headers)
    assert [face["decision"] for face in matched["faces"]] == ["match", "unknown"]
    assert matched["threshold"] == 0.5
    assert len(send(rest, "detect", content=BOTH, headers=headers)["faces"]) == 2


@pytest.mark.parametrize("route", ["index", "match", "detect"])
def test_a_form_can_set_every_option_of_the_faces(rest: httpx.Client, route: str) -> None:
    send(rest, "index", data={"collection_id": "staff"}, files={"image": ANN})
    fields = {} if route == "detect" else {"collection_id": "staff"}
    options = {"max_faces": "2", "min_confidence": "0.5", "smallest_face": "40", "rotate": "false"}
    send(rest, route, data=fields | options, files={"image": BOTH})


@pytest.mark.parametrize("name", ["image", "file"])
def test_a_photo_is_a_part_of_a_form(rest: httpx.Client, name: str) -> None:
    fields = {"collection_id": "staff", "max_faces": "1"}
    files = {name: ("group.jpg", BOTH, "image/jpeg")}
    indexed = send(rest, "index", data=fields, files=files)
    assert (len(indexed["faces"]), len(indexed["rejected"])) == (1, 1)
    fields = {"collection_id": "staff", "index": "true", "external_image_id": "visitor"}
    matched = send(rest, "match", data=fields, files=files)
    assert matched["indexed"]["faces"][0]["external_image_id"] == "visitor"


def test_two_photos_are_compared_as_parts_of_a_form(rest: httpx.Client) -> None:
    compared = send(rest, "compare", files={"source": ("a.jpg", ANN), "target": ("b.jpg", BOTH)})
    assert [pair["target"] for pair in compared["pairs"]] == [0, 1]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n" * 100 + b"--x--"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\na\r\n' * 2 + b"--x--",
        ),
        ("image/jpeg", b""),
        ("image/jpeg", b"not a photo"),
        ("image/jpeg", b"[" * 200_000),
    ],
)
def test_a_malformed_upload_is_a_problem(
    rest: httpx.Client, content_type: str, body: bytes
) -> None:
    response = rest.post(
        f"{RECOGNITION}/detect", content=body, headers={"Content-Type": content_type}
    )
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_field_of_a_wrong_type_is_named(rest: httpx.Client) -> None:
    files = {"image": ("ann.jpg", ANN)}
    fields = {"collection_id": "staff", "limit": "many"}
    response = rest.post(f"{RECOGNITION}/match", data=fields, files=files)
    assert response.status_code == 422
    assert "limit" in response.json()["detail"]


def test_a_photo_with_bytes_like_json_is_accepted(rest: httpx.Client) -> None:
    photo = ANN + b" " * 10 + b",:[{" * 100_000
    response = rest.post(
        f"{RECOGNITION}/detect", content=photo, headers={"Content-Type": "image/png"}
    )
    # It is the decoder that refuses these bytes, not the bound on JSON.
    assert response.status_code == 422
    assert "cannot be read" in response.json()["detail"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_curl_uploads_a_file(api: Api, rest: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "ann.jpg").write_bytes(ANN)
    address = f"{api.address}{RECOGNITION}/index"
    for words in (
        ["-F", "collection_id=staff", "-F", "file=@ann.jpg"],
        [
            "--data-binary",
            "@ann.jpg",
            "-H",
            "Content-Type: image/jpeg",
            "--url-query",
            "collection_id=staff",
        ],
    ):
        ended = subprocess.run(
            ["curl", "--silent", "--fail-with-body", address, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert '"face_id"' in ended.stdout
