from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.client import BaseClient
from PIL import Image

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.local import LoopbackGuard
from facerec.core.options import FaceOptions
from facerec.core.photos import PhotoFaces, UnreadablePhoto
from facerec.core.records import Correction
from facerec.core.schemas import violation
from facerec.errors import ConfigurationError, ServiceDeniedError, StoreUnavailableError
from facerec.jobs.manifest.entries import LineParser
from facerec.jobs.manifest.source import LineFormat
from facerec.jobs.outcomes import PhotoFailure
from facerec.testing.engine import FakeEngine, FakeFace, fake_face, fake_photo
from tests.support.api import Api
from tests.support.server import running

RECOGNITION = "/api/v1/face-recognition"


@pytest.fixture
def rest(api: Api) -> httpx.Client:
    return httpx.Client(base_url=api.address)


@pytest.fixture
def staff(rest: httpx.Client) -> str:
    assert rest.post("/api/v1/collections", json={"collection_id": "staff"}).status_code == 201
    return "staff"


def in_base64(*faces: FakeFace, **settings: int) -> str:
    return base64.b64encode(fake_photo(*faces, **settings)).decode()


def index(rest: httpx.Client, person: str, shot: int = 0) -> dict[str, Any]:
    document = {
        "collection_id": "staff",
        "image": in_base64(fake_face(person, shot=shot, away=0.1)),
        "external_image_id": person,
    }
    return valid("index-result", rest.post(f"{RECOGNITION}/index", json=document))


def valid(schema: str, response: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    document = response.json()
    assert violation(schema, document) is None
    return document


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    return valid("problem", response, status)


def test_a_photo_is_indexed_and_then_matched(rest: httpx.Client, staff: str) -> None:
    indexed = index(rest, "ann")
    (face,) = indexed["faces"]
    assert face["external_image_id"] == "ann"
    document = {
        "collection_id": staff,
        "image": in_base64(fake_face("bob", width=0.4), fake_face("ann", left=0.6)),
    }
    matched = valid("match-result", rest.post(f"{RECOGNITION}/match", json=document))
    assert [one["decision"] for one in matched["faces"]] == ["unknown", "match"]
    (match,) = matched["faces"][1]["matches"]
    assert match["face"]["face_id"] == face["face_id"]
    assert match["distance"] == pytest.approx(0.1, abs=1e-4)
    assert match["similarity"] > 0.99


def test_a_match_can_store_the_faces_too(rest: httpx.Client, staff: str) -> None:
    document = {
        "collection_id": staff,
        "image": in_base64(fake_face("ann")),
        "index": True,
        "external_image_id": "visitor",
    }
    first = valid("match-result", rest.post(f"{RECOGNITION}/match", json=document))
    assert first["faces"][0]["matches"] == []
    assert first["indexed"]["faces"][0]["external_image_id"] == "visitor"
    second = valid("match-result", rest.post(f"{RECOGNITION}/match", json=document))
    assert len(second["faces"][0]["matches"]) == 1


def test_matches_are_limited_by_threshold_and_number(rest: httpx.Client, staff: str) -> None:
    for person in ("ann", "bob", "cyd"):
        index(rest, person)
    document = {"collection_id": staff, "image": in_base64(fake_face("ann"))}
    strict = rest.post(f"{RECOGNITION}/match", json={**document, "threshold": 1})
    loose = rest.post(f"{RECOGNITION}/match", json={**document, "threshold": 0, "limit": 2})
    assert len(strict.json()["faces"][0]["matches"]) == 0
    assert len(loose.json()["faces"][0]["matches"]) == 2
    assert loose.json()["faces"][0]["matches"][0]["face"]["external_image_id"] == "ann"


def test_more_matches_is_true_though_corrections_hide_faces(
    api: Api, rest: httpx.Client, staff: str
) -> None:
    gallery = api.collaborators.gallery()
    (twin,) = gallery.index(staff, fake_photo(fake_face("ann"))).faces
    for shot in range(110):
        name, away = ("ann", 0.1) if shot < 100 else ("bob", 0.2)
        photo = fake_photo(fake_face("ann", shot=shot, away=away))
        gallery.index(staff, photo, external_image_id=name)
    gallery.not_same(staff, twin.record.face_id, "ann")
    document = {"collection_id": staff, "image": in_base64(fake_face("ann"))}
    for limit, more in ((10, True), (11, False)):
        matched = rest.post(f"{RECOGNITION}/match", json={**document, "limit": limit})
        (face,) = valid("match-result", matched)["faces"]
        assert (len(face["matches"]), face["more_matches"]) == (limit, more)


def test_a_correction_about_nobody_is_refused(api: Api, rest: httpx.Client, staff: str) -> None:
    gallery = api.collaborators.gallery()
    indexed = gallery.index(staff, fake_photo(fake_face("bob")), external_image_id="bob:1")
    gallery.create_user(staff, "e-1", name="Ann")
    face = f"/api/v1/collections/{staff}/faces/{indexed.faces[0].record.face_id}/not-same"
    for person, status in {"nobody": 404, "e-1": 204, "Ann": 404, "bob": 204}.items():
        answer = rest.put(f"{face}/{person}")
        assert answer.status_code == status, answer.text
        assert ("does not exist" in answer.text) == (status == 404)
    stated = {each.person for each in gallery.list_corrections(staff).corrections}
    assert stated == {"e-1", "bob"}
    cluster = f"/api/v1/collections/{staff}/clusters/c1"
    # This server keeps no clusters, which is found before the person.
    assert "clusters" in rest.put(f"{cluster}/not-same/nobody").json()["detail"]


def test_a_correction_takes_ids_though_they_are_names_of_other_people(
    api: Api, rest: httpx.Client, staff: str
) -> None:
    gallery = api.collaborators.gallery()
    indexed = gallery.index(staff, fake_photo(fake_face("bob")), external_image_id="bob:1")
    photo = fake_photo(fake_face("dan"))
    gallery.index(staff, photo, external_image_id="Dan")
    for user_id, name in (("Zoe", "Kim"), ("z9", "Zoe")):
        gallery.create_user(staff, user_id, name=name)
    face_id = indexed.faces[0].record.face_id
    collection = f"/api/v1/collections/{staff}"
    face = f"{collection}/faces/{face_id}/not-same"

    def stated() -> set[str]:
        return {each.person for each in gallery.list_corrections(staff).corrections}

    for person in ("Zoe", "Dan"):
        assert rest.put(f"{face}/{person}").status_code == 204
    assert "clusters" in rest.put(f"{collection}/clusters/c1/not-same/Zoe").json()["detail"]
    # A name that only photos had is that of a person by now, and somebody is gone.
    gallery._records.add_corrections(staff, [Correction(face_id, "gone")])
    gallery.create_user(staff, "e-1", name="Dan")
    assert stated() == {"Zoe", "Dan", "gone"}
    for person in ("Zoe", "Dan", "gone"):
        assert rest.delete(f"{face}/{person}").status_code == 204
        assert person not in stated()


def test_photos_are_read_from_buckets(api: Api, rest: httpx.Client, staff: str) -> None:
    (api.bucket / "ann.jpg").write_bytes(fake_photo(fake_face("ann")))
    source = {"collection_id": staff, "bucket": "photos", "key": "ann.jpg"}
    indexed = valid("index-result", rest.post(f"{RECOGNITION}/index", json=source))
    assert indexed["faces"][0]["source"] == "s3://photos/ann.jpg"
    matched = valid("match-result", rest.post(f"{RECOGNITION}/match", json=source))
    assert len(matched["faces"][0]["matches"]) == 1


def test_photos_are_compared_and_detected_without_a_collection(rest: httpx.Client) -> None:
    both = in_base64(fake_face("ann"), fake_face("bob", left=0.6))
    compared = rest.post(
        f"{RECOGNITION}/compare",
        json={"source": {"image": in_base64(fake_face("bob"))}, "target": {"image": both}},
    )
    pairs = valid("compare-result", compared)["pairs"]
    assert [pair["target"] for pair in pairs] == [1, 0]
    detected = valid("detect-result", rest.post(f"{RECOGNITION}/detect", json={"image": both}))
    assert len(detected["faces"]) == 2


def test_the_smallest_face_can_be_chosen_as_far_as_detectors_see(rest: httpx.Client) -> None:
    photo = in_base64(fake_face("ann"))
    for size, status in ((20, 200), (19, 422), (0, 422), (-5, 422)):
        document = {"image": photo, "smallest_face": size, "rotate": False}
        assert rest.post(f"{RECOGNITION}/detect", json=document).status_code == status


def test_a_rejected_face_names_the_options_that_would_keep_it(rest: httpx.Client) -> None:
    two = in_base64(fake_face("ann"), fake_face("bob", left=0.6))
    response = rest.post(f"{RECOGNITION}/detect", json={"image": two, "max_faces": 1})
    (rejected,) = valid("detect-result", response)["rejected"]
    assert (rejected["reasons"], rejected["options"]) == (["EXCEEDS_MAX_FACES"], ["max_faces"])


def test_collections_are_created_described_listed_and_deleted(rest: httpx.Client) -> None:
    made = rest.post("/api/v1/collections", json={"collection_id": "a"})
    valid("collection", made, 201)
    rest.post("/api/v1/collections", json={"collection_id": "b"})
    described = valid("collection", rest.get(made.headers["Location"]))
    assert (described["face_count"], described["user_count"]) == (0, 0)
    first = valid("collection-list", rest.get("/api/v1/collections", params={"limit": 1}))
    rest_of_them = rest.get("/api/v1/collections", params={"next_token": first["next_token"]})
    assert [c["collection_id"] for c in first["collections"]] == ["a"]
    assert [c["collection_id"] for c in rest_of_them.json()["collections"]] == ["b"]
    assert rest_of_them.json()["next_token"] is None
    assert rest.delete("/api/v1/collections/a").status_code == 204
    problem(rest.get("/api/v1/collections/a"), 404)
    problem(rest.post("/api/v1/collections", json={"collection_id": "b"}), 409)


def test_faces_are_listed_and_deleted(rest: httpx.Client, staff: str) -> None:
    ids = sorted(index(rest, person)["faces"][0]["face_id"] for person in ("ann", "bob", "cyd"))
    first = valid("face-list", rest.get(f"/api/v1/collections/{staff}/faces?limit=2"))
    rest_of_them = rest.get(
        f"/api/v1/collections/{staff}/faces", params={"next_token": first["next_token"]}
    )
    listed = first["faces"] + valid("face-list", rest_of_them)["faces"]
    assert [face["face_id"] for face in listed] == ids
    assert rest.delete(f"/api/v1/collections/{staff}/faces/{ids[0]}").status_code == 204
    problem(rest.delete(f"/api/v1/collections/{staff}/faces/{ids[0]}"), 404)


def test_a_face_of_a_user_names_its_user_and_cannot_be_deleted(
    rest: httpx.Client, client: BaseClient, staff: str
) -> None:
    face_id = index(rest, "ann")["faces"][0]["face_id"]
    client.create_user(CollectionId=staff, UserId="ann")
    client.associate_faces(CollectionId=staff, UserId="ann", FaceIds=[face_id])
    (listed,) = valid("face-list", rest.get(f"/api/v1/collections/{staff}/faces"))["faces"]
    assert listed["user_id"] == "ann"
    document = {"collection_id": staff, "image": in_base64(fake_face("ann"))}
    matched = valid("match-result", rest.post(f"{RECOGNITION}/match", json=document))
    assert matched["faces"][0]["matches"][0]["face"]["user_id"] == "ann"
    refused = rest.delete(f"/api/v1/collections/{staff}/faces/{face_id}")
    assert "?disassociate=true" in problem(refused, 409)["hint"]


def test_the_health_check_succeeds(rest: httpx.Client) -> None:
    assert valid("health", rest.get("/api/v1/health"))["model_version"] == "fake-1"


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"image": in_base64(fake_face("ann"))}, 422),
        ({"collection_id": "nowhere", "image": in_base64(fake_face("ann"))}, 404),
        ({"collection_id": "a b", "image": in_base64(fake_face("ann"))}, 422),
        ({"collection_id": "staff"}, 422),
        ({"collection_id": "staff", "bucket": "photos"}, 422),
        ({"collection_id": "staff", "bucket": "photos", "key": "k", "image": "aaaa"}, 422),
        ({"collection_id": "staff", "image": "not base64!"}, 422),
        ({"collection_id": "staff", "image": base64.b64encode(b"no photo").decode()}, 422),
        ({"collection_id": "staff", "image": in_base64(width=30_000, height=30_000)}, 413),
        ({"collection_id": "staff", "bucket": "photos", "key": "missing.jpg"}, 404),
        ({"collection_id": "staff", "bucket": "photos", "key": "../../facerec.db"}, 403),
        ({"collection_id": "staff", "bucket": "another", "key": "photo.jpg"}, 403),
        ({"collection_id": "staff", "image": in_base64(), "unknown": 1}, 422),
        ([], 422),
    ],
)
@pytest.mark.parametrize("route", ["index", "match"])
def test_failed_requests_return_a_problem(
    rest: httpx.Client, staff: str, route: str, document: object, status: int
) -> None:
    problem(rest.post(f"{RECOGNITION}/{route}", json=document), status)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 1.01},
        {"threshold": "0.8"},
        {"limit": 0},
        {"limit": 4097},
        {"max_faces": 0},
        {"max_faces": 101},
    ],
)
def test_settings_out_of_range_are_refused(
    rest: httpx.Client, staff: str, settings: dict[str, Any]
) -> None:
    document = {"collection_id": staff, "image": in_base64(fake_face("ann")), **settings}
    problem(rest.post(f"{RECOGNITION}/match", json=document), 422)


@pytest.mark.parametrize("body", ["{", "", '{"collection_id": NaN}', "[" * 50_000])
def test_malformed_json_is_refused(rest: httpx.Client, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = rest.post(f"{RECOGNITION}/match", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    problem(answer, answer.status_code)


def test_a_photo_without_a_face_indexes_and_matches_nothing(rest: httpx.Client, staff: str) -> None:
    document = {"collection_id": staff, "image": in_base64()}
    indexed = valid("index-result", rest.post(f"{RECOGNITION}/index", json=document))
    assert indexed["faces"] == []
    problem(rest.post(f"{RECOGNITION}/match", json=document), 422)
    problem(rest.post(f"{RECOGNITION}/match-people", json=document), 422)


def test_problems_never_repeat_the_request(rest: httpx.Client, staff: str) -> None:
    document = {"collection_id": staff, "image": "secret photo of ann"}
    assert "ann" not in problem(rest.post(f"{RECOGNITION}/match", json=document), 422)["detail"]


@pytest.mark.parametrize("route", ["index", "match", "detect"])
def test_problems_name_no_path_of_the_server(
    api: Api, rest: httpx.Client, staff: str, route: str
) -> None:
    document = {"bucket": "photos", "key": "missing.jpg"}
    if route != "detect":
        document["collection_id"] = staff
    answer = rest.post(f"{RECOGNITION}/{route}", json=document)
    assert "s3://photos/missing.jpg" in problem(answer, 404)["detail"]
    assert str(api.bucket) not in answer.text


def test_unknown_routes_and_methods_are_problems_too(rest: httpx.Client) -> None:
    problem(rest.get("/api/v1/nothing"), 404)
    answer = rest.put("/api/v1/collections")
    problem(answer, 405)
    assert answer.headers["Allow"]


class BrokenStore:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        raise self._error


def test_an_unavailable_store_tells_when_to_retry(api: Api) -> None:
    broken = BrokenStore(StoreUnavailableError("the table is down"))
    gallery = replace(api.collaborators, records=broken).gallery()
    with running(create_app(gallery, AppSettings(LoopbackGuard()))) as address:
        answer = httpx.get(f"{address}/api/v1/collections")
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_store_that_denies_the_server_is_no_fault_of_the_client(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    broken = BrokenStore(ServiceDeniedError("the table faces-of-ann"))
    gallery = replace(api.collaborators, records=broken).gallery()
    with running(create_app(gallery, AppSettings(LoopbackGuard()))) as address:
        answer = httpx.get(f"{address}/api/v1/collections")
        target = {"X-Amz-Target": "RekognitionService.ListCollections"}
        other = httpx.post(address, json={}, headers=target)
    assert problem(answer, 500)["detail"] == "the server is not set up for this request"
    assert (other.status_code, other.json()["__type"]) == (500, "InternalServerError")
    assert "a store or service denies access (ServiceDeniedError)" in caplog.text
    assert "ann" not in caplog.text


def test_an_error_without_advice_is_logged_without_any(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    broken = BrokenStore(ConfigurationError("a setting of the server is wrong"))
    gallery = replace(api.collaborators, records=broken).gallery()
    with running(create_app(gallery, AppSettings(LoopbackGuard()))) as address:
        problem(httpx.get(f"{address}/api/v1/collections"), 500)
    assert "the server is not set up (ConfigurationError)" in caplog.messages


def test_an_unexpected_error_reveals_no_details(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    broken = BrokenStore(RuntimeError("secret of ann"))
    gallery = replace(api.collaborators, records=broken).gallery()
    with running(create_app(gallery, AppSettings(LoopbackGuard()))) as address:
        answer = httpx.get(f"{address}/api/v1/collections")
    assert "ann" not in problem(answer, 500)["detail"]


def test_a_thumbnail_is_returned_if_the_photo_can_be_read(
    api: Api, rest: httpx.Client, staff: str
) -> None:
    real = photo_of_nobody()
    (api.bucket / "real.png").write_bytes(real)
    gallery = replace(api.collaborators, engine=AnnEverywhere()).gallery()
    (face,) = gallery.index(staff, "s3://photos/real.png").faces
    address = f"/api/v1/collections/{staff}/faces/{face.record.face_id}/thumbnail"
    shown = rest.get(address)
    assert shown.headers["Content-Type"] == "image/jpeg"
    # No browser shows the face once it is deleted.
    assert shown.headers["Cache-Control"] == "no-store"
    with Image.open(BytesIO(shown.content)) as picture:
        assert max(picture.size) <= 160
        assert picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))[0] > 200
    (api.bucket / "real.png").write_bytes(real + b"changed")
    problem(rest.get(address), 404)
    (api.bucket / "real.png").unlink()
    problem(rest.get(address), 404)
    unsent = index(rest, "bob")["faces"][0]["face_id"]
    problem(rest.get(f"/api/v1/collections/{staff}/faces/{unsent}/thumbnail"), 404)


class AnnEverywhere(FakeEngine):
    """Sees the same face in the middle of every photo."""

    def analyse(
        self, photos: Sequence[bytes], options: FaceOptions
    ) -> list[PhotoFaces | UnreadablePhoto]:
        ann = fake_photo(fake_face("ann", left=0.5, top=0.5))
        return super().analyse([ann] * len(photos), options)


def photo_of_nobody() -> bytes:
    picture = Image.new("RGB", (640, 480), "gray")
    picture.paste((230, 200, 190), (310, 230, 640, 480))
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def test_the_documentation_loads_nothing_from_other_servers(rest: httpx.Client) -> None:
    docs = rest.get("/docs")
    assert "http" not in docs.text.replace("httpSnippet", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert len(rest.get(f"/docs/{name}").content) > 10_000
    problem(rest.get("/docs/..%2fsecret"), 404)
    assert rest.get("/openapi.json").json()["paths"]


def test_files_beside_the_bucket_are_out_of_reach(
    api: Api, rest: httpx.Client, staff: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.jpg").write_bytes(fake_photo(fake_face("ann")))
    (api.bucket / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    source = {"collection_id": staff, "bucket": "photos", "key": "link.jpg"}
    problem(rest.post(f"{RECOGNITION}/index", json=source), 403)


def test_a_method_that_a_path_lacks_is_answered_with_those_that_it_has(rest: httpx.Client) -> None:
    assert rest.put("/api/v1/collections").headers["Allow"] == "GET, POST"
    assert rest.put("/api/v1/collections/staff").headers["Allow"] == "DELETE, GET"


def test_parameters_that_a_route_does_not_have_are_refused(rest: httpx.Client, staff: str) -> None:
    path = f"/api/v1/collections/{staff}/faces"
    refused = problem(rest.get(path, params={"limits": 1, "limit": 1, "page": 2}), 422)
    assert (
        refused["detail"]
        == "query.limits is unknown here; omit it; query.page is unknown here; omit it"
    )
    deleted = rest.delete(f"/api/v1/collections/{staff}", params={"dry_run": "true"})
    assert "query.dry_run" in problem(deleted, 422)["detail"]
    assert rest.get(path, params={"limit": 1}).status_code == 200
    document = {"collection_id": staff, "image": in_base64(fake_face("ann"))}
    answer = rest.post(f"{RECOGNITION}/match", json=document, params={"limit": 1})
    assert "query.limit" in problem(answer, 422)["detail"]


def test_every_route_refuses_parameters_that_it_does_not_have(api: Api) -> None:
    document = httpx.get(f"{api.address}/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            filled = re.sub(r"\{\w+\}", "00000000-0000-8000-8000-000000000000", path)
            answer = httpx.request(method, api.address + filled, params={"no_such": "x"})
            assert answer.status_code in (415, 422), (method, path)
            assert answer.status_code == 415 or "query.no_such" in answer.json()["detail"]


def test_every_route_that_changes_something_reads_json_only(api: Api) -> None:
    document = httpx.get(f"{api.address}/openapi.json").json()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for path, methods in document["paths"].items():
        for method in methods.keys() - {"get"}:
            filled = re.sub(r"\{\w+\}", "00000000-0000-8000-8000-000000000000", path)
            answer = httpx.request(method, api.address + filled, content=b"a=b", headers=form)
            assert answer.status_code == 415, (method, path)
            assert "Content-Type: application/json" in answer.json()["detail"]
            assert "415" in methods[method]["responses"], (method, path)


def test_a_wrong_name_has_one_wording(rest: httpx.Client, staff: str) -> None:
    wrong = "invalid external image id 'a b'; use 1 to 255 letters, digits, '_', '.', '-' and ':'"
    document = {"collection_id": staff, "image": "", "external_image_id": "a b"}
    refused = problem(rest.post(f"{RECOGNITION}/index", json=document), 422)
    assert f"external_image_id: {wrong}" in refused["detail"]
    parsed = LineParser(LineFormat.JSONL, (), None, False).parse(
        b'{"image": "s3://b/k.jpg", "external_image_id": "a b"}'
    )
    assert isinstance(parsed, PhotoFailure)
    assert parsed.detail == wrong
    face = rest.get(f"/api/v1/collections/{staff}/faces/ann.jpg/matches")
    assert problem(face, 422)["detail"] == (
        "path.face_id: invalid face id 'ann.jpg'; use the id of a face, a lowercase UUID"
    )


def test_the_faces_of_one_person_are_listed(rest: httpx.Client, staff: str) -> None:
    (ann,) = index(rest, "ann")["faces"]
    index(rest, "bob")
    people = f"/api/v1/collections/{staff}/people"
    assert rest.post(people, json={"user_id": "ann"}).status_code == 201
    faces = {"face_ids": [ann["face_id"]]}
    assert rest.post(f"{people}/ann/faces", json=faces).status_code == 200
    path = f"/api/v1/collections/{staff}/faces"
    listed = valid("face-list", rest.get(path, params={"user_id": "ann"}))
    assert [face["face_id"] for face in listed["faces"]] == [ann["face_id"]]
    problem(rest.get(path, params={"user_id": "wei"}), 404)


def test_no_id_stands_for_another_address_of_a_url(
    rest: httpx.Client, client: BaseClient, staff: str
) -> None:
    people = "/api/v1/collections/staff/people"
    for wrong in (".", ".."):
        created = rest.post("/api/v1/collections", json={"collection_id": wrong})
        assert (created.status_code, "URLs cannot contain it" in created.text) == (422, True)
        assert rest.post(people, json={"user_id": wrong}).status_code == 422
        with pytest.raises(client.exceptions.InvalidParameterException):
            client.create_collection(CollectionId=wrong)

    person = rest.post(people, json={"name": ".."}).json()
    assert rest.delete(f"{people}/{person['user_id']}").status_code == 204
    assert rest.get("/api/v1/collections/staff").status_code == 200


def test_a_slash_at_the_end_of_a_path_is_not_ignored(rest: httpx.Client, staff: str) -> None:
    assert rest.delete("/api/v1/collections/staff/").status_code == 404
    assert rest.get("/api/v1/collections/staff").status_code == 200
