"""Photos in the forms in which programs send them."""

from __future__ import annotations

import base64
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


def test_the_name_of_a_photo_is_stored_only_if_it_is_a_field(rest: httpx.Client) -> None:
    fields = {"collection_id": "staff"}
    files = {"image": ("secret.jpg", ANN, "image/jpeg")}
    (face,) = send(rest, "index", data=fields, files=files)["faces"]
    assert face["source"] == ""
    fields["photo_name"] = "day 1/张伟.jpg"
    files = {"image": ("secret.jpg", BOTH, "image/jpeg")}
    faces = send(rest, "index", data=fields, files=files)["faces"]
    assert {face["source"] for face in faces} == {"upload://day 1/张伟.jpg"}
    listed = rest.get("/api/v1/collections/staff/faces").text
    assert "secret" not in listed
    assert "upload://day 1/张伟.jpg" in listed
    document = {"collection_id": "staff", "bucket": "photos", "key": "a.jpg", "photo_name": "a"}
    for route in ("index", "match"):
        refused = rest.post(f"{RECOGNITION}/{route}", json=document)
        assert refused.status_code == 422
        assert "photo_name can be given only with image" in refused.json()["detail"]


def test_the_name_of_a_photo_is_stored_after_a_search_that_stores_the_photo(
    rest: httpx.Client,
) -> None:
    send(rest, "index", data={"collection_id": "staff"}, files={"image": ANN})
    fields = {"collection_id": "staff", "photo_name": "day 1/IMG_1.jpg"}
    searched = send(rest, "match", data=fields, files={"image": BOTH})
    assert "indexed" not in searched
    matched = send(rest, "match", data={**fields, "index": "true"}, files={"image": BOTH})
    assert {face["source"] for face in matched["indexed"]["faces"]} == {"upload://day 1/IMG_1.jpg"}


def test_fields_of_a_form_may_be_in_the_query(rest: httpx.Client) -> None:
    send(rest, "index", params={"collection_id": "staff"}, files={"file": ANN})
    fields = {"collection_id": "staff", "threshold": "0.99"}
    assert send(rest, "match", params=fields, files={"file": ANN})["threshold"] == 0.99


@pytest.mark.parametrize(
    ("query", "reason"),
    [({"bogus": "1"}, "bogus"), ({"limit": "0"}, "limit"), ({"threshold": "0.5"}, "appears twice")],
)
def test_wrong_fields_in_the_query_of_a_form_are_refused(
    rest: httpx.Client, query: dict[str, str], reason: str
) -> None:
    data = {"collection_id": "staff", "threshold": "0.9"}
    response = rest.post(f"{RECOGNITION}/match", params=query, data=data, files={"file": ANN})
    assert response.status_code == 422
    assert reason in response.text


def test_a_form_needs_no_boundary_in_its_media_type(rest: httpx.Client) -> None:
    form = httpx.Request("POST", rest.base_url, files={"image": BOTH}).read()
    headers = {"Content-Type": "multipart/form-data"}
    assert len(send(rest, "detect", content=form, headers=headers)["faces"]) == 2


def test_a_form_may_begin_with_a_preamble(rest: httpx.Client) -> None:
    form = httpx.Request("POST", rest.base_url, files={"image": BOTH})
    content = b"a form\r\n" + form.read()
    headers = {"Content-Type": form.headers["Content-Type"]}
    assert len(send(rest, "detect", content=content, headers=headers)["faces"]) == 2


def test_a_part_of_a_form_may_be_a_data_url(rest: httpx.Client) -> None:
    files = {"image": (None, "data:image/jpeg;base64," + IN_BASE64)}
    assert len(send(rest, "detect", files=files)["faces"]) == 2


def test_a_part_of_a_form_may_be_base64(rest: httpx.Client) -> None:
    for text in (IN_BASE64, base64.urlsafe_b64encode(BOTH).decode().rstrip("=")):
        assert len(send(rest, "detect", files={"image": (None, text)})["faces"]) == 2


def test_two_files_to_compare_are_told_their_names(rest: httpx.Client) -> None:
    files = [("file", ("a.jpg", ANN)), ("file", ("b.jpg", BOTH))]
    response = rest.post(f"{RECOGNITION}/compare", files=files)
    assert response.status_code == 422
    assert "'source' and 'target'" in response.json()["detail"]


def test_two_photos_are_compared_as_parts_of_a_form(rest: httpx.Client) -> None:
    compared = send(rest, "compare", files={"source": ("a.jpg", ANN), "target": ("b.jpg", BOTH)})
    assert [pair["target"] for pair in compared["pairs"]] == [0, 1]


IN_BASE64 = base64.b64encode(BOTH).decode()


@pytest.mark.parametrize(
    "image",
    [
        IN_BASE64,
        "data:image/jpeg;base64," + IN_BASE64,
        "data:;base64," + IN_BASE64,
        base64.urlsafe_b64encode(BOTH).decode().rstrip("="),
        base64.encodebytes(BOTH).decode(),
        base64.encodebytes(BOTH).decode().replace("\n", "\r\n"),
    ],
    ids=["standard", "data URL", "no media type", "URL-safe", "lines", "lines of Windows"],
)
@pytest.mark.parametrize("route", ["index", "match", "compare", "detect"])
def test_every_route_reads_base64_as_programs_write_it(
    rest: httpx.Client, route: str, image: str
) -> None:
    document: dict[str, Any] = {"collection_id": "staff", "image": image}
    if route == "compare":
        document = {"source": {"image": image}, "target": {"image": image}}
    elif route == "detect":
        del document["collection_id"]
    send(rest, route, json=document)


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        ({"data": {"collection_id": "staff"}, "files": {"other": b"x"}}, 422, "other"),
        ({"files": {"collection_id": (None, "staff")}}, 422, "a file in a form"),
        ({"files": [("image", ANN), ("image", ANN)]}, 422, "one photo per request"),
        ({"files": [("image", ANN), ("file", ANN)]}, 422, "one photo per request"),
        ({"data": {"collection_id": "staff"}}, 415, "multipart/form-data"),
        ({"content": ANN, "headers": {"Content-Type": "text/plain"}}, 415, "image/jpeg"),
        ({"content": ANN}, 415, "no Content-Type; send JSON"),
        ({"json": {"collection_id": "staff", "image": "data:image/png,abc"}}, 422, "in base64"),
        ({"json": {"collection_id": "staff", "image": "photo.jpg"}}, 422, "send the file itself"),
        ({"json": {"collection_id": "staff", "image": None}}, 422, "omit the fields"),
        ({"json": {"collection_id": None, "image": IN_BASE64}}, 422, "omit the fields"),
        (
            {"json": {"collection_id": "staff", "image": IN_BASE64, "limit": None}},
            422,
            "omit the fields",
        ),
        ({"json": None}, 422, ""),
    ],
)
def test_a_wrong_request_is_told_what_to_send_instead(
    rest: httpx.Client, request_: dict[str, Any], status: int, sentence: str
) -> None:
    response = rest.post(f"{RECOGNITION}/match", **request_)
    assert (response.status_code, response.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )
    assert sentence in response.json()["detail"]


def test_a_collection_is_created_by_json_only(rest: httpx.Client) -> None:
    response = rest.post("/api/v1/collections", data={"collection_id": "staff"})
    assert response.status_code == 415
    assert "application/json" in response.json()["detail"]


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


@pytest.mark.parametrize("limit", ["many", "", "true", "null", "[5]", '"5"', "five"])
def test_a_number_of_a_form_is_told_to_have_digits(rest: httpx.Client, limit: str) -> None:
    response = rest.post(
        f"{RECOGNITION}/match", data={"collection_id": "staff", "limit": limit}, files={"file": ANN}
    )
    assert response.status_code == 422
    assert response.json()["detail"] == "body.limit: give a number in digits"


def test_every_number_of_every_form_is_read_from_its_digits(rest: httpx.Client) -> None:
    paths = rest.get("/openapi.json").json()["paths"]
    sent = []
    for path, methods in paths.items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        form = content.get("multipart/form-data", {}).get("schema", {})
        for name, field in form.get("properties", {}).items():
            kinds = {kind.get("type") for kind in field.get("anyOf", [field])}
            if kinds & {"integer", "number"}:
                response = rest.post(path, data={name: "1"}, files={"image": ANN})
                assert "without quotes" not in response.text, (path, name)
                sent.append(name)
    assert {"doubtful_below", "face_number", "limit", "threshold"} <= set(sent)


def test_fields_beside_json_are_told_to_move_into_it(rest: httpx.Client) -> None:
    params = {"collection_id": "staff", "bogus": "1"}
    response = rest.post(f"{RECOGNITION}/match", params=params, json={"image": IN_BASE64})
    assert response.status_code == 422
    detail = response.json()["detail"]
    assert "query.collection_id: move it into the JSON document" in detail
    assert "query.bogus is unknown here" in detail


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
