"""REST as a door: over HTTP, and through the Lambda function behind API Gateway."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlencode

import httpx

from facerec import errors
from facerec.core.erasures import SubjectKind
from facerec.gallery.gallery import Gallery
from tests.support.doors.base import (
    Change,
    Door,
    DoorError,
    Erased,
    Exported,
    Found,
    FoundUser,
    Migrated,
    Page,
)
from tests.support.doors.documents import (
    change,
    cluster,
    cluster_page,
    confidences,
    correction_page,
    erased,
    event_page,
    exported,
    face_matches,
    face_page,
    history_entry,
    history_page,
    listed_faces,
    migration,
    person_page,
    rest_matches,
    similarities,
    users_found,
)
from tests.support.gateway_events import rest_event

HTTP = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""One client for all requests, since each would read the certificates of all authorities again."""

SUBJECTS = {
    SubjectKind.FACE: "face_id",
    SubjectKind.PHOTO: "photo",
    SubjectKind.EXTERNAL_ID: "external_image_id",
    SubjectKind.USER: "user_id",
}
"""The fields by which a request names what it is about."""


class RestDoor(Door):
    """The REST routes of ``facerec serve``."""

    errors: ClassVar = {
        errors.InvalidInputError: 422,
        errors.ConflictError: 409,
        errors.MigrationError: 409,
        errors.ErasureNotFoundError: 404,
        errors.HistoryEntryNotFoundError: 404,
        errors.InvalidPageTokenError: 404,
        errors.NotFoundError: 404,
        errors.ObjectNotFoundError: 404,
        errors.UserExistsError: 409,
        errors.ClusterNotFoundError: 404,
        errors.UserNameExistsError: 409,
        errors.PersonChangeError: 409,
        errors.UserNotFoundError: 404,
        errors.CollectionExistsError: 409,
        errors.CollectionNotFoundError: 404,
        errors.FaceInUseError: 409,
        errors.FaceNotFoundError: 404,
        errors.ModelMismatchError: 422,
        errors.NoFaceError: 422,
        errors.PhotoTooLargeError: 413,
        errors.UnreadablePhotoError: 422,
    }

    def __init__(self, gallery: Gallery, data: Path, jobs_root: str, address: str = "") -> None:
        super().__init__(gallery, data, jobs_root)
        self._address = address

    def create_collection(self, name: str) -> str:
        created = self._send("POST", "collections", {"collection_id": name})
        return str(created["model_version"])

    def list_collections(self) -> list[str]:
        listed = self._send("GET", "collections")
        return [collection["collection_id"] for collection in listed["collections"]]

    def describe_collection(self, name: str) -> tuple[int, int]:
        described = self._send("GET", f"collections/{name}")
        return described["face_count"], described["user_count"]

    def delete_collection(self, name: str) -> None:
        self._send("DELETE", f"collections/{name}")

    def list_faces(self, name: str, user_id: str | None = None) -> list[tuple[str, str | None]]:
        query = "" if user_id is None else f"?user_id={user_id}"
        listed = self._send("GET", f"collections/{name}/faces{query}")
        return listed_faces(listed)

    def delete_face(self, name: str, face_id: str) -> None:
        self._send("DELETE", f"collections/{name}/faces/{face_id}")

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        self._send("DELETE", f"collections/{name}/faces/{face_id}?disassociate=true")

    def index(self, name: str, photo: bytes, quality_filter: str | None = None) -> list[str]:
        body = {"collection_id": name, "external_image_id": "photo", **image(photo)}
        if quality_filter is not None:
            body["quality_filter"] = quality_filter
        indexed = self._send("POST", "face-recognition/index", body)
        return [face["face_id"] for face in indexed["faces"]]

    def search(
        self,
        name: str,
        photo: bytes,
        threshold: float | None = None,
        limit: int | None = None,
        quality_filter: str | None = None,
        target_fmr: float | None = None,
    ) -> list[Found]:
        given = _given(
            threshold=threshold,
            target_fmr=target_fmr,
            limit=limit,
            quality_filter=quality_filter,
        )
        body = {"collection_id": name, **image(photo), **given}
        return rest_matches(self._send("POST", "face-recognition/match", body))

    def compare(
        self, source: bytes, target: bytes, quality_filter: str | None = None
    ) -> list[float]:
        given = _given(quality_filter=quality_filter)
        body = {"source": image(source), "target": image(target), **given}
        compared = self._send("POST", "face-recognition/compare", body)
        return similarities(compared)

    def detect(self, photo: bytes, detector: str | None = None) -> list[float]:
        body = {**image(photo), **_given(detector=detector)}
        detected = self._send("POST", "face-recognition/detect", body)
        return confidences(detected)

    def page_of_collections(self, limit: int, next_token: str | None) -> Page:
        page = self._get("collections", limit=limit, next_token=next_token)
        return Page([each["collection_id"] for each in page["collections"]], page["next_token"])

    def page_of_faces(self, name: str, limit: int, next_token: str | None) -> Page:
        page = self._get(f"collections/{name}/faces", limit=limit, next_token=next_token)
        return face_page(page)

    def page_of_users(self, name: str, limit: int, next_token: str | None) -> Page:
        page = self._get(f"collections/{name}/people", limit=limit, next_token=next_token)
        return person_page(page)

    def refresh_stats(self, name: str) -> None:
        token = None
        while True:
            query = urlencode(_given(limit=1, next_token=token))
            token = self._send("POST", f"collections/{name}/stats?{query}")["next_token"]
            if token is None:
                return

    def migration_status(self, name: str) -> Migrated:
        return migration(self._get(f"collections/{name}/migration"))

    def migrate(self, name: str, recipe: str, *, drop_missing: bool = False) -> Migrated:
        self._prepare_all(name, recipe, drop_missing=drop_missing)
        return self.switch_version(name)

    def roll_back_migration(self, name: str) -> Migrated:
        if self.migration_status(name)[0] == "SWITCHED":
            self._prepare_all(name, None)
        return self.cancel_migration(name)

    def _prepare_all(self, name: str, recipe: str | None, *, drop_missing: bool = False) -> None:
        path, query = f"collections/{name}/migration", {"limit": 1}
        body = {} if recipe is None else {"recipe": recipe}
        while True:
            page = self._send("POST", f"{path}?{urlencode(query)}", body)
            for face in page["missing"] if drop_missing else ():
                self.delete_face_of_user(name, face["face_id"])
            if page["next_token"] is None:
                return
            query["next_token"] = page["next_token"]

    def prepare_migration(self, name: str, recipe: str) -> list[str]:
        body = {"recipe": recipe, "dry_run": True}
        page = self._send("POST", f"collections/{name}/migration", body)
        return sorted(face["reason"] for face in page["missing"])

    def switch_version(self, name: str) -> Migrated:
        return migration(self._send("POST", f"collections/{name}/migration/switch"))

    def finish_migration(self, name: str) -> Migrated:
        return migration(self._send("POST", f"collections/{name}/migration/finish"))

    def cancel_migration(self, name: str) -> Migrated:
        return migration(self._send("DELETE", f"collections/{name}/migration"))

    def search_face(
        self, name: str, face_id: str, limit: int | None = None, target_fmr: float | None = None
    ) -> list[Found]:
        path = f"collections/{name}/faces/{face_id}/matches"
        found = self._get(path, limit=limit, target_fmr=target_fmr)
        return face_matches(found["matches"])

    def thumbnail(self, name: str, face_id: str) -> bytes:
        path = f"{self._address}/api/v1/collections/{name}/faces/{face_id}/thumbnail"
        response = HTTP.get(path)
        if not response.is_success:
            return rest_answer(response.status_code, response.text)
        return response.content

    def set_threshold(self, name: str, threshold: float | None) -> None:
        method = "DELETE" if threshold is None else "PUT"
        body = None if threshold is None else {"threshold": threshold}
        self._send(method, f"collections/{name}/threshold", body)

    def not_same(self, name: str, face_id: str, person: str) -> None:
        self._send("PUT", f"collections/{name}/faces/{face_id}/not-same/{person}")

    def lift_correction(self, name: str, face_id: str, person: str) -> None:
        self._send("DELETE", f"collections/{name}/faces/{face_id}/not-same/{person}")

    def page_of_corrections(self, name: str, limit: int, next_token: str | None) -> Page:
        path = f"collections/{name}/corrections"
        return correction_page(self._get(path, limit=limit, next_token=next_token))

    def page_of_history(
        self, name: str, limit: int | None, next_token: str | None, person: str | None = None
    ) -> Page:
        path = f"collections/{name}/history"
        return history_page(self._get(path, limit=limit, next_token=next_token, person=person))

    def undo(self, name: str, entry_id: str) -> tuple[object, ...]:
        done = self._send("POST", f"collections/{name}/history/{entry_id}/undo?why=wrong", {})
        return history_entry(done)

    def cluster_faces(self, name: str) -> None:
        self._send("POST", f"collections/{name}/clusters", {})

    def page_of_clusters(self, name: str, limit: int, next_token: str | None) -> Page:
        path = f"collections/{name}/clusters"
        return cluster_page(self._get(path, limit=limit, next_token=next_token))

    def describe_cluster(self, name: str, cluster_id: str) -> tuple[str, list[str], str | None]:
        return cluster(self._get(f"collections/{name}/clusters/{cluster_id}"))

    def name_cluster(self, name: str, cluster_id: str, user_id: str) -> Change:
        path = f"collections/{name}/clusters/{cluster_id}/person"
        return change(self._send("PUT", path, {"user_id": user_id}))

    def ignore_cluster(self, name: str, cluster_id: str) -> None:
        self._send("PUT", f"collections/{name}/clusters/{cluster_id}/ignored")

    def not_same_cluster(self, name: str, cluster_id: str, person: str) -> None:
        self._send("PUT", f"collections/{name}/clusters/{cluster_id}/not-same/{person}")

    def not_a_face(self, name: str, face_id: str) -> None:
        self._send("PUT", f"collections/{name}/faces/{face_id}/not-a-face")

    def erase(self, name: str, kind: SubjectKind, subject: str) -> Erased:
        body = {SUBJECTS[kind]: subject}
        return erased(self._send("POST", f"collections/{name}/erasures", body))

    def export(self, name: str, kind: SubjectKind, subject: str) -> Exported:
        body = {SUBJECTS[kind]: subject}
        return exported(self._send("POST", f"collections/{name}/exports", body))

    def set_retention(self, name: str, days: int | None) -> None:
        method, body = ("DELETE", None) if days is None else ("PUT", {"days": days})
        self._send(method, f"collections/{name}/retention", body)

    def get_retention(self, name: str) -> int | None:
        days: int | None = self._get(f"collections/{name}")["retention_days"]
        return days

    def list_erasures(self, name: str, limit: int | None = None) -> list[Erased]:
        listed = self._get(f"collections/{name}/erasures", limit=limit)
        return [erased(receipt) for receipt in listed["erasures"]]

    def get_erasure(self, name: str, erasure_id: str) -> Erased:
        return erased(self._send("GET", f"collections/{name}/erasures/{erasure_id}"))

    def create_user(self, name: str, user_id: str) -> None:
        self._send("POST", f"collections/{name}/people", {"user_id": user_id})

    def create_named_user(self, name: str, user_id: str | None, displayed: str) -> str:
        body = {"name": displayed, **_given(user_id=user_id)}
        return str(self._send("POST", f"collections/{name}/people", body)["user_id"])

    def rename_user(self, name: str, user_id: str, displayed: str | None) -> str | None:
        path = f"collections/{name}/people/{user_id}/name"
        method, body = ("DELETE", None) if displayed is None else ("PUT", {"name": displayed})
        return self._send(method, path, body)["name"]

    def register_user(self, name: str, user_id: str, consent: str, expires: str) -> object:
        path = f"collections/{name}/people/{user_id}/registration"
        return self._send("PUT", path, {"consent": consent, "expires": expires})["registration"]

    def unregister_user(self, name: str, user_id: str) -> object:
        path = f"collections/{name}/people/{user_id}/registration"
        return self._send("DELETE", path)["registration"]

    def page_of_events(self, name: str, limit: int | None, next_token: str | None) -> Page:
        path = f"collections/{name}/events"
        return event_page(self._get(path, limit=limit, next_token=next_token))

    def retry_events(self, name: str) -> None:
        self._send("POST", f"collections/{name}/events/retry", {})

    def merge_users(self, name: str, user_id: str, other_id: str) -> list[str]:
        path = f"collections/{name}/people/{user_id}/merge"
        return self._send("POST", path, {"other_id": other_id})["face_ids"]

    def split_user(
        self, name: str, user_id: str, face_ids: list[str], new_user_id: str
    ) -> list[str]:
        path = f"collections/{name}/people/{user_id}/split"
        return self._send("POST", path, {"face_ids": face_ids, "user_id": new_user_id})["face_ids"]

    def describe_user(self, name: str, user_id: str) -> tuple[str, list[str]]:
        person = self._send("GET", f"collections/{name}/people/{user_id}")
        return person["status"], person["face_ids"]

    def delete_user(self, name: str, user_id: str) -> None:
        self._send("DELETE", f"collections/{name}/people/{user_id}")

    def users_named(self, name: str, text: str) -> list[object]:
        return person_page(self._get(f"collections/{name}/people", name_contains=text)).entries

    def find(
        self,
        name: str,
        photo: bytes | None = None,
        *,
        user_id: str | None = None,
        face_number: int | None = None,
        doubtful: bool = False,
        doubtful_below: float | None = None,
    ) -> list[Found]:
        given = _given(face_number=face_number, doubtful_below=doubtful_below)
        if photo is not None:
            body = {"collection_id": name, **image(photo), "doubtful": doubtful, **given}
            found = self._send("POST", "face-recognition/find", body)
        else:
            path = f"collections/{name}/people/{user_id}/photos"
            found = self._get(path, doubtful="true" if doubtful else "false", **given)
        return face_matches(found["matches"])

    def associate_faces(
        self, name: str, user_id: str, face_ids: list[str], min_similarity: float | None = None
    ) -> Change:
        body = {"face_ids": face_ids, **_given(min_similarity=min_similarity)}
        return change(self._send("POST", f"collections/{name}/people/{user_id}/faces", body))

    def disassociate_faces(self, name: str, user_id: str, face_ids: list[str]) -> Change:
        (face_id,) = face_ids
        path = f"collections/{name}/people/{user_id}/faces/{face_id}"
        return change(self._send("DELETE", path))

    def search_users_by_face(
        self, name: str, face_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        path = f"collections/{name}/faces/{face_id}/people"
        return users_found(self._get(path, threshold=threshold))

    def search_users_by_user(
        self, name: str, user_id: str, threshold: float | None = None
    ) -> list[FoundUser]:
        path = f"collections/{name}/people/{user_id}/matches"
        return users_found(self._get(path, threshold=threshold))

    def search_users_by_photo(
        self, name: str, photo: bytes, threshold: float | None = None
    ) -> list[FoundUser]:
        body = {"collection_id": name, **image(photo), **_given(threshold=threshold)}
        return users_found(self._send("POST", "face-recognition/match-people", body))

    def _get(self, path: str, **query: object) -> Any:  # noqa: ANN401 - JSON
        given = urlencode(_given(**query))
        return self._send("GET", f"{path}?{given}" if given else path)

    def _send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        response = HTTP.request(method, f"{self._address}/api/v1/{path}", json=body)
        return rest_answer(response.status_code, response.text)


class RestLambdaDoor(RestDoor):
    """The REST routes of the Lambda function, called with events of API Gateway."""

    def __init__(
        self,
        gallery: Gallery,
        data: Path,
        jobs_root: str,
        function: Callable[[dict[str, Any], object], dict[str, Any]],
    ) -> None:
        super().__init__(gallery, data, jobs_root)
        self._function = function

    def _send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        path, _, query = path.partition("?")
        event = rest_event(method, f"/api/v1/{path}", body, authorization="AWS_IAM")
        if query:
            event["queryStringParameters"] = dict(parse_qsl(query))
            event["multiValueQueryStringParameters"] = parse_qs(query)
        answer = self._function(event, None)
        return rest_answer(answer["statusCode"], answer["body"])

    def thumbnail(self, name: str, face_id: str) -> bytes:
        path = f"/api/v1/collections/{name}/faces/{face_id}/thumbnail"
        accept = {"Accept": "image/jpeg"}
        event = rest_event("GET", path, authorization="AWS_IAM", headers=accept)
        answer = self._function(event, None)
        if answer["statusCode"] != 200:
            return rest_answer(answer["statusCode"], answer["body"])
        assert answer["isBase64Encoded"]
        return base64.b64decode(answer["body"])


def image(photo: bytes) -> dict[str, Any]:
    """Return the REST field that holds a photo."""
    return {"image": base64.b64encode(photo).decode()}


def rest_answer(status: int, body: str) -> Any:  # noqa: ANN401 - JSON
    """Return the document of a response.

    Raises:
        DoorError: The response is a problem.
    """
    if status >= 400:
        raise DoorError(status, body)
    return json.loads(body) if body else None


def _given(**fields: object) -> dict[str, object]:
    """Return the fields that are given."""
    return {name: value for name, value in fields.items() if value is not None}
