"""A stand-in for Amazon ECR that answers as its reference says, with the blobs of its images.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
An image that does not exist is a failure in the answer; a repository that does not is an error.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html
Only blobs that an image refers to have an address, which needs no credentials.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.support.http_server import HttpServer, Response

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class EcrServer(HttpServer):
    """A registry with images that have a manifest and a configuration, and no layers.

    Attributes:
        repositories: Manifests by tags and digests, for each repository by its name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.repositories: dict[str, dict[str, dict[str, Any]]] = {}
        self._blobs: dict[str, dict[str, Any]] = {}

    def push(
        self, repository: str, tag: str, architecture: str, labels: Mapping[str, str] | None = None
    ) -> str:
        """Store an image for one architecture (``amd64``, ``arm64``); return its digest."""
        configuration = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": dict(labels)} if labels is not None else {},
        }
        blob = _digest(configuration)
        self._blobs[blob] = configuration
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": blob}}
        return self._store(repository, tag, manifest)

    def push_index(self, repository: str, tag: str, images: Mapping[str, str]) -> str:
        """Store an image for several architectures, as Docker makes it: with an attestation each.

        Args:
            repository: Name of the repository.
            tag: Tag of the image.
            images: Digests by architectures.
        """
        listed = [
            {"digest": digest, "platform": {"architecture": architecture, "os": "linux"}}
            for architecture, digest in images.items()
        ]
        attested = {
            "digest": f"sha256:{'0' * 64}",
            "platform": {"architecture": "unknown", "os": "unknown"},
        }
        manifest = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*listed, attested]}
        return self._store(repository, tag, manifest)

    def respond(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """Answer a request of the API, or return a blob."""
        if method == "GET":
            return Response(self._blobs[address.removeprefix("/blobs/")])
        operation = headers["X-Amz-Target"].rpartition(".")[2]
        if status := self._next_failure(operation):
            return _error("ServerException", status)
        request = json.loads(body)
        images = self.repositories.get(request["repositoryName"])
        if images is None:
            return _error("RepositoryNotFoundException", 400)
        if operation == "GetDownloadUrlForLayer":
            digest = request["layerDigest"]
            if digest not in [each.get("config", {}).get("digest") for each in images.values()]:
                return _error("LayersNotFoundException", 400)
            url = f"{self.address}/blobs/{digest}"
            return Response({"downloadUrl": url, "layerDigest": digest})
        assert operation == "BatchGetImage"
        found, failures = [], []
        for wanted in request["imageIds"]:
            manifest = images.get(wanted.get("imageDigest") or wanted["imageTag"])
            if manifest is None:
                failures.append({"imageId": wanted, "failureCode": "ImageNotFound"})
            else:
                text = json.dumps(manifest)
                found.append({"imageId": wanted, "imageManifest": text})
        return Response({"images": found, "failures": failures})

    def _store(self, repository: str, tag: str, manifest: dict[str, Any]) -> str:
        digest = _digest(manifest)
        images = self.repositories.setdefault(repository, {})
        images[tag] = images[digest] = manifest
        return digest


def _digest(document: object) -> str:
    return f"sha256:{hashlib.sha256(json.dumps(document).encode()).hexdigest()}"


def _error(code: str, status: int) -> Response:
    return Response({"__type": code, "message": code}, status)
