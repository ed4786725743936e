"""Amazon ECR, as far as it describes the images that the emulator runs."""

# ruff: noqa: ANN401 - JSON
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import ministack.services.ecr as ministack_registry
from ministack.core.responses import json_response

from tests.e2e.emulator.settings import Image
from tests.support.ecr_server import EcrServer


def install(images: Mapping[str, Image]) -> None:
    """Have the registry know the images, with configurations that can be downloaded."""
    registry = EcrServer().__enter__()
    for address, image in images.items():
        repository, _, tag = address.partition("/")[2].partition(":")
        registry.push(repository, tag, image.architecture, image.labels)
    for operation, name in {
        "BatchGetImage": "_batch_get_image",
        "GetDownloadUrlForLayer": "_get_download_url_for_layer",
    }.items():
        ministack = getattr(ministack_registry, name)
        setattr(ministack_registry, name, _answering(registry, operation, ministack))


def _answering(registry: EcrServer, operation: str, ministack: Any) -> Any:
    def answer(request: Any) -> Any:
        if request.get("repositoryName") not in registry.repositories:
            return ministack(request)
        body = json.dumps(request).encode()
        response = registry.respond("POST", "/", {"X-Amz-Target": f"ecr.{operation}"}, body)
        return json_response(response.document, response.status)

    return answer
