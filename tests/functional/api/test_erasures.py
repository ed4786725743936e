"""Erasures over REST, and the receipts that every deletion leaves."""

from __future__ import annotations

import httpx
import pytest

from facerec.core.schemas import violation
from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api


def test_rest_returns_receipts(api: Api) -> None:
    rest = httpx.Client(base_url=api.address)
    path = "/api/v1/collections/staff"
    rest.post("/api/v1/collections", json={"collection_id": "staff"})
    for person in ("ann", "ann", "bob"):
        content = fake_photo(fake_face(person, shot=len(person)))
        files = {"image": content, "external_image_id": (None, person)}
        data = {"collection_id": (None, "staff")}
        assert rest.post("/api/v1/face-recognition/index", files={**files, **data}).is_success
    erased = rest.post(f"{path}/erasures", json={"external_image_id": "ann"})
    assert erased.status_code == 200, erased.text
    receipt = erased.json()
    assert violation("receipt", receipt) is None
    assert receipt["faces"] == 1
    assert rest.get(erased.headers["Location"]).json() == receipt
    (face,) = rest.get(f"{path}/faces").json()["faces"]
    deleted = rest.delete(f"{path}/faces/{face['face_id']}")
    assert rest.get(deleted.headers["Location"]).json()["subject"] == "FACE"
    gone = rest.delete(path)
    listed = rest.get(f"{path}/erasures").json()
    assert violation("receipt-list", listed) is None
    subjects = [each["subject"] for each in listed["erasures"]]
    assert sorted(subjects) == ["COLLECTION", "EXTERNAL_ID", "FACE"]
    assert rest.get(gone.headers["Location"]).json()["status"] == "DONE"
    assert rest.get(f"{path}/erasures/20260101T000000Z-00000000").status_code == 404
    for body in ({}, {"face_id": "x"}, {"user_id": "a", "photo": "b"}):
        assert rest.post(f"{path}/erasures", json=body).status_code == 422


@pytest.mark.parametrize("length", [200, 201, 255])
def test_collections_with_long_names_are_erased(api: Api, length: int) -> None:
    rest = httpx.Client(base_url=api.address)
    names = ["a" * (length - 1) + last for last in "bc"]
    for name in names:
        rest.post("/api/v1/collections", json={"collection_id": name})
        files = {"image": fake_photo(fake_face("ann")), "collection_id": (None, name)}
        assert rest.post("/api/v1/face-recognition/index", files=files).is_success
    erased = rest.delete(f"/api/v1/collections/{names[0]}")
    assert erased.is_success, erased.text
    assert rest.get(erased.headers["Location"]).json()["status"] == "DONE"
    listed = [rest.get(f"/api/v1/collections/{name}/erasures").json() for name in names]
    assert [len(each["erasures"]) for each in listed] == [1, 0]
    (face,) = rest.get(f"/api/v1/collections/{names[1]}/faces").json()["faces"]
    assert rest.delete(f"/api/v1/collections/{names[1]}/faces/{face['face_id']}").is_success
