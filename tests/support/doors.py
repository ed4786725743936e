"""Every door to a gallery with one interface, so that tests can compare what they answer.

Each door has a data folder of its own. Set-up goes through ``gallery``, which works on the same
stores; the operation under test goes through the door's own protocol, from its command, request or
event to its answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl

import httpx
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from click.testing import CliRunner

from facerec import errors
from facerec.cli.main import main
from facerec.core.options import QualityFilter
from facerec.gallery.gallery import Gallery
from tests.support.gateway_events import rest_event

BUCKET = "facerec-work"
"""The bucket of the deployment on AWS."""


class DoorError(Exception):
    """A door refused an operation.

    Attributes:
        raised: The class of the error as this door distinguishes it: several classes have the same
            exit code or status.
        text: Everything that the door says.
    """

    def __init__(self, raised: object, text: str) -> None:
        super().__init__(f"{raised}: {text}")
        self.raised, self.text = raised, text


@dataclass
class Found:
    """A stored face that a search returned."""

    face_id: str
    similarity: float
    user_id: str | None


class Door:
    """What every door can do. ``None`` stands for what the caller leaves to the gallery."""

    errors: ClassVar[dict[type[errors.FacerecError], object]]
    """How the door tells each class of error."""

    def __init__(self, gallery: Gallery, data: Path, jobs_root: str) -> None:
        self.gallery, self.data, self.jobs_root = gallery, data, jobs_root

    def create_collection(self, name: str) -> str:
        """Create a collection and return its model version."""
        raise NotImplementedError

    def list_collections(self) -> list[str]:
        """Return the ids of all collections."""
        raise NotImplementedError

    def describe_collection(self, name: str) -> tuple[int, int]:
        """Return the numbers of faces and users."""
        raise NotImplementedError

    def delete_collection(self, name: str) -> None:
        """Delete a collection."""
        raise NotImplementedError

    def list_faces(self, name: str) -> list[tuple[str, str | None]]:
        """Return the ids of all faces with their users."""
        raise NotImplementedError

    def delete_face(self, name: str, face_id: str) -> None:
        """Delete a face."""
        raise NotImplementedError

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        """Disassociate a face from its user and delete it."""
        raise NotImplementedError

    def index(self, name: str, photo: bytes, quality_filter: str | None = None) -> list[str]:
        """Index a photo under the name ``photo`` and return the ids of its faces."""
        raise NotImplementedError

    def search(self, name: str, photo: bytes, threshold: float | None = None) -> list[Found]:
        """Return the matches of a photo's largest face."""
        raise NotImplementedError

    def compare(self, source: bytes, target: bytes) -> list[float]:
        """Return how similar the faces of the target are to the largest face of the source."""
        raise NotImplementedError

    def detect(self, photo: bytes) -> list[float]:
        """Return the confidence of each face."""
        raise NotImplementedError


class PythonDoor(Door):
    """The public Python API."""

    errors: ClassVar = {kind: kind for kind in vars(errors).values() if isinstance(kind, type)}

    def create_collection(self, name: str) -> str:
        return self._run(lambda: self.gallery.create_collection(name).model_version)

    def list_collections(self) -> list[str]:
        return [collection.collection_id for collection in self.gallery.all_collections()]

    def describe_collection(self, name: str) -> tuple[int, int]:
        summary = self._run(lambda: self.gallery.describe_collection(name))
        return summary.face_count, summary.user_count

    def delete_collection(self, name: str) -> None:
        self._run(lambda: self.gallery.delete_collection(name))

    def list_faces(self, name: str) -> list[tuple[str, str | None]]:
        page = self._run(lambda: self.gallery.list_faces(name))
        return [(face.record.face_id, face.user_id) for face in page.faces]

    def delete_face(self, name: str, face_id: str) -> None:
        for failure in self._run(lambda: self.gallery.delete_faces(name, [face_id])).failed:
            raise DoorError(
                errors.FaceInUseError if failure.user_id else errors.FaceNotFoundError, ""
            )

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        self._run(lambda: self.gallery.delete_faces(name, [face_id], disassociate=True))

    def index(self, name: str, photo: bytes, quality_filter: str | None = None) -> list[str]:
        chosen = None if quality_filter is None else QualityFilter(quality_filter)
        options = self.gallery.defaults.index_options(quality_filter=chosen)
        result = self._run(
            lambda: self.gallery.index(name, photo, external_image_id="photo", options=options)
        )
        return [face.record.face_id for face in result.faces]

    def search(self, name: str, photo: bytes, threshold: float | None = None) -> list[Found]:
        result = self._run(lambda: self.gallery.search(name, photo, threshold=threshold))
        return [
            Found(match.face.face_id, match.similarity, match.user_id)
            for match in result.faces[0].matches
        ]

    def compare(self, source: bytes, target: bytes) -> list[float]:
        comparison = self._run(lambda: self.gallery.compare(source, target))
        return [pair.similarity for pair in comparison.pairs if pair.source == 0]

    def detect(self, photo: bytes) -> list[float]:
        return [face.confidence for face in self._run(lambda: self.gallery.detect(photo)).faces]

    @staticmethod
    def _run(operation: Callable[[], Any]) -> Any:  # noqa: ANN401 - the operation's own
        try:
            return operation()
        except errors.FacerecError as error:
            raise DoorError(type(error), f"{error.message} {error.hint}") from error


class CommandLineDoor(Door):
    """The command line, which prints JSON and ends with an exit code."""

    errors: ClassVar = {
        errors.CollectionExistsError: 4,
        errors.CollectionNotFoundError: 3,
        errors.FaceInUseError: 4,
        errors.FaceNotFoundError: 3,
        errors.ModelMismatchError: 6,
        errors.NoFaceError: 5,
        errors.PhotoTooLargeError: 4,
        errors.UnreadablePhotoError: 4,
    }

    def create_collection(self, name: str) -> str:
        return str(self._run("collections", "create", name, "--json")["model_version"])

    def list_collections(self) -> list[str]:
        listed = self._run("collections", "list", "--json")
        return [collection["collection_id"] for collection in listed]

    def describe_collection(self, name: str) -> tuple[int, int]:
        described = self._run("collections", "describe", name, "--json")
        return described["face_count"], described["user_count"]

    def delete_collection(self, name: str) -> None:
        self._run("collections", "delete", name, "--yes")

    def list_faces(self, name: str) -> list[tuple[str, str | None]]:
        listed = self._run("faces", "list", "--collection", name, "--json")
        return [(face["face_id"], face.get("user_id")) for face in listed["faces"]]

    def delete_face(self, name: str, face_id: str) -> None:
        self._run("faces", "delete", "--collection", name, face_id, "--json")

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        self._run("faces", "delete", "--collection", name, face_id, "--disassociate")

    def search(self, name: str, photo: bytes, threshold: float | None = None) -> list[Found]:
        words = [] if threshold is None else ["--threshold", threshold]
        matched = self._run("match", self._file(photo), "--collection", name, "--json", *words)
        return rest_matches(matched)

    def compare(self, source: bytes, target: bytes) -> list[float]:
        compared = self._run("compare", self._file(source), self._file(target, "b"), "--json")
        return [pair["similarity"] for pair in compared["pairs"] if pair["source"] == 0]

    def detect(self, photo: bytes) -> list[float]:
        detected = self._run("detect", self._file(photo), "--json")
        return [face["confidence"] for face in detected["faces"]]

    def _file(self, photo: bytes, name: str = "a") -> Path:
        path = self.data / f"{name}.jpg"
        path.write_bytes(photo)
        return path

    def _run(self, *words: object) -> Any:  # noqa: ANN401 - JSON
        runner = CliRunner(env={"FACEREC_DATA": str(self.data)})
        result = runner.invoke(main, [str(word) for word in words])
        if result.exit_code:
            raise DoorError(result.exit_code, result.output)
        return json.loads(result.stdout) if "--json" in words else None


class RestDoor(Door):
    """The REST routes of ``facerec serve``."""

    errors: ClassVar = {
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

    def list_faces(self, name: str) -> list[tuple[str, str | None]]:
        listed = self._send("GET", f"collections/{name}/faces")
        return [(face["face_id"], face.get("user_id")) for face in listed["faces"]]

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

    def search(self, name: str, photo: bytes, threshold: float | None = None) -> list[Found]:
        body = {"collection_id": name, **image(photo)}
        if threshold is not None:
            body["threshold"] = threshold
        return rest_matches(self._send("POST", "face-recognition/match", body))

    def compare(self, source: bytes, target: bytes) -> list[float]:
        body = {"source": image(source), "target": image(target)}
        compared = self._send("POST", "face-recognition/compare", body)
        return [pair["similarity"] for pair in compared["pairs"] if pair["source"] == 0]

    def detect(self, photo: bytes) -> list[float]:
        detected = self._send("POST", "face-recognition/detect", image(photo))
        return [face["confidence"] for face in detected["faces"]]

    def _send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        response = httpx.request(method, f"{self._address}/api/v1/{path}", json=body, timeout=60)
        return rest_answer(response.status_code, response.text)


class LambdaDoor(RestDoor):
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


class RekognitionDoor(Door):
    """Rekognition's protocol, spoken by boto3's own client."""

    errors: ClassVar = {
        errors.CollectionExistsError: "ResourceAlreadyExistsException",
        errors.CollectionNotFoundError: "ResourceNotFoundException",
        errors.FaceInUseError: "ASSOCIATED_TO_AN_EXISTING_USER",
        errors.FaceNotFoundError: "FACE_NOT_FOUND",
        errors.ModelMismatchError: "InvalidParameterException",
        errors.NoFaceError: "InvalidParameterException",
        errors.PhotoTooLargeError: "ImageTooLargeException",
        errors.UnreadablePhotoError: "InvalidImageFormatException",
    }

    def __init__(
        self, gallery: Gallery, data: Path, jobs_root: str, client: BaseClient | None = None
    ) -> None:
        super().__init__(gallery, data, jobs_root)
        self._client = client

    def create_collection(self, name: str) -> str:
        created = self._call("create_collection", CollectionId=name)
        return str(created["FaceModelVersion"])

    def list_collections(self) -> list[str]:
        return list(self._call("list_collections")["CollectionIds"])

    def describe_collection(self, name: str) -> tuple[int, int]:
        described = self._call("describe_collection", CollectionId=name)
        return described["FaceCount"], described["UserCount"]

    def delete_collection(self, name: str) -> None:
        self._call("delete_collection", CollectionId=name)

    def list_faces(self, name: str) -> list[tuple[str, str | None]]:
        listed = self._call("list_faces", CollectionId=name)
        return [(face["FaceId"], face.get("UserId")) for face in listed["Faces"]]

    def delete_face(self, name: str, face_id: str) -> None:
        deleted = self._call("delete_faces", CollectionId=name, FaceIds=[face_id])
        for failure in deleted["UnsuccessfulFaceDeletions"]:
            raise DoorError(failure["Reasons"][0], json.dumps(failure))

    def delete_face_of_user(self, name: str, face_id: str) -> None:
        (listed,) = self._call("list_faces", CollectionId=name, FaceIds=[face_id])["Faces"]
        self._call(
            "disassociate_faces", CollectionId=name, UserId=listed["UserId"], FaceIds=[face_id]
        )
        self.delete_face(name, face_id)

    def index(self, name: str, photo: bytes, quality_filter: str | None = None) -> list[str]:
        settings = {} if quality_filter is None else {"QualityFilter": quality_filter}
        indexed = self._call(
            "index_faces",
            CollectionId=name,
            Image={"Bytes": photo},
            ExternalImageId="photo",
            **settings,
        )
        return [record["Face"]["FaceId"] for record in indexed["FaceRecords"]]

    def search(self, name: str, photo: bytes, threshold: float | None = None) -> list[Found]:
        settings = {} if threshold is None else {"FaceMatchThreshold": 100 * threshold}
        found = self._call(
            "search_faces_by_image", CollectionId=name, Image={"Bytes": photo}, **settings
        )
        return [
            Found(match["Face"]["FaceId"], match["Similarity"] / 100, match["Face"].get("UserId"))
            for match in found["FaceMatches"]
        ]

    def compare(self, source: bytes, target: bytes) -> list[float]:
        compared = self._call(
            "compare_faces",
            SourceImage={"Bytes": source},
            TargetImage={"Bytes": target},
            SimilarityThreshold=0,
        )
        return [match["Similarity"] / 100 for match in compared["FaceMatches"]]

    def detect(self, photo: bytes) -> list[float]:
        detected = self._call("detect_faces", Image={"Bytes": photo})
        return [face["Confidence"] / 100 for face in detected["FaceDetails"]]

    def _call(self, operation: str, **parameters: object) -> Any:  # noqa: ANN401 - boto3's own
        try:
            return getattr(self._client, operation)(**parameters)
        except ClientError as error:
            raise DoorError(error.response["Error"]["Code"], str(error)) from error


def image(photo: bytes) -> dict[str, Any]:
    """Return the REST field that holds a photo."""
    return {"image": base64.b64encode(photo).decode()}


def rest_matches(document: dict[str, Any]) -> list[Found]:
    """Return the matches of the first face of ``match-result.json``."""
    return [
        Found(match["face"]["face_id"], match["similarity"], match["face"].get("user_id"))
        for match in document["faces"][0]["matches"]
    ]


def rest_answer(status: int, body: str) -> Any:  # noqa: ANN401 - JSON
    """Return the document of a response.

    Raises:
        DoorError: The response is a problem.
    """
    if status >= 400:
        raise DoorError(status, body)
    return json.loads(body) if body else None
