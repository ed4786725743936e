"""Answers a request of Rekognition's protocol, from bytes to bytes."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from facerec.api.access_log import note_access
from facerec.api.auth.access import Principal
from facerec.api.rekognition.arns import UNSIGNED_REGION, collection_of, in_region
from facerec.api.rekognition.attributes import add_placeholders, without_estimated
from facerec.api.rekognition.collections import list_collections
from facerec.api.rekognition.errors import RekognitionError, rekognition_error
from facerec.api.rekognition.model import CONTENT_TYPE, TARGET_PREFIX, service_model
from facerec.api.rekognition.operations import OPERATIONS, Operation
from facerec.api.rekognition.validation import parse_request
from facerec.gallery.gallery import Gallery

TOKEN_MEMBER = "ClientRequestToken"  # noqa: S105 - a member's name


def find_operation(target: str) -> tuple[str, Operation]:
    """Return the name and the operation in the header ``X-Amz-Target``.

    Raises:
        RekognitionError: The operation does not exist.
    """
    name = target.removeprefix(TARGET_PREFIX)
    if not target.startswith(TARGET_PREFIX) or name not in OPERATIONS:
        raise RekognitionError("UnknownOperationException", "The operation is unknown.")
    return name, OPERATIONS[name]


def answer(
    gallery: Gallery,
    principal: Principal,
    name: str,
    body: bytes,
    *,
    region: str = UNSIGNED_REGION,
    placeholders: bool = False,
) -> bytes:
    """Return the JSON document that answers a request.

    Args:
        gallery: The operations.
        principal: The sender.
        name: Name of the operation.
        body: JSON document of the request.
        region: Region that the request is signed for.
        placeholders: Whether to return placeholders for unknown attributes of faces.

    Raises:
        RekognitionError: The request is invalid or not allowed.
        FacerecError: The operation failed; see ``rekognition_error``.
    """
    operation = OPERATIONS[name]
    request = parse_request(body, service_model().operation_model(name).input_shape)
    _authorise(principal, name, operation, request)
    asked = dict(request)
    if placeholders and not gallery.estimates_attributes:
        request.update(without_estimated(request))

    def perform() -> dict[str, Any]:
        if name == "ListCollections":
            return list_collections(gallery, request, only=principal.collections)
        with gallery.requested_by(principal.name or None):
            return operation.answer(gallery, request)

    token = request.pop(TOKEN_MEMBER, None)
    if token is None:
        answered = perform()
    else:
        # Keys may belong to different tenants, who may choose the same token by chance.
        scoped = f"{principal.name}:{token}" if principal.name else token
        answered = gallery.answer_once(
            scoped,
            {"operation": name, **request},
            perform,
            collection_id=request.get("CollectionId"),
        )
    if placeholders:
        answered = add_placeholders(asked, answered)
    return json.dumps(in_region(answered, region)).encode()


def error_response(error: Exception) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the response to a failed request."""
    exception = rekognition_error(error)
    headers = response_headers()
    document = {
        "__type": exception.kind,
        "Code": exception.kind,
        "Logref": headers["x-amzn-RequestId"],
        "Message": exception.message,
    }
    return exception.status, headers, json.dumps(document).encode()


def response_headers() -> dict[str, str]:
    """Return the headers of a response, with a new request id."""
    return {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": str(uuid4())}


def _authorise(
    principal: Principal, name: str, operation: Operation, request: dict[str, Any]
) -> None:
    collection_id = request.get("CollectionId")
    if "ResourceArn" in request:
        collection_id = collection_of(request["ResourceArn"])
    note_access(f"rekognition:{name}", collection_id)
    if operation.writes and not principal.may_change(collection_id):
        raise _denied(name)
    if collection_id is not None and not principal.may_use(collection_id):
        raise _denied(name)


def _denied(name: str) -> RekognitionError:
    return RekognitionError(
        "AccessDeniedException", f"The sender may not perform rekognition:{name} on this resource."
    )
