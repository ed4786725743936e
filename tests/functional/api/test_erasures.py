"""Erasures over REST, and the receipts that every deletion leaves."""

from __future__ import annotations

import httpx

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
